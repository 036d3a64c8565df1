"""Starts `chiffon` as a process of its own that finds everything loaded.

Loading takes a second or two of computing, most of what a walk costs. A server forks for each
start: a child is a real process with its own memory, files, terminal and signals, and runs the
program from its first line with the words and the environment that it is given.
"""

import fcntl
import multiprocessing
import os
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol, Self, TextIO, cast

import bot.cli.main

CHIFFON = Path(sys.executable).with_name("chiffon")
_PROGRAMS = (
    *("bot.cli.up", "bot.cli.serve", "bot.cli.commands", "agent.cli"),
    *("bot.cli.slack_account", "orchestrator.cli.ask", "orchestrator.cli.plans"),
    *("orchestrator.cli.why", "orchestrator.transport.rabbitmq", "tests.plugins.warm"),
)
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([*_PROGRAMS])
# A session of its own has no terminal yet: take the one on standard input, then become the command.
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; "
    "os.isatty(0) and fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)


class Streams(NamedTuple):
    """Descriptors of what is to be standard input, output and error."""

    stdin: int
    stdout: int
    stderr: int

    @classmethod
    def of(cls, *files: IO[str]) -> Self:
        return cls(*(file.fileno() for file in files))


class Process(Protocol):
    """What is used of `subprocess.Popen`."""

    def poll(self) -> int | None: ...
    def wait(self, timeout: float) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def kill(self) -> None: ...


def cold(
    command: Sequence[str | Path], environment: Mapping[str, str], folder: Path, streams: Streams
) -> Process:
    """Start a command in a session of its own; a terminal on standard input is then its own."""
    return subprocess.Popen(
        [sys.executable, "-I", "-c", _TAKE_TERMINAL, *command],
        cwd=folder,
        env=environment,
        stdin=streams.stdin,
        stdout=streams.stdout,
        stderr=streams.stderr,
        start_new_session=True,
    )


class _Sent:
    """A descriptor on its way to a process."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __getstate__(self) -> dict[str, Any]:
        return {"number": DupFd(self.number)}

    def taken(self) -> int:
        return int(self.number.detach())  # type: ignore[attr-defined]


def chiffon(
    words: Sequence[str], environment: Mapping[str, str], folder: Path, streams: Streams
) -> Process:
    """Start `chiffon WORDS`: warm, or from cold where its coverage is to be measured."""
    if "COVERAGE_PROCESS_CONFIG" in environment:
        return cold([CHIFFON, *words], environment, folder, streams)
    return Warm(words, environment, folder, streams)


class Warm:
    """A started `chiffon`."""

    def __init__(
        self, words: Sequence[str], environment: Mapping[str, str], folder: Path, streams: Streams
    ) -> None:
        sent = [_Sent(number) for number in streams]
        self._process = _FORKS.Process(
            target=_run, args=(list(words), dict(environment), folder, sent), daemon=True
        )
        with _no_measuring():
            self._process.start()

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Wait for its end; return the exit status, below zero where a signal ended it.

        Raises:
            subprocess.TimeoutExpired: it has not ended in that many seconds.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("chiffon", timeout)
        return self._process.exitcode

    def send_signal(self, sig: int) -> None:
        if self.poll() is None and self._process.pid is not None:
            os.kill(self._process.pid, sig)

    def kill(self) -> None:
        self._process.kill()


@contextmanager
def _no_measuring() -> Iterator[None]:
    """The server must not measure coverage: what it forks would, too, and is slow for it."""
    hidden = {name: os.environ.pop(name) for name in [*os.environ] if name.startswith("COV")}
    try:
        yield
    finally:
        os.environ.update(hidden)


def _run(
    words: Sequence[str], environment: Mapping[str, str], folder: Path, sent: Sequence[_Sent]
) -> None:
    """Become `chiffon WORDS`, in a session of its own."""
    streams = [one.taken() for one in sent]
    os.setsid()
    if os.isatty(streams[0]):
        fcntl.ioctl(streams[0], termios.TIOCSCTTY, 0)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = _opened(0, "r"), _opened(1, "w"), _opened(2, "w")
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv = ["chiffon", *words]
    bot.cli.main.main()


def _opened(number: int, mode: str) -> TextIO:
    return cast("TextIO", open(number, mode, encoding="utf-8", closefd=False))
