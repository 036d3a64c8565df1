"""`chiffon`: load what the command needs, and no more."""

import gc
import importlib
import sys
from collections.abc import Sequence


def main() -> None:
    """Run the command line.

    The server and the other commands share almost no packages, and loading either takes the
    better part of a second: so each is a program of its own.
    """
    # What is loaded stays to the end: looking for garbage in it takes a third of the start.
    gc.disable()
    program = importlib.import_module(_program(sys.argv[1:]))
    gc.freeze()
    gc.enable()
    sys.exit(program.main())


def _program(words: Sequence[str]) -> str:
    if words in (["up"], ["serve"]):
        return f"bot.cli.{words[0]}"
    return "agent.cli" if words[:1] == ["agent"] else "bot.cli.commands"
