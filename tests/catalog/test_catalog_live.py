"""Valid edits are taken up without a restart; invalid ones keep the old and say why."""

from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from orchestrator.catalog.catalogue import LiveCatalog
from orchestrator.errors import CatalogError
from orchestrator.settings import Settings

Write = Callable[..., Path]


def _risk(live: LiveCatalog) -> str:
    return live.current().entries["greet"].capability.risk


def test_nothing_changed_gives_the_same_object(write: Write) -> None:
    live = LiveCatalog([write("a.yaml")])
    assert live.current() is live.current()


def test_a_valid_edit_is_taken_up(write: Write, entry_text: str) -> None:
    live = LiveCatalog([write("a.yaml")])
    write("a.yaml", entry_text.replace("risk: low", "risk: nil").replace("nil", "none"))
    assert _risk(live) == "none"


def test_an_edit_of_equal_size_in_the_same_moment_is_seen(write: Write, entry_text: str) -> None:
    live = LiveCatalog([write("a.yaml")])
    for word in ("Hallo", "hullo", "Hullo", "hillo") * 20:
        write("a.yaml", entry_text.replace("hello {{", f"{word} {{{{"))
        run = live.current().entries["greet"].capability.run
        assert run is not None
        assert ("echo", f"{word} {{{{ person }}}}") == run.command


def test_an_invalid_edit_keeps_the_old_and_says_why_once(write: Write, entry_text: str) -> None:
    file = write("a.yaml")
    now = [0.0]
    live = LiveCatalog([file], clock=lambda: now[0])
    write("a.yaml", entry_text.replace("risk: low", "risk: lwo"))
    with capture_logs() as logs:
        for _ in range(3):
            now[0] += 10
            assert _risk(live) == "low"
    assert live.problem is not None
    assert live.problem.startswith(f"{file}:6: ")
    assert [log["log_level"] for log in logs] == ["warning"]

    write("a.yaml", entry_text.replace("risk: low", "risk: high"))
    assert _risk(live) == "high"
    assert live.problem is None


def test_undoing_an_invalid_edit_clears_the_problem(write: Write, entry_text: str) -> None:
    live = LiveCatalog([write("a.yaml")])
    before = live.current()
    write("a.yaml", "version: 3")
    live.current()
    write("a.yaml", entry_text)
    assert before is live.current()
    assert live.problem is None


def test_an_invalid_catalogue_at_the_start_is_refused(write: Write) -> None:
    with pytest.raises(CatalogError):
        LiveCatalog([write("a.yaml", "version: 3")])


def test_an_edited_script_is_seen(write: Write, entry_text: str) -> None:
    script = write("greet.sh", "echo hello")
    live = LiveCatalog([write("a.yaml", entry_text.replace("[echo,", "[greet.sh,"))])
    before = live.current().entries["greet"].digest
    script.write_text("echo HELLO", encoding="utf-8")
    assert before != live.current().entries["greet"].digest


def test_an_argument_that_becomes_a_file_is_seen(write: Write) -> None:
    live = LiveCatalog([write("a.yaml")])
    before = live.current().entries["greet"].digest
    write("echo", "now a script")
    assert before != live.current().entries["greet"].digest


def test_a_listed_file_that_is_missing_is_a_problem_until_it_is_back(
    write: Write, entry_text: str
) -> None:
    now = [0.0]
    script = write("lib.sh", "x")
    text = entry_text.replace("]}\n", '], files: ["lib.sh"]}\n')
    live = LiveCatalog([write("a.yaml", text)], clock=lambda: now[0])
    script.unlink()
    assert "greet" in live.current()
    assert live.problem is not None
    assert "names no file" in live.problem
    write("lib.sh", "x")
    live.current()
    assert live.problem is None


def test_a_broken_edit_mended_elsewhere_is_tried_again(write: Write, entry_text: str) -> None:
    now = [0.0]
    file = write("a.yaml")
    live = LiveCatalog([file], clock=lambda: now[0])
    write("a.yaml", entry_text.replace("]}\n", '], files: ["lib.sh"]}\n'))
    live.current()
    write("lib.sh", "x")
    live.current()
    assert live.problem is not None  # not yet: it is tried again after a second
    now[0] += 2
    assert list(live.current().entries["greet"].file_hashes) == ["lib.sh"]
    assert live.problem is None


def test_new_and_removed_files_of_a_folder_are_seen(write: Write, entry_text: str) -> None:
    live = LiveCatalog([write("c/a.yaml").parent])
    other = write("c/b.yaml", entry_text.replace("name: greet", "name: wave"))
    assert "wave" in live.current()
    other.unlink()
    assert "wave" not in live.current()


def test_a_folder_that_vanishes_is_a_problem_and_nothing_else(write: Write) -> None:
    file = write("c/a.yaml")
    live = LiveCatalog([file.parent])
    file.unlink()
    file.parent.rmdir()
    assert "greet" in live.current()
    assert live.problem is not None
    assert "no such file or folder" in live.problem


def test_an_overlay_made_later_is_seen(write: Write, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", catalog=(write("a.yaml"),))
    live = LiveCatalog.from_settings(settings)
    text = write("a.yaml").read_text(encoding="utf-8").replace("name: greet", "name: wave")
    write("home/catalog/b.yaml", text)
    assert list(live.current().entries) == ["greet", "wave"]


def test_a_file_that_moves_while_it_is_read_is_read_again(
    write: Write, entry_text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor that saves again just after the first read must not be missed."""
    file = write("a.yaml")
    edits = iter(["medium", "high"])

    def paths() -> list[Path]:
        if risk := next(edits, None):
            write("a.yaml", entry_text.replace("risk: low", f"risk: {risk}"))
        return [file]

    live = LiveCatalog(paths)
    assert _risk(live) == "high"


def test_an_unreadable_script_is_a_problem(
    write: Write, entry_text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = write("greet.sh", "echo hello")
    live = LiveCatalog([write("a.yaml", entry_text.replace("[echo,", "[greet.sh,"))])

    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("orchestrator.catalog.files.content_hash", refuse)  # root reads anything
    monkeypatch.setattr("orchestrator.catalog.catalogue.content_hash", refuse)
    assert "greet" in live.current()
    assert live.problem is not None
    assert script.name in live.problem
