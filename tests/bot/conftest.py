"""The embedded database alone: what differs between databases is tested in the store."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def database_url(sqlite_file: Path, tmp_path: Path) -> str:
    """An empty, migrated database."""
    file = tmp_path / "chiffon.db"
    shutil.copyfile(sqlite_file, file)
    return f"sqlite+aiosqlite:///{file}"
