"""Beyond this machine: listening needs a key, secrets may come by file, names are checked."""

import asyncio
import re
import socket
from pathlib import Path

import pytest

from bot.cli.listen import address_of, listening_socket
from bot.settings import load_slack_settings
from orchestrator.errors import SettingsError
from orchestrator.settings import Settings, load_settings
from orchestrator.store.migrate import upgrade
from orchestrator.store.unit_of_work import Store
from orchestrator.usecases.keys import add_key, revoke_key

EVERYWHERE = "0.0.0.0"  # noqa: S104 - listening beyond the loopback is what is tested
URL = "postgresql+asyncpg://u:hunter-22@127.0.0.1/x"


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def _key(settings: Settings, *, revoked: bool = False) -> None:
    async def make() -> None:
        store = Store(settings.resolved_database_url)
        await upgrade(store)
        await add_key(store, "one", "robin")
        if revoked:
            await revoke_key(store, "one")
        await store.close()

    asyncio.run(make())


def _settings(home: Path) -> Settings:
    home.mkdir(exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return Settings(_env_file=None, home=home, host=EVERYWHERE, port=port)


def test_beyond_the_loopback_needs_a_key(tmp_path: Path) -> None:
    settings = _settings(tmp_path / "home")
    with pytest.raises(SettingsError, match=r"nobody holds a key.*chiffon keys add NAME"):
        listening_socket(settings)
    assert not (tmp_path / "home" / "chiffon.db").exists()


def test_a_revoked_key_opens_nothing(tmp_path: Path) -> None:
    settings = _settings(tmp_path / "home")
    _key(settings, revoked=True)
    with pytest.raises(SettingsError, match="nobody holds a key"):
        listening_socket(settings)


def test_with_a_key_it_listens_and_says_where_this_machine_finds_it(tmp_path: Path) -> None:
    settings = _settings(tmp_path / "home")
    _key(settings)
    with listening_socket(settings) as listener:
        assert listener.getsockname()[0] == EVERYWHERE
        assert address_of(listener) == f"http://127.0.0.1:{settings.port}"


def test_a_database_that_cannot_be_asked_opens_nothing(tmp_path: Path) -> None:
    settings = _settings(tmp_path).model_copy(
        update={"database_url": "postgresql+asyncpg://u:hunter-22@127.0.0.1:1/x"}
    )
    with pytest.raises(SettingsError, match="cannot be used"):
        listening_socket(settings)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("CHIFFON_DATABASE_URL", "database_url", URL),
        ("CHIFFON_BROKER_URL", "broker_url", "amqps://u:hunter-22@mq.lan/"),
    ],
)
@pytest.mark.parametrize("where", ["environment", ".env"])
def test_an_address_may_come_by_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, field: str, value: str, where: str
) -> None:
    (tmp_path / "secret").write_text(f"{value}\n", "utf-8")
    if where == ".env":
        (tmp_path / ".env").write_text(f"{name}_FILE={tmp_path / 'secret'}\n", "utf-8")
    else:
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "secret"))
    settings = load_settings()
    assert getattr(settings, field) == value
    assert "hunter-22" not in repr(settings)


def test_tokens_may_come_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("BOT", "xoxb-1"), ("APP", "xapp-1")):
        (tmp_path / name).write_text(f"{value}\n", "utf-8")
        monkeypatch.setenv(f"SLACK_{name}_TOKEN_FILE", str(tmp_path / name))
    assert load_slack_settings().tokens() == ("xoxb-1", "xapp-1")


@pytest.mark.parametrize("content", [None, "", " \n", b"\xff\xfe", "mysql://x"])
def test_a_file_without_a_usable_value_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | bytes | None
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    monkeypatch.setenv("CHIFFON_DATABASE_URL_FILE", str(file))
    with pytest.raises(SettingsError, match="CHIFFON_DATABASE_URL") as refused:
        load_settings()
    assert "mysql" not in str(refused.value)


def test_a_folder_for_a_file_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN_FILE", str(tmp_path))
    with pytest.raises(SettingsError, match=r"SLACK_BOT_TOKEN_FILE: .* cannot be read"):
        load_slack_settings()


def test_a_value_and_a_file_for_it_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIFFON_DATABASE_URL", URL)
    (tmp_path / ".env").write_text("CHIFFON_DATABASE_URL_FILE=/secret\n", "utf-8")
    with pytest.raises(SettingsError, match="are both set"):
        load_settings()


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIFFON_DATABASE_URL_FILE", "")
    assert load_settings().database_url is None


def test_allowed_hosts_are_names_in_small_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIFFON_ALLOWED_HOSTS", " Chiffon.LAN, 10.0.0.1 ,2001:db8::1,")
    assert load_settings().allowed_hosts == ("chiffon.lan", "10.0.0.1", "2001:db8::1")


@pytest.mark.parametrize("host", ["*", "a.lan:8080", "https://a.lan", "*.lan", "a b", "a.lan/"])
def test_what_is_no_host_name_is_refused(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("CHIFFON_ALLOWED_HOSTS", host)
    said = re.escape("CHIFFON_ALLOWED_HOSTS")
    with pytest.raises(SettingsError, match=f"{said}.*is no host name"):
        load_settings()
