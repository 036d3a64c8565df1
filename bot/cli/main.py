"""`chiffon`: load what the command needs, and no more."""

import gc
import importlib
import sys


def main() -> None:
    """Run the command line.

    The server and the other commands share almost no packages, and loading either takes the
    better part of a second: so each is a program of its own.
    """
    program = "bot.cli.up" if sys.argv[1:] == ["up"] else "bot.cli.commands"
    # What is loaded stays to the end: looking for garbage in it takes a third of the start.
    gc.disable()
    loaded = importlib.import_module(program)
    gc.freeze()
    gc.enable()
    sys.exit(loaded.main())
