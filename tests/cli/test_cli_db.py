"""`chiffon db`: upgrade, backup, restore, on both databases."""

import asyncio
import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, text
from typer.testing import CliRunner

from bot.cli.commands import program
from orchestrator.home_lock import owned_home
from orchestrator.settings import Settings
from orchestrator.store.migrate import _config, newest_revision
from orchestrator.store.unit_of_work import Store

_RUN = CliRunner()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Path:
    """A home of its own; the commands find it and the database by the environment."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("CHIFFON_HOME", str(home))
    monkeypatch.setenv("CHIFFON_DATABASE_URL", database_url)
    monkeypatch.chdir(tmp_path)
    return home


def _do(*words: str, status: int = 0) -> str:
    done = _RUN.invoke(program(["db"]), ["db", *words])
    assert (done.exit_code, done.output) == (status, done.output)
    assert "Traceback" not in done.output
    return done.output


def _note(url: str, key: str) -> bool:
    async def run() -> bool:
        store = Store(url)
        is_new = await store.transact(lambda uow: uow.mail.is_new(key, "test"))
        await store.close()
        return is_new

    return asyncio.run(run())


def _rename_schema(url: str, revision: str) -> None:
    async def run() -> None:
        store = Store(url)
        async with store.engine.begin() as connection:
            renamed = text("UPDATE alembic_version SET version_num = :now")
            await connection.execute(renamed, {"now": revision})
        await store.close()

    asyncio.run(run())


def test_what_was_backed_up_comes_back_and_so_does_what_was_replaced(
    home: Path, database_url: str
) -> None:
    assert _note(database_url, "before")
    made = json.loads(_do("backup", "--json"))
    file = Path(made["file"])
    assert (made["schema"], made["bytes"]) == (newest_revision(), file.stat().st_size)
    assert file.parent == home / "backups"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == [file.name]
    assert _note(database_url, "after")

    kept = json.loads(_do("restore", str(file), "--yes", "--json"))["kept"]
    assert _note(database_url, "before") is False
    assert _note(database_url, "after") is True
    assert "Nothing to do" in _do("upgrade")

    told = _do("restore", kept, "--yes")
    assert _note(database_url, "after") is False
    assert "To go back: chiffon db restore " in told


def test_nothing_is_restored_without_a_yes(home: Path, database_url: str) -> None:
    file = home / "copy"
    _do("backup", str(file))
    _note(database_url, "after")
    done = _RUN.invoke(program(["db"]), ["db", "restore", str(file)], input="n\n")
    assert done.exit_code == 1
    assert _note(database_url, "after") is False


@pytest.mark.parametrize("content", [b"", b"no backup", b"SQLite format 3\0 cut", b"PGDMP cut"])
def test_a_file_that_is_no_backup_changes_nothing(
    home: Path, database_url: str, content: bytes
) -> None:
    _note(database_url, "kept")
    file = home / "file"
    file.write_bytes(content)
    assert len(_do("restore", str(file), "--yes", status=1).splitlines()) == 1
    assert "cannot be read" in _do("restore", str(home / "none"), "--yes", status=1)
    assert _note(database_url, "kept") is False


def test_a_backup_of_a_newer_version_is_refused(home: Path, database_url: str) -> None:
    _rename_schema(database_url, "9999")
    _do("backup", str(home / "newer"))
    _rename_schema(database_url, newest_revision())
    assert "made by a newer Chiffon (schema 9999" in _do(
        "restore", str(home / "newer"), "--yes", status=1
    )


def test_a_home_in_use_is_not_restored(home: Path, database_url: str) -> None:
    _do("backup", str(home / "copy"))
    with owned_home(Settings(_env_file=None, home=home)):
        told = _do("restore", str(home / "copy"), "--yes", status=1)
    assert "Another Chiffon works in" in told


@pytest.mark.postgres
def test_a_server_that_others_work_on_is_not_restored(
    home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIFFON_DATABASE_URL", postgres_url)
    _do("backup", str(home / "copy"))

    async def beside() -> str:
        other = Store(postgres_url)
        async with other.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            told = await asyncio.to_thread(_do, "restore", str(home / "copy"), "--yes", status=1)
        await other.close()
        return told

    assert "1 other connection uses the database" in asyncio.run(beside())


@pytest.mark.postgres
def test_a_missing_client_program_is_named(
    home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIFFON_DATABASE_URL", postgres_url)
    monkeypatch.setenv("PATH", str(home))
    assert "Install PostgreSQL's client programs" in _do("backup", status=1)
    assert list((home / "backups").iterdir()) == []


def test_a_server_that_is_away_is_one_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql+asyncpg://me:secret@127.0.0.1:1/nowhere"
    monkeypatch.setenv("CHIFFON_DATABASE_URL", url)
    for words in (["upgrade"], ["backup"]):
        told = _do(*words, status=1)
        assert "127.0.0.1:1/nowhere does not answer" in told
        assert "secret" not in told


@pytest.fixture
def old_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with an embedded database of the first version."""
    home = tmp_path / "old"
    home.mkdir()
    monkeypatch.setenv("CHIFFON_HOME", str(home))
    monkeypatch.delenv("CHIFFON_DATABASE_URL", raising=False)
    _make_old(home)
    return home


def _make_old(home: Path) -> None:
    def first(connection: Connection) -> None:
        command.upgrade(_config(connection), "0001")

    async def run() -> None:
        store = Store(f"sqlite+aiosqlite:///{home / 'chiffon.db'}")
        async with store.engine.begin() as connection:
            await connection.run_sync(first)
        await store.close()

    asyncio.run(run())


def test_an_upgrade_keeps_a_copy_and_says_how_to_go_back(old_home: Path) -> None:
    assert _note(f"sqlite+aiosqlite:///{old_home / 'chiffon.db'}", "old")
    told = _do("upgrade")
    (copy,) = (old_home / "backups").glob("chiffon-0001-*.db")
    assert f"from schema 0001 to {newest_revision()}" in told
    assert f"chiffon db restore {copy}" in told
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        assert connection.execute("SELECT message_id FROM inbox").fetchone() == ("old",)
    assert json.loads(_do("upgrade", "--json")) == {
        "before": newest_revision(),
        "now": newest_revision(),
        "copy": None,
    }


def test_only_the_last_five_copies_are_kept_and_no_backup_goes(old_home: Path) -> None:
    backups = old_home / "backups"
    backups.mkdir()
    (backups / "backup-0001-20200101T000000.000000Z.db").write_text("mine")
    for day in range(1, 8):
        (backups / f"chiffon-0001-2020010{day}T000000.000000Z.db").write_text("old")
    _do("upgrade")
    names = sorted(each.name for each in backups.iterdir())
    assert names[0].startswith("backup-")
    assert [name[13:21] for name in names[1:5]] == ["20200104", "20200105", "20200106", "20200107"]
    assert len(names) == 6


def test_a_damaged_database_can_be_replaced_and_is_kept(old_home: Path) -> None:
    _do("backup", str(old_home / "copy"))
    database = old_home / "chiffon.db"
    database.write_bytes(b"SQLite format 3\0" + b"\xff" * 8192)
    assert len(_do("backup", status=1).splitlines()) == 1
    kept = json.loads(_do("restore", str(old_home / "copy"), "--yes", "--json"))["kept"]
    assert Path(kept).read_bytes().endswith(b"\xff" * 8192)
    assert "from schema 0001" in _do("upgrade")


def test_there_is_nothing_to_back_up_before_the_first_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIFFON_HOME", str(tmp_path / "new"))
    monkeypatch.delenv("CHIFFON_DATABASE_URL", raising=False)
    assert "There is no database at" in _do("backup", status=1)
    assert not (tmp_path / "new" / "chiffon.db").exists()
