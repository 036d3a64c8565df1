"""`python3 -m agent.homelab VERB --name=value …`: the program behind the starter catalogue."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

from typing_extensions import override

from agent.homelab import (
    backups,
    deploy,
    lifecycle,
    look,
    monitors,
    network,
    prune,
    remove,
    update,
)
from agent.homelab.failure import Failure, say
from agent.homelab.places import Homelab

WAIT_SECONDS = 60.0

Verb = Callable[[Homelab, argparse.Namespace], None]


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence instead of printing the usage."""

    @override
    def error(self, message: str) -> NoReturn:
        """End with status 2 and the sentence."""
        raise Failure(f"{message[:1].upper()}{message[1:]}; see --help.", exit_status=2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return 0 done, 1 failed, 2 wrong usage."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        given = parser().parse_args(arguments)
        verb: Verb = given.verb
        verb(Homelab.from_environment(), given)
    except Failure as failure:
        say(str(failure), sys.stderr)
        return failure.exit_status
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        say(
            f"Failed: {what}. Look at its rights and the room on the disk, then try again.",
            sys.stderr,
        )
        return 1
    return 0


def _terminated(number: int, _frame: FrameType | None) -> NoReturn:
    """Turn the agent's “stop” into an exception, so that paused containers are let go."""
    raise SystemExit(128 + number)


def parser() -> Parser:
    """Return the parser of every verb; `given.verb(home, given)` does the work."""
    program = Parser(prog="python3 -m agent.homelab", description=__doc__, allow_abbrev=False)
    verbs = program.add_subparsers(metavar="VERB", required=True, parser_class=Parser)

    def add(
        name: str, verb: Verb, text: str, *, service: bool = False, wait: bool = False
    ) -> Parser:
        command: Parser = verbs.add_parser(name, help=text, description=text, allow_abbrev=False)
        command.set_defaults(verb=verb)
        if service:
            command.add_argument("--service", required=True, help="the service, as in uptime-kuma")
        if wait:
            command.add_argument(
                "--wait", type=float, default=WAIT_SECONDS, help="seconds to answer"
            )
        return command

    _add_services(add)
    _add_archives(add)
    _add_looks(add)
    return program


Add = Callable[..., Parser]


def _add_services(add: Add) -> None:
    both = {"service": True, "wait": True}
    add("deploy", lambda h, a: deploy.deploy(h, a.service, a.wait), "prepare and start it", **both)
    add("start", lambda h, a: lifecycle.start(h, a.service, a.wait), "start it", **both)
    add(
        "restart", lambda h, a: lifecycle.restart(h, a.service, a.wait), "stop and start it", **both
    )
    add(
        "update",
        lambda h, a: update.update(h, a.service, a.wait),
        "back up, pull, up, check",
        **both,
    )
    add("stop", lambda h, a: lifecycle.stop(h, a.service), "stop it", service=True)
    add("add-portals", lambda h, _: monitors.add_portals(h), "portals.yaml to monitor files")
    add("list", lambda h, _: lifecycle.list_services(h), "what is here and in which state")
    command = add(
        "remove",
        lambda h, a: remove.remove(h, a.service, delete_data=a.delete_data),
        "take it out",
        service=True,
    )
    command.add_argument("--delete-data", type=_truth, default=False, help="true: its data too")


def _add_archives(add: Add) -> None:
    add("backup", lambda h, a: backups.backup(h, a.service), "archive its folder", service=True)
    command = add(
        "restore",
        lambda h, a: backups.restore(h, a.service, a.backup),
        "put a backup back",
        service=True,
    )
    command.add_argument("--backup", help="the end of the archive's name; the newest if not given")
    command = add(
        "prune",
        lambda h, a: prune.prune(h, a.keep, dry_run=a.dry_run),
        "list leftovers, then remove",
    )
    command.add_argument(
        "--keep", type=_number(1, 1_000), default=5, help="backups to keep of each"
    )
    command.add_argument("--dry-run", type=_truth, default=False, help="true: only list")


def _add_looks(add: Add) -> None:
    command = add("check-status", _status, "does it answer")
    command.add_argument("--url")
    command.add_argument("--expect-status", type=_number(100, 599))
    command.add_argument("--host")
    command.add_argument("--port", type=_number(1, 65_535))
    command.add_argument("--service")
    command.add_argument("--timeout", type=float, default=network.SECONDS, help="seconds")
    command = add("logs", lambda h, a: look.logs(h, a.service, a.lines), "last lines", service=True)
    command.add_argument("--lines", type=_number(1, 1_000), default=50)
    command = add("disk", lambda h, a: look.disk(h, a.largest), "how full the disks are")
    command.add_argument("--largest", type=_number(1, 50), default=5, help="folders to name")


def _status(home: Homelab, given: argparse.Namespace) -> None:
    tcp = "port" if given.host is None else "host"
    asked = [name for name in ("url", tcp, "service") if getattr(given, name) is not None]
    if len(asked) > 1:
        raise Failure(f"Say {' or '.join(asked)}, not both; nothing was checked.", exit_status=2)
    answer: network.Answer | None = None
    if given.url is not None:
        answer = network.http(given.url, expect_status=given.expect_status, seconds=given.timeout)
    elif given.port is not None:
        answer = network.tcp(given.host or "127.0.0.1", given.port, seconds=given.timeout)
    elif given.host is not None:
        raise Failure(f"Say which port of {given.host} to check.", exit_status=2)
    look.status(home, answer, given.service)


def _truth(text: str) -> bool:
    if text not in {"true", "false"}:
        raise argparse.ArgumentTypeError(f"“{text}” is neither true nor false")
    return text == "true"


def _number(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not lowest <= int(text) <= highest:
            raise argparse.ArgumentTypeError(f"“{text}” is no number from {lowest} to {highest}")
        return int(text)

    return parse
