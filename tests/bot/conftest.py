"""The embedded database alone: what differs between databases is tested in the store."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.plugins.hurried import hurried, leaping


@pytest.fixture
def database_url(sqlite_file: Path, tmp_path: Path) -> str:
    """An empty, migrated database."""
    file = tmp_path / "chiffon.db"
    shutil.copyfile(sqlite_file, file)
    return f"sqlite+aiosqlite:///{file}"


@pytest.fixture
async def leaping_time() -> AsyncIterator[None]:
    """No wait costs time: for tests without a database."""
    with leaping():
        yield


@pytest.fixture
async def hurried_time(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[None]:
    """Ten seconds, or as many as the parameter says, pass in one, in the database too."""
    with hurried(monkeypatch, getattr(request, "param", 10)):
        yield
