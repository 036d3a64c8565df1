"""Debian's Chromium, as tests start it."""

import os
import shutil

from tests.plugins.missing import require

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SLOW_MACHINE_MS = 30_000


def chromium() -> str:
    """Return where it is; skip the test that runs (fail it in CI) where it is missing."""
    path = shutil.which(os.environ.get("CHIFFON_TEST_CHROMIUM") or "chromium")
    require("Chromium", answered=path is not None, why="no `chromium` in PATH")
    return path or ""
