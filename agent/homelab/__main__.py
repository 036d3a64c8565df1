"""Entry point of `python3 -m agent.homelab`."""

import sys
from io import TextIOWrapper

from agent.homelab.cli import main

for stream in (sys.stdout, sys.stderr):
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # whatever LANG says

sys.exit(main())
