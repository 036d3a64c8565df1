"""`chiffon`: load what the command needs, and no more."""

import runpy
import sys
from collections.abc import Sequence


def main() -> None:
    """Run the command line.

    The server and the other commands share almost no packages, and loading either takes the
    better part of a second: so each is a program of its own.
    """
    runpy.run_module(_program(sys.argv[1:]), run_name="__main__")


def _program(words: Sequence[str]) -> str:
    if words in (["up"], ["serve"]):
        return f"bot.cli.{words[0]}"
    others = {"agent": "agent.cli", "healthy": "bot.cli.healthy"}
    return others.get(words[0] if words else "", "bot.cli.commands")
