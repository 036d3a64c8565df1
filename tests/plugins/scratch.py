"""Keep what tests write in memory, where there is room: a database waits for its disk else.

SQLite flushes each commit; on a plain disk that is a tenth of the whole run. Other folders can be
named as pytest has it: `--basetemp`, or `PYTEST_DEBUG_TEMPROOT`.
"""

import os
import shutil
from pathlib import Path

import pytest

_MEMORY = Path("/dev/shm")
_ROOM = 4 * 2**30  # bytes; a run writes some 400 MB, most of it one virtual environment
_ROOT = "PYTEST_DEBUG_TEMPROOT"


def pytest_configure() -> None:
    """Choose the folder before anything asks for one; workers inherit the choice."""
    if _ROOT not in os.environ and has_room(_MEMORY):
        os.environ[_ROOT] = str(_MEMORY)


def has_room(folder: Path) -> bool:
    """Say whether a folder may be written to, holds what a run writes, and lets scripts run."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    runs = not found.f_flag & os.ST_NOEXEC
    return runs and found.f_bavail * found.f_frsize >= _ROOM and os.access(folder, os.W_OK)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Give the memory back after a run without a failure; what failed stays to be looked at."""
    factory = getattr(session.config, "_tmp_path_factory", None)
    made = getattr(factory, "_basetemp", None)
    worker = hasattr(session.config, "workerinput")
    if made is not None and not worker and exitstatus == pytest.ExitCode.OK:
        root = Path(made)
        if root.is_relative_to(_MEMORY):
            shutil.rmtree(root, ignore_errors=True)
