"""The digest covers the files that an entry runs, and nothing about where they lie."""

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.catalog.files import content_hash, current_digest, hash_files
from orchestrator.catalog.loader import load_catalog
from orchestrator.catalog.models import Action, CatalogEntry
from orchestrator.errors import CatalogError

Write = Callable[..., Path]

SCRIPTED = """\
version: 1
capabilities:
  - name: greet
    description: Greet a person by name
    agent_type: infra
    risk: low
    run:
      command: [scripts/greet.sh, "--loud"]
      files: ["lib/**/*.sh"]
    undo: {command: [sh, undo.sh]}
"""


def _tree(write: Write, top: str) -> Path:
    write(f"{top}/scripts/greet.sh", "echo hello")
    write(f"{top}/lib/a.sh", "a")
    write(f"{top}/lib/deep/b.sh", "b")
    write(f"{top}/lib/__pycache__/c.sh", "compiled")
    write(f"{top}/undo.sh", "echo bye")
    return write(f"{top}/greet.yaml", SCRIPTED)


def _entry(file: Path) -> CatalogEntry:
    return load_catalog([file]).entries["greet"]


def test_arguments_that_are_files_and_listed_files_are_hashed(write: Write) -> None:
    assert sorted(_entry(_tree(write, "c")).file_hashes) == [
        "lib/a.sh",
        "lib/deep/b.sh",
        "scripts/greet.sh",
        "undo.sh",
    ]


def test_the_digest_does_not_depend_on_where_the_catalogue_lies(
    write: Write, tmp_path: Path
) -> None:
    first = _tree(write, "here")
    shutil.copytree(first.parent, tmp_path / "else/where")
    assert _entry(first).digest == _entry(tmp_path / "else/where/greet.yaml").digest


@pytest.mark.parametrize("name", ["scripts/greet.sh", "lib/deep/b.sh", "undo.sh"])
def test_one_changed_byte_changes_the_digest_as_it_is_now(write: Write, name: str) -> None:
    entry = _entry(_tree(write, "c"))
    assert entry.digest == current_digest(entry)
    script = Path(entry.folder, name)
    content = script.read_bytes()
    before = script.stat()
    script.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    os.utime(script, ns=(before.st_atime_ns, before.st_mtime_ns))  # same size, same mtime
    assert entry.digest != current_digest(entry)
    script.write_bytes(content)
    assert entry.digest == current_digest(entry)


def test_a_thousand_changes_of_equal_size_are_all_seen(write: Write) -> None:
    entry = _entry(_tree(write, "c"))
    script = Path(entry.folder, "undo.sh")
    for count in range(1000):
        script.write_text(f"echo {count:03}", encoding="utf-8")
        assert entry.digest != current_digest(entry)


def test_a_file_that_is_gone_or_new_changes_the_digest(write: Write) -> None:
    entry = _entry(_tree(write, "c"))
    script = Path(entry.folder, "scripts/greet.sh")
    script.rename(script.with_suffix(".old"))
    assert entry.digest != current_digest(entry)
    script.with_suffix(".old").rename(script)
    write("c/lib/new.sh", "new")
    assert entry.digest != current_digest(entry)


def test_listed_files_that_are_all_gone_change_the_digest(write: Write) -> None:
    entry = _entry(_tree(write, "c"))
    shutil.rmtree(Path(entry.folder, "lib"))
    assert entry.digest != current_digest(entry)


def test_a_settled_file_is_not_read_twice(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    script = write("a.sh", "one")
    later = time.time_ns() + 60_000_000_000
    monkeypatch.setattr("orchestrator.catalog.files.time.time_ns", lambda: later)
    first = content_hash(script)
    monkeypatch.setattr(
        "orchestrator.catalog.files._sha256", lambda path: pytest.fail(f"{path} was read again")
    )
    assert first == content_hash(script)


def test_an_absolute_path_keeps_its_name(write: Write) -> None:
    script = write("a.sh", "one")
    hashes = hash_files(Action(command=(str(script),), files=(str(script),)), script.parent)
    assert [str(script)] == list(hashes)


def test_an_argument_with_a_placeholder_is_never_taken_for_a_file(write: Write) -> None:
    folder = write("{{ x }}", "one").parent
    assert hash_files(Action(command=("echo", "{{ x }}", "", "a\0b", "x" * 5000)), folder) == {}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (("none.sh",), "`none.sh` names no file in"),
        (("*.none",), "names no file"),
        ((".",), "names no file"),
        (("package:no_such_package_here",), "is not installed here"),
        (("package:json.no_such_module",), "is not installed here"),
        (("package:json.decoder.deeper",), "is not installed here"),
        (("package:",), "is not installed here"),
        (("package:__main__",), "is not installed here"),
    ],
)
def test_listed_files_must_exist(tmp_path: Path, files: tuple[str, ...], words: str) -> None:
    with pytest.raises(CatalogError, match=words):
        hash_files(Action(command=("true",), files=files), tmp_path)


def test_a_missing_file_is_told_with_the_line_of_its_key(write: Write) -> None:
    file = write("a.yaml", SCRIPTED)
    with pytest.raises(CatalogError) as caught:
        load_catalog([file])
    assert str(caught.value).startswith(f"{file}:9: greet: `lib/**/*.sh` names no file in")


def test_a_package_is_hashed_without_being_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "chiffon_test_outer" / "inner"
    (inner / "__pycache__").mkdir(parents=True)
    for name in ("../__init__.py", "__init__.py", "a.py"):
        (inner / name).write_text("raise SystemExit('imported')", encoding="utf-8")
    (inner / "page.html").write_text("x", encoding="utf-8")
    (inner / "__pycache__" / "a.pyc").write_text("x", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    action = Action(command=("true",), files=("package:chiffon_test_outer.inner",))
    assert [
        name.removeprefix("package:chiffon_test_outer.inner/")
        for name in hash_files(action, tmp_path)
    ] == ["__init__.py", "a.py", "page.html"]
    assert "chiffon_test_outer" not in sys.modules


def test_a_module_of_one_file_is_hashed_too(tmp_path: Path) -> None:
    hashes = hash_files(Action(command=("true",), files=("package:json.decoder",)), tmp_path)
    assert list(hashes) == ["package:json.decoder/decoder.py"]


def test_an_unreadable_file_is_one_sentence(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    folder = write("a.sh", "one").parent
    monkeypatch.setattr("orchestrator.catalog.files.content_hash", refuse)  # root reads anything
    with pytest.raises(CatalogError, match=r"`a\.sh` cannot be read \(Permission denied\)"):
        hash_files(Action(command=("a.sh",)), folder)
