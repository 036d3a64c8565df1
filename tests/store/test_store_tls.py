"""`sslmode` and `sslrootcert` as libpq means them, against a real server that speaks TLS."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from orchestrator.errors import SettingsError
from orchestrator.store.migrate import newest_revision, schema_revision, upgrade
from orchestrator.store.reach import is_empty, require_reachable
from orchestrator.store.tls import without_tls
from orchestrator.store.unit_of_work import Store
from tests.plugins.missing import require
from tests.store.tls_server import PASSWORD, TlsServer, programs, tls_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    found = programs() is not None
    require("PostgreSQL's own programs", answered=found, why="no `postgres` to start one with TLS")
    with tls_server(tmp_path_factory.mktemp("tls")) as running:
        yield running


async def _encrypted(url: str) -> bool:
    store = Store(url)
    try:
        async with store.engine.connect() as connection:
            asked = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            return bool((await connection.execute(text(asked))).scalar_one())
    finally:
        await store.close()


async def _refusal(url: str) -> str:
    store = Store(url)
    with pytest.raises(SettingsError) as refused:
        await require_reachable(store)
    await store.close()
    said = str(refused.value)
    assert PASSWORD not in said
    assert "\n" not in said
    assert said.endswith(".")
    return said


@pytest.mark.postgres
@pytest.mark.slow
async def test_the_right_authority_and_name_are_let_through(server: TlsServer) -> None:
    url = server.url(f"sslmode=verify-full&sslrootcert={server.authority}")
    assert await _encrypted(url)
    store = Store(url)
    assert await is_empty(store)
    await upgrade(store)
    assert await schema_revision(store) == newest_revision()
    await store.close()


@pytest.mark.postgres
@pytest.mark.slow
async def test_a_foreign_authority_is_refused(server: TlsServer) -> None:
    said = await _refusal(server.url(f"sslmode=verify-full&sslrootcert={server.foreign}"))
    assert "is not trusted: unable to get local issuer certificate" in said
    assert "sslrootcert=" in said


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.parametrize("query", ["sslmode=verify-full", "sslmode=verify-full&sslrootcert=system"])
async def test_without_a_file_this_machines_authorities_count(
    server: TlsServer, query: str
) -> None:
    assert "is not trusted" in await _refusal(server.url(query))


@pytest.mark.postgres
@pytest.mark.slow
async def test_another_name_than_the_certificates_is_refused(server: TlsServer) -> None:
    query = f"sslmode=verify-full&sslrootcert={server.authority}"
    said = await _refusal(server.url(query, host="127.0.0.1"))
    assert "not valid for '127.0.0.1'" in said
    assert "must name the host as its certificate does" in said


@pytest.mark.postgres
@pytest.mark.slow
async def test_the_weaker_modes_do_what_their_names_say(server: TlsServer) -> None:
    checked = f"sslmode=verify-ca&sslrootcert={server.authority}"
    assert await _encrypted(server.url(checked, host="127.0.0.1"))
    assert await _encrypted(server.url("sslmode=require"))
    assert not await _encrypted(server.url("sslmode=disable"))


@pytest.mark.postgres
@pytest.mark.slow
async def test_a_wrong_password_is_one_sentence(server: TlsServer) -> None:
    # In the clear: asyncpg does not wait for TLS to end on a connection that was turned down.
    said = await _refusal(server.url("sslmode=disable", password="Wrong-Guess-1"))
    assert 'password authentication failed for user "owner"' in said
    assert "Wrong-Guess-1" not in said


@pytest.mark.postgres
async def test_a_server_without_tls_is_refused_where_tls_is_asked_for(postgres_url: str) -> None:
    plain = make_url(postgres_url).update_query_dict({"sslmode": "verify-full"})
    said = await _refusal(plain.render_as_string(hide_password=False))
    assert "rejected SSL upgrade" in said


async def test_a_server_that_is_away_is_one_sentence() -> None:
    said = await _refusal("postgresql+asyncpg://u:Long-Random-0815@127.0.0.1:1/x")
    assert "postgresql+asyncpg://u@127.0.0.1:1/x cannot be used" in said


async def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "chiffon.db"
    file.write_text("only words " * 200, "utf-8")
    assert "file is not a database" in await _refusal(f"sqlite+aiosqlite:///{file}")


async def test_looking_whether_a_file_is_empty_does_not_make_it(tmp_path: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'chiffon.db'}")
    assert await is_empty(store)
    assert list(tmp_path.iterdir()) == []
    await store.close()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("sslmode=verify-everything", "there is no such sslmode"),
        ("sslrootcert=/ca.pem", "without sslmode= checks nothing"),
        ("sslmode=verify-full&sslrootcert=/nowhere/ca.pem", "/nowhere/ca.pem cannot be read"),
        ("sslmode=verify-full&sslmode=disable", "names a parameter twice"),
        ("sslmode=verify-full&sslcert=/me.pem", "sslcert= is not supported"),
        ("ssl=require", "write sslmode= instead"),
    ],
)
def test_what_cannot_be_used_is_said_with_the_fix(query: str, words: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(words)):
        Store(f"postgresql+asyncpg://u:{PASSWORD}@db.lan/x?{query}")


def test_a_file_without_a_certificate_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate", "utf-8")
    with pytest.raises(SettingsError, match="holds no certificate"):
        Store(f"postgresql+asyncpg://u@db.lan/x?sslmode=verify-full&sslrootcert={file}")


def test_what_is_not_about_tls_stays_in_the_address() -> None:
    url = make_url("postgresql+asyncpg://u@h/x?sslmode=disable&command_timeout=5")
    rest, tls = without_tls(url)
    assert dict(rest.query) == {"command_timeout": "5"}
    assert tls == {"ssl": False}
