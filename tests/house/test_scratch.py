"""Tests write into memory only where there is room for it, and where scripts may run."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.plugins import scratch
from tests.plugins.scratch import ROOM

_NOEXEC = 8  # Linux's ST_NOEXEC, as mount(2) has it


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.Config:
    """Give a configuration of a run that has chosen nothing, with room in `tmp_path`."""
    monkeypatch.delenv("PYTEST_DEBUG_TEMPROOT", raising=False)
    monkeypatch.setattr(scratch, "MEMORY", tmp_path)
    monkeypatch.setattr(scratch, "has_room", lambda _folder: True)
    return pytest.Config(pytest.PytestPluginManager())


@pytest.mark.parametrize(
    ("flags", "free", "fits"),
    [(0, ROOM, True), (0, ROOM - 4096, False), (_NOEXEC, ROOM, False)],
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


def test_a_folder_that_somebody_named_is_kept(
    config: pytest.Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTEST_DEBUG_TEMPROOT", "/somewhere")
    scratch.pytest_configure(config)
    assert os.environ["PYTEST_DEBUG_TEMPROOT"] == "/somewhere"
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("status", "left"), [(pytest.ExitCode.OK, 0), (pytest.ExitCode.TESTS_FAILED, 1)]
)
def test_memory_is_given_back_unless_something_failed(
    config: pytest.Config, tmp_path: Path, status: pytest.ExitCode, left: int
) -> None:
    scratch.pytest_configure(config)
    folder = Path(os.environ["PYTEST_DEBUG_TEMPROOT"])
    assert folder.parent == tmp_path
    scratch.pytest_sessionfinish(SimpleNamespace(config=config), status)  # type: ignore[arg-type]
    scratch.pytest_unconfigure(config)
    assert len([*tmp_path.iterdir()]) == left
    assert "PYTEST_DEBUG_TEMPROOT" not in os.environ


def test_only_what_is_over_is_forgotten(tmp_path: Path) -> None:
    running, over = f"chiffon-tests-{os.getpid()}-a", "chiffon-tests-4194305-b"  # above pid_max
    for name in (running, over, "another"):
        (tmp_path / name).mkdir()
    scratch.forget_failures(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {running, "another"}
