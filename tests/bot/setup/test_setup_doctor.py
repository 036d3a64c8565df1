"""`chiffon doctor` names what is wrong, says how to mend it, and ends with a status to match."""

import asyncio
import io
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.cli.machine_checks import check_disk
from orchestrator.domain.views import AgentList
from orchestrator.protocol import DEAD_QUEUE
from orchestrator.store.migrate import newest_revision
from tests.bot.setup.conftest import ADA, APP_TOKEN, BOT_TOKEN, Chiffon, FakeSlack
from tests.cli.conftest import Running
from tests.plugins.broker import own_url, rabbit, remove_prefixed, require_broker

Checks = dict[str, dict[str, Any]]


def examined(chiffon: Chiffon) -> tuple[int, Checks]:
    result = chiffon("doctor", "--json")
    found = json.loads(result.stdout)
    assert found["ok"] is (result.exit_code == 0)
    return result.exit_code, {each["name"]: each for each in found["checks"]}


@pytest.fixture
def joined(folder: Path) -> Path:
    """A folder after a good setup."""
    file = folder / ".env"
    lines = (f"SLACK_BOT_TOKEN={BOT_TOKEN}", f"SLACK_APP_TOKEN={APP_TOKEN}", "CHIFFON_ADMINS=U1")
    file.write_text("\n".join(lines), encoding="utf-8")
    file.chmod(0o600)
    return file


def test_without_slack_nothing_is_a_problem(chiffon: Chiffon) -> None:
    status, found = examined(chiffon)
    assert status == 0
    assert found["slack"]["state"] == "ok"
    assert found["chiffon"]["fix"] == "Start it: `chiffon up`."
    assert found["agents"]["found"] == "Needs a running Chiffon."
    assert found["database"]["state"] == "warning"


def test_a_database_is_not_made_by_looking(chiffon: Chiffon, folder: Path) -> None:
    examined(chiffon)
    assert not (folder / "home").exists()


def test_a_good_setup_is_all_well(chiffon: Chiffon, joined: Path) -> None:
    status, found = examined(chiffon)
    assert status == 0
    for name in (".env", "slack token", "slack scopes", "slack connection", "approvers"):
        assert (name, found[name]["state"]) == (name, "ok")
    assert found["slack token"]["found"] == "@chiffon in Home."
    assert "ada (U1)" in found["approvers"]["found"]


def test_the_table_says_the_same_and_shows_no_token(chiffon: Chiffon, joined: Path) -> None:
    result = chiffon("doctor")
    assert result.exit_code == 0
    assert "@chiffon in Home." in result.output
    assert "0 problems" in result.output
    assert BOT_TOKEN not in result.output


def test_a_file_that_others_may_read_is_a_problem(chiffon: Chiffon, joined: Path) -> None:
    joined.chmod(0o644)
    status, found = examined(chiffon)
    assert status == 1
    assert found[".env"]["fix"] == f"chmod 600 {joined}"


def test_a_setting_of_no_use_is_a_problem(
    chiffon: Chiffon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIFFON_PORT", "many")
    status, found = examined(chiffon)
    assert status == 1
    assert found["settings"]["found"].startswith("CHIFFON_PORT")


def test_a_token_that_slack_refuses_is_a_problem(
    chiffon: Chiffon, joined: Path, slack: FakeSlack
) -> None:
    slack.errors["auth.test"] = "token_revoked"
    status, found = examined(chiffon)
    assert status == 1
    assert "it was revoked" in found["slack token"]["found"]
    assert found["slack token"]["fix"] == "chiffon slack setup"


def test_scopes_that_lack_are_a_problem(chiffon: Chiffon, joined: Path, slack: FakeSlack) -> None:
    slack.scopes = "app_mentions:read,chat:write,commands,im:history"
    status, found = examined(chiffon)
    assert status == 1
    assert "Missing: files:write, users:read" in found["slack scopes"]["found"]


def test_listening_in_channels_needs_their_history(
    chiffon: Chiffon, joined: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIFFON_LISTEN_CHANNELS", "C1")
    status, found = examined(chiffon)
    assert status == 1
    assert "manifest.agent.yml" in found["slack scopes"]["fix"]


def test_scopes_that_slack_does_not_say_are_not_compared(
    chiffon: Chiffon, joined: Path, slack: FakeSlack
) -> None:
    slack.scopes = None
    status, found = examined(chiffon)
    assert status == 0
    assert "not compared" in found["slack scopes"]["found"]


def test_one_token_alone_is_a_problem(chiffon: Chiffon, joined: Path) -> None:
    joined.write_text(f"SLACK_BOT_TOKEN={BOT_TOKEN}\nCHIFFON_ADMINS=U1\n", encoding="utf-8")
    status, found = examined(chiffon)
    assert status == 1
    assert "SLACK_APP_TOKEN is not" in found["slack connection"]["found"]


def test_tokens_of_two_apps_are_a_problem(chiffon: Chiffon, joined: Path, slack: FakeSlack) -> None:
    slack.bot_app = "A2"
    status, found = examined(chiffon)
    assert status == 1
    assert "The tokens are of two apps" in found["slack connection"]["found"]


def test_looking_takes_no_event_from_a_running_chiffon(
    chiffon: Chiffon, joined: Path, slack: FakeSlack
) -> None:
    slack.greets = False
    status, found = examined(chiffon)
    assert status == 0
    assert slack.opened == 0
    assert "None was opened" in found["slack connection"]["found"]


def test_an_app_level_token_that_may_not_connect_is_a_problem(
    chiffon: Chiffon, joined: Path, slack: FakeSlack
) -> None:
    slack.errors["apps.connections.open"] = "missing_scope"
    status, found = examined(chiffon)
    assert status == 1
    assert "it lacks a scope" in found["slack connection"]["found"]


def test_no_approver_is_a_problem(chiffon: Chiffon, joined: Path) -> None:
    joined.write_text(joined.read_text("utf-8").replace("CHIFFON_ADMINS=U1", ""), "utf-8")
    status, found = examined(chiffon)
    assert status == 1
    assert found["approvers"]["found"].startswith("Nobody may approve")


def test_an_approver_who_may_not_decide_is_named(
    chiffon: Chiffon, joined: Path, slack: FakeSlack
) -> None:
    slack.people["U2"] = ADA | {"id": "U2", "name": "gus", "is_restricted": True}
    joined.write_text(joined.read_text("utf-8").replace("U1", "U1,U2"), "utf-8")
    status, found = examined(chiffon)
    assert status == 0
    assert found["approvers"]["state"] == "warning"
    assert "gus (guests may not decide)" in found["approvers"]["found"]


def test_a_database_that_is_none_is_a_problem(chiffon: Chiffon, folder: Path) -> None:
    (folder / "home").mkdir()
    (folder / "home" / "chiffon.db").write_text("no database at all, only words " * 40, "utf-8")
    status, found = examined(chiffon)
    assert status == 1
    assert "file is not a database" in found["database"]["found"]


def test_an_older_schema_is_a_warning_and_the_newest_is_well(
    chiffon: Chiffon, folder: Path
) -> None:
    (folder / "home").mkdir()
    with sqlite3.connect(folder / "home" / "chiffon.db") as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
    database.close()
    _, found = examined(chiffon)
    assert found["database"]["state"] == "warning"
    with sqlite3.connect(folder / "home" / "chiffon.db") as database:
        database.execute("INSERT INTO alembic_version VALUES (?)", (newest_revision(),))
    database.close()
    _, found = examined(chiffon)
    assert found["database"]["state"] == "ok"


def test_a_catalogue_that_is_refused_is_a_problem(chiffon: Chiffon, folder: Path) -> None:
    overlay = folder / "home" / "catalog"
    overlay.mkdir(parents=True)
    (overlay / "mine.yaml").write_text("version: 1\nnonsense: []\n", encoding="utf-8")
    status, found = examined(chiffon)
    assert status == 1
    assert "mine.yaml" in found["catalogue"]["found"]


@pytest.fixture
def running(folder: Path, logged: io.StringIO) -> Iterator[Running]:
    """A Chiffon of its own in the home that the commands look into."""
    (folder / "home").mkdir()
    chiffon = Running(folder / "home")
    chiffon.start()
    yield chiffon
    chiffon.stop()


def test_a_running_chiffon_names_its_agents(chiffon: Chiffon, running: Running) -> None:
    _, found = examined(chiffon)
    assert found["chiffon"]["state"] == "ok"
    assert running.address in found["chiffon"]["found"]
    assert found["agents"]["found"] == "Online: embedded."


def test_a_token_that_is_not_the_running_ones_is_a_problem(
    chiffon: Chiffon, running: Running
) -> None:
    (running.home / "token").write_text("another", encoding="utf-8")
    status, found = examined(chiffon)
    assert status == 1
    assert found["chiffon"]["state"] == "problem"
    assert found["chiffon"]["fix"]


def test_agents_that_are_away_are_named(
    chiffon: Chiffon, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = asyncio.run(running.service.list_agents()).agents[0]
    away = listed.model_copy(update={"name": "attic", "online": False})

    async def two() -> AgentList:
        return AgentList(agents=(listed, away))

    async def none() -> AgentList:
        return AgentList(agents=(away,))

    monkeypatch.setattr(running.service, "list_agents", two)
    _, found = examined(chiffon)
    assert found["agents"]["found"] == "Online: embedded. Away: attic."
    monkeypatch.setattr(running.service, "list_agents", none)
    status, found = examined(chiffon)
    assert (status, found["agents"]["state"]) == (1, "problem")


def test_an_address_where_nobody_answers_is_a_warning(chiffon: Chiffon, folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    (home / "token").write_text("t", encoding="utf-8")
    (home / "address").write_text("http://127.0.0.1:9\n", encoding="utf-8")
    status, found = examined(chiffon)
    assert status == 0
    assert "does not answer at http://127.0.0.1:9" in found["chiffon"]["found"]


def test_a_full_disk_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def usage(_: Path) -> Any:  # noqa: ANN401 - the shape of shutil's answer
        return type("Usage", (), {"free": 50 * 2**20})

    monkeypatch.setattr("shutil.disk_usage", usage)
    assert check_disk(tmp_path / "not" / "there").state == "problem"


def test_the_newest_revision_is_the_one_that_a_new_database_gets(sqlite_file: Path) -> None:
    with sqlite3.connect(sqlite_file) as database:
        rows = database.execute("SELECT version_num FROM alembic_version").fetchall()
    database.close()
    assert rows == [(newest_revision(),)]


def test_what_must_not_leave_this_machine_is_a_problem(
    chiffon: Chiffon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIFFON_DATABASE_URL", "postgresql+asyncpg://u:hunter-22@db.lan/x")
    monkeypatch.setenv("CHIFFON_BROKER_URL", "amqp://u:hunter-22@mq.lan/")
    status, found = examined(chiffon)
    assert status == 1
    for name, fix in (("database", "sslmode=verify-full"), ("broker", "amqps://")):
        assert found[name]["state"] == "problem"
        assert fix in found[name]["fix"]
    assert "hunter-22" not in str(found)


def test_a_broker_that_does_not_answer_is_a_problem(
    chiffon: Chiffon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIFFON_BROKER_URL", "amqp://u:hunter-22@127.0.0.1:1/v")
    status, found = examined(chiffon)
    assert status == 1
    assert found["broker"]["state"] == "problem"
    assert "127.0.0.1:1 does not answer" in found["broker"]["found"]
    assert "hunter-22" not in str(found)


@pytest.mark.rabbitmq
def test_a_broker_is_asked_also_for_its_dead_letters(
    chiffon: Chiffon, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_broker()
    url = own_url()
    monkeypatch.setenv("CHIFFON_BROKER_URL", url)
    _, found = examined(chiffon)
    assert (found["broker"]["state"], "no dead letters" in found["broker"]["found"]) == ("ok", True)
    asyncio.run(_bury(url))
    _, found = examined(chiffon)
    asyncio.run(remove_prefixed(url, []))
    assert found["broker"]["state"] == "warning"
    assert "1 dead letters" in found["broker"]["found"]


async def _bury(url: str) -> None:
    async with rabbit(url, tidy=False) as transport:
        await transport.publish(DEAD_QUEUE, b"poison")


def test_an_open_door_needs_a_key_and_names(
    chiffon: Chiffon, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert examined(chiffon)[1]["address"]["state"] == "ok"
    monkeypatch.setenv("CHIFFON_HOST", "0.0.0.0")  # noqa: S104 - looked at only
    status, found = examined(chiffon)
    assert (status, found["address"]["state"]) == (1, "problem")
    assert found["address"]["fix"] == "chiffon keys add NAME --person PERSON"
    assert "chat page" in found["chat"]["found"]
    assert not (folder / "home" / "chiffon.db").exists()
    assert chiffon("keys", "add", "one", "--person", "robin").exit_code == 0
    assert examined(chiffon)[1]["address"]["state"] == "warning"
    monkeypatch.setenv("CHIFFON_ALLOWED_HOSTS", "chiffon.lan")
    assert examined(chiffon)[1]["address"]["state"] == "ok"
