"""`chiffon`: load what the command needs, and no more."""

import runpy
import sys


def main() -> None:
    """Run the command line.

    The server and the other commands share almost no packages, and loading either takes the
    better part of a second: so each is a program of its own.
    """
    program = "bot.cli.up" if sys.argv[1:] == ["up"] else "bot.cli.commands"
    runpy.run_module(program, run_name="__main__")
