"""Tests write into memory only where there is room for it, and where scripts may run."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.plugins import scratch

ROOM = scratch._ROOM


@pytest.mark.parametrize(
    ("flags", "free", "fits"),
    [(0, ROOM, True), (0, ROOM - 4096, False), (os.ST_NOEXEC, ROOM, False)],
    ids=["room", "too small", "no scripts"],
)
def test_memory_is_used_where_it_serves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: int, free: int, *, fits: bool
) -> None:
    found = SimpleNamespace(f_flag=flags, f_bavail=free // 4096, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda _path: found)
    assert scratch.has_room(tmp_path) is fits


def test_a_folder_that_is_not_there_has_no_room(tmp_path: Path) -> None:
    assert not scratch.has_room(tmp_path / "none")


def test_a_folder_that_somebody_named_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DEBUG_TEMPROOT", "/somewhere")
    scratch.pytest_configure()
    assert os.environ["PYTEST_DEBUG_TEMPROOT"] == "/somewhere"
