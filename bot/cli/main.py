"""`chiffon`: load what the command needs, and no more."""

import sys
from collections.abc import Sequence

from bot.cli.loading import loaded


def main() -> None:
    """Run the command line.

    The server and the other commands share almost no packages, and loading either takes the
    better part of a second: so each is a program of its own.
    """
    sys.exit(loaded(_program(sys.argv[1:])).main())


def _program(words: Sequence[str]) -> str:
    if words == ["up"]:
        return "bot.cli.start"
    if words == ["serve"]:
        return "bot.cli.serve"
    return "agent.cli" if words[:1] == ["agent"] else "bot.cli.commands"
