"""`chiffon keys`: on the configured database, with no running Chiffon."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from orchestrator.domain.keys import hash_of
from orchestrator.store.unit_of_work import Store
from orchestrator.usecases.keys import check_key

Keys = Callable[..., Result]


@pytest.fixture
def keys(app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:
    """Run `chiffon keys …` for a home that nothing is in yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHIFFON_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(app, ["keys", *words])


async def _person(url: str, key: str) -> str:
    store = Store(url)
    try:
        return (await check_key(store, key)).person
    finally:
        await store.close()


def _lines(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def _made_in(keys: Keys, url: str) -> str:
    key = _lines(keys("add", "laptop", "--person", "robin"))[-1]
    assert asyncio.run(_person(url, key)) == "robin"
    return key


def test_the_key_stands_alone_on_the_last_line_once(keys: Keys, tmp_path: Path) -> None:
    key = _made_in(keys, f"sqlite+aiosqlite:///{tmp_path / 'home' / 'chiffon.db'}")
    assert key.startswith("chf_")
    for listed in (keys("list"), keys("list", "--json")):
        assert key not in listed.output
        assert hash_of(key) not in listed.output
    assert (tmp_path / "home").stat().st_mode & 0o077 == 0


def test_it_works_on_the_database_that_is_set(
    keys: Keys, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIFFON_DATABASE_URL", database_url)
    _made_in(keys, database_url)


def test_a_list_tells_all_but_the_key(keys: Keys) -> None:
    assert "There are no keys." in keys("list").stdout
    keys("add", "ci", "--person", "U1", "--team", "T1")
    keys("add", "old", "--person", "kim")
    assert _lines(keys("revoke", "old")) == ["The key old is revoked."]
    shown = keys("list").stdout
    assert all(word in shown for word in ("ci", "U1", "T1", "never", "old", "kim"))
    first, second = json.loads(keys("list", "--json").stdout)["keys"]
    assert {**first, "created_at": ""} == {
        "name": "ci",
        "person": "U1",
        "team": "T1",
        "created_at": "",
        "last_used_at": None,
        "revoked_at": None,
    }
    assert second["revoked_at"]


def test_revoking_twice_is_no_fault_and_an_unknown_name_is_one(keys: Keys) -> None:
    keys("add", "old", "--person", "kim")
    keys("revoke", "old")
    assert _lines(keys("revoke", "old")) == ["The key old was revoked already."]
    unknown = keys("revoke", "none")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "There is no key 'none'." in unknown.stderr


def test_who_may_not_approve_so_far_is_said(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIFFON_ADMINS", "robin")
    assert "CHIFFON_ADMINS" not in keys("add", "one", "--person", "robin").output
    assert "CHIFFON_ADMINS must name" in keys("add", "two", "--person", "kim").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "a b", "--person", "x"), "A key's name is not usable."),
        (("add", "a", "--person", " "), "A person is not usable."),
        (("add", "a", "--person", "x", "--team", "a b"), "A team is not usable."),
        (("add", "taken", "--person", "x"), "There is a key 'taken' already."),
    ],
)
def test_what_cannot_be_is_one_sentence(keys: Keys, words: tuple[str, ...], said: str) -> None:
    keys("add", "taken", "--person", "x")
    result = keys(*words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+asyncpg://u:hunter-22@db.lan/x", "no sslmode"),
        ("postgresql+asyncpg://u:hunter-22@127.0.0.1:1/x", "cannot be used"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_sentence(
    keys: Keys, monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    monkeypatch.setenv("CHIFFON_DATABASE_URL", url)
    result = keys("list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert "hunter-22" not in result.stderr
    assert json.loads(keys("list", "--json").stdout)["error"]["code"] == "invalid_request"


def test_a_home_that_cannot_be_made_is_one_sentence(
    keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    monkeypatch.setenv("CHIFFON_HOME", str(tmp_path / "file" / "home"))
    result = keys("list")
    assert result.exit_code == 1
    assert "Set CHIFFON_HOME to another folder." in result.stderr
