"""Starts Chiffon's programs as processes of their own, without loading everything each time.

It loads `chiffon up`, `serve` and `agent` once, makes the waiting times short, breaks what is to
be broken, and forks for each start. A child is a real process with its own memory, files and
sockets, and dies by real signals; what it saves is a second of computing.

Lines of JSON come in on standard input, `{"program", "words", "settings", "folder", "log"}`, and
go out on standard output: `{"pid"}` for a start, `{"pid", "status"}` for an end.
"""

import gc
import json
import os
import select
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agent import cli as agent_cli
from bot.cli import serve, start, up
from orchestrator.transport import rabbitmq
from tests.chaos.noise import send_twice
from tests.chaos.sabotage import SABOTAGES
from tests.chaos.shorter import shorten_times

_BUFFER = 65_536


def _agent() -> int:
    agent_cli.app(sys.argv[1:])
    return 0


_LOADED_EARLY = (up, rabbitmq)  # what the programs load only when they need it
PROGRAMS: Mapping[str, Callable[[], int]] = {"up": start.up, "serve": serve.serve, "agent": _agent}


def main() -> None:
    """Serve until standard input ends, then leave nobody behind."""
    shorten_times()
    for name in sys.argv[1:]:
        if name == "twice":
            send_twice()
        else:
            SABOTAGES[name]()
    gc.collect()
    gc.freeze()
    children: set[int] = set()
    ends, told = os.pipe()
    os.set_blocking(told, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(told)
    orders = b""
    try:
        while True:
            ready, _, _ = select.select([0, ends], [], [])
            if ends in ready:
                os.read(ends, _BUFFER)
                _bury(children)
            if 0 in ready:
                piece = os.read(0, _BUFFER)
                if not piece:
                    return
                *lines, orders = (orders + piece).split(b"\n")
                for line in lines:
                    pid = _born(json.loads(line))
                    children.add(pid)
                    _say({"pid": pid})
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)


def _bury(children: set[int]) -> None:
    for pid in list(children):
        gone, status = os.waitpid(pid, os.WNOHANG)
        if gone:
            children.discard(pid)
            _say({"pid": pid, "status": os.waitstatus_to_exitcode(status)})


def _say(words: Mapping[str, int]) -> None:
    os.write(1, json.dumps(words).encode() + b"\n")


def _born(order: Mapping[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        os.chdir(order["folder"])
        os.environ.clear()
        os.environ.update(order["settings"])
        _redirect(Path(order["log"]))
        sys.argv = ["chiffon", *order["words"]]
        status = PROGRAMS[order["program"]]()
    except SystemExit as ending:
        status = ending.code if isinstance(ending.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it is, a child must not go on as the nursery
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _redirect(log: Path) -> None:
    """Read nothing, and write into a file; let go of every other file of the nursery."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    to = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(nothing, 0)
    os.dup2(to, 1)
    os.dup2(to, 2)
    os.closerange(3, 64)


if __name__ == "__main__":
    main()
