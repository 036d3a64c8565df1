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
    if words in (["up"], ["serve"]):
        return {"up": "bot.cli.start", "serve": "bot.cli.serve"}[words[0]]
    others = {"agent": "agent.cli", "healthy": "bot.cli.healthy"}
    return others.get(words[0] if words else "", "bot.cli.commands")
