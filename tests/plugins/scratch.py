"""Keep what tests write in memory, where there is room: a database waits for its disk else.

SQLite flushes each commit; on a plain disk that is a tenth of the whole run. Who names a folder,
by `--basetemp` or `PYTEST_DEBUG_TEMPROOT`, keeps it.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30  # bytes; a run writes some 400 MB, most of it one virtual environment
_ROOT = "PYTEST_DEBUG_TEMPROOT"
_PREFIX = "chiffon-tests-"
_chosen = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Choose the folder before anything asks for one; workers inherit the choice."""
    if _ROOT not in os.environ and has_room(MEMORY):
        forget_failures(MEMORY)
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=MEMORY))
        config.stash[_chosen] = folder
        os.environ[_ROOT] = str(folder)


def has_room(folder: Path) -> bool:
    """Say whether a folder may be written to, holds what a run writes, and lets scripts run."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    runs = not found.f_flag & os.ST_NOEXEC
    return runs and found.f_bavail * found.f_frsize >= ROOM and os.access(folder, os.W_OK)


def forget_failures(folder: Path) -> None:
    """Remove what earlier runs, which are over, left to be looked at."""
    for left in folder.glob(f"{_PREFIX}*"):
        run = left.name.removeprefix(_PREFIX).partition("-")[0]
        if run.isdigit() and not Path("/proc", run).exists():
            shutil.rmtree(left, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Give the memory back after a run without a failure; what failed stays to be looked at."""
    folder = session.config.stash.get(_chosen, None)
    if folder is not None and exitstatus == pytest.ExitCode.OK:
        shutil.rmtree(folder, ignore_errors=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the environment as it was found."""
    if config.stash.get(_chosen, None) is not None:
        os.environ.pop(_ROOT, None)
