"""`chiffon slack setup`: what is typed, what is checked, what stands in `.env` afterwards."""

import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from dotenv import dotenv_values
from typer.testing import Result

from tests.bot.setup.conftest import ADA, APP_TOKEN, BOT_TOKEN, Chiffon, FakeSlack

CODE = "CHIFFON-ABCDEF"
TYPED = f"{BOT_TOKEN}\n{APP_TOKEN}\n"


@pytest.fixture(autouse=True)
def _known_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.cli.joining.new_code", lambda: CODE)
    monkeypatch.setattr("bot.cli.joining.CODE_SECONDS", 10)


def written(folder: Path) -> dict[str, str | None]:
    return dotenv_values(folder / ".env")


def joined(chiffon: Chiffon, slack: FakeSlack, *said: str, words: tuple[str, ...] = ()) -> Result:
    """Run the setup to the code and have a person say things in the direct message."""

    def talk() -> None:
        for number, text in enumerate(said):
            slack.say(text, envelope=f"E{number}")

    return while_talking(chiffon, talk, *words)


def while_talking(chiffon: Chiffon, talk: Callable[[], None], *words: str) -> Result:
    speaker = threading.Thread(target=talk, daemon=True)
    speaker.start()
    result = chiffon("slack", "setup", *words, answers=f"{TYPED}\n")
    speaker.join(timeout=10)
    return result


def test_the_whole_way_ends_with_tokens_and_an_approver(
    chiffon: Chiffon, slack: FakeSlack, folder: Path
) -> None:
    result = joined(chiffon, slack, f"it is {CODE.lower()}")
    assert result.exit_code == 0, result.output
    assert "https://api.slack.com/apps?new_app=1&manifest_yaml=_metadata" in result.output
    assert "@chiffon in Home" in result.output
    assert f"\n    {CODE}\n" in result.output
    assert written(folder) == {
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_APP_TOKEN": APP_TOKEN,
        "CHIFFON_ADMINS": "U1",
    }
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    assert [(each["channel"], each["text"][:15]) for each in slack.posted] == [
        ("D1", "You may approve")
    ]
    assert slack.acknowledged == ["E0"]


def test_no_token_is_ever_shown(chiffon: Chiffon, slack: FakeSlack) -> None:
    result = chiffon("slack", "setup", "--no-approver", answers=f"{TYPED}\n")
    assert result.exit_code == 0
    assert BOT_TOKEN not in result.output
    assert APP_TOKEN not in result.output


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("xoxp-1-2", "This is a user token. It must start with xoxb-"),
        (APP_TOKEN, "This is the app-level token. It must start with xoxb-"),
        ("0123abc", "This is no such token. It must start with xoxb-"),
        ("xoxb-unknown", "Slack does not know it. Copy it again"),
    ],
)
def test_a_wrong_token_is_explained_and_asked_for_again(
    chiffon: Chiffon, folder: Path, wrong: str, told: str
) -> None:
    result = chiffon("slack", "setup", "--no-approver", answers=f"{wrong}\n{TYPED}\n")
    assert result.exit_code == 0
    assert told in result.output
    assert written(folder)["SLACK_BOT_TOKEN"] == BOT_TOKEN


def test_an_app_token_without_its_scope_is_explained(chiffon: Chiffon, slack: FakeSlack) -> None:
    slack.errors["apps.connections.open"] = "missing_scope"
    result = chiffon("slack", "setup", "--no-approver", answers=TYPED)
    assert result.exit_code == 1
    assert "it lacks a scope" in result.output
    assert "Go on with `chiffon slack setup`" in result.output


def test_scopes_that_lack_are_named(chiffon: Chiffon, slack: FakeSlack) -> None:
    slack.scopes = "chat:write,commands"
    result = chiffon("slack", "setup", "--no-approver", answers=f"{TYPED}\n")
    assert "It lacks app_mentions:read, files:write, im:history, users:read" in result.output


def test_what_was_done_before_a_stop_is_kept_and_taken_up(
    chiffon: Chiffon, slack: FakeSlack, folder: Path
) -> None:
    stopped = chiffon("slack", "setup", answers=f"{BOT_TOKEN}\n")
    assert stopped.exit_code == 1
    assert f"In {folder / '.env'} is: SLACK_BOT_TOKEN." in stopped.output
    assert written(folder) == {"SLACK_BOT_TOKEN": BOT_TOKEN}
    resumed = chiffon("slack", "setup", "--no-approver", answers=f"{APP_TOKEN}\n\n")
    assert resumed.exit_code == 0
    assert "SLACK_BOT_TOKEN is set and works; it is kept." in resumed.output
    assert written(folder)["SLACK_APP_TOKEN"] == APP_TOKEN


def test_a_token_that_stopped_working_is_asked_for_again(chiffon: Chiffon, folder: Path) -> None:
    (folder / ".env").write_text("SLACK_BOT_TOKEN=xoxb-old\n", encoding="utf-8")
    result = chiffon("slack", "setup", "--no-approver", answers=f"{TYPED}\n")
    assert "The SLACK_BOT_TOKEN that is set does not work" in result.output
    assert written(folder)["SLACK_BOT_TOKEN"] == BOT_TOKEN


def test_the_test_message_says_why_it_cannot_be_posted_and_asks_again(
    chiffon: Chiffon, slack: FakeSlack
) -> None:
    slack.errors["chat.postMessage"] = "not_in_channel"
    result = chiffon("slack", "setup", "--no-approver", answers=f"{TYPED}#homelab\n\n")
    assert result.exit_code == 0
    assert "Invite it there: /invite @chiffon" in result.output


def test_the_test_message_is_posted_where_it_was_wished(chiffon: Chiffon, slack: FakeSlack) -> None:
    result = chiffon("slack", "setup", "--no-approver", answers=f"{TYPED}#homelab\n")
    assert "The test message is in #homelab." in result.output
    assert [each["channel"] for each in slack.posted] == ["#homelab"]


def test_files_with_tokens_make_it_ask_nothing(
    chiffon: Chiffon, slack: FakeSlack, folder: Path
) -> None:
    (folder / "bot").write_text(f"{BOT_TOKEN}\n", encoding="utf-8")
    (folder / "app").write_text(f"{APP_TOKEN}\n", encoding="utf-8")
    words = ("--bot-token-file", "bot", "--app-token-file", "app", "--channel", "C1")
    result = chiffon("slack", "setup", *words, "--no-approver")
    assert result.exit_code == 0, result.output
    assert [each["channel"] for each in slack.posted] == ["C1"]
    assert set(written(folder)) == {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"}


def test_a_refused_token_from_a_file_ends_with_status_1(chiffon: Chiffon, folder: Path) -> None:
    (folder / "bot").write_text("xoxb-unknown", encoding="utf-8")
    result = chiffon("slack", "setup", "--bot-token-file", "bot", "--app-token-file", "bot")
    assert result.exit_code == 1
    assert not (folder / ".env").exists()


def test_an_approver_joins_those_who_are_named_and_other_lines_stay(
    chiffon: Chiffon, slack: FakeSlack, folder: Path
) -> None:
    (folder / ".env").write_text("# mine\nCHIFFON_PORT=8099\nCHIFFON_ADMINS=U9\n", "utf-8")
    result = joined(chiffon, slack, CODE, words=("--approver",))
    assert result.exit_code == 0, result.output
    assert written(folder)["CHIFFON_ADMINS"] == "U9,U1"
    assert (folder / ".env").read_text("utf-8").startswith("# mine\nCHIFFON_PORT=8099\n")


def test_a_wrong_code_and_other_words_name_nobody(chiffon: Chiffon, slack: FakeSlack) -> None:
    result = joined(chiffon, slack, "hello?", "CHIFFON-222222", CODE)
    assert result.exit_code == 0, result.output
    assert "Refused to U1: That is not the code on the terminal." in result.output
    assert slack.acknowledged == ["E1", "E2"]  # what was no code is Chiffon's to hear later
    assert slack.posted[0]["text"] == "That is not the code on the terminal."


def test_whoever_guesses_too_often_is_no_longer_heard(
    chiffon: Chiffon, slack: FakeSlack, folder: Path
) -> None:
    slack.people["U2"] = ADA | {"id": "U2"}

    def talk() -> None:
        for number in range(5):
            slack.say(f"CHIFFON-22222{number + 2}", envelope=f"G{number}", user="U2")
        slack.say(CODE, envelope="G9", user="U2")
        slack.say(CODE, envelope="E9")

    result = while_talking(chiffon, talk)
    assert result.exit_code == 0, result.output
    assert written(folder)["CHIFFON_ADMINS"] == "U1"


@pytest.mark.parametrize(
    ("trait", "told"),
    [
        ({"is_restricted": True}, "guests may not decide"),
        ({"is_bot": True}, "it is a bot"),
        ({"team_id": "T2"}, "people of other workspaces may not decide"),
        ({"deleted": True}, "the account is deactivated"),
    ],
)
def test_who_may_not_decide_is_not_named(
    chiffon: Chiffon, slack: FakeSlack, folder: Path, trait: dict[str, object], told: str
) -> None:
    slack.people["U2"] = ADA | {"id": "U2"} | trait

    def talk() -> None:
        slack.say(CODE, envelope="E1", user="U2")
        slack.say(CODE, envelope="E2")

    result = while_talking(chiffon, talk)
    assert result.exit_code == 0, result.output
    assert told in slack.posted[0]["text"]
    assert written(folder)["CHIFFON_ADMINS"] == "U1"


def test_a_code_that_nobody_sends_is_void(
    chiffon: Chiffon, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.cli.joining.CODE_SECONDS", 0.05)
    result = chiffon("slack", "setup", answers=f"{TYPED}\n")
    assert result.exit_code == 1
    assert "Nobody sent the code in time; it is void now." in result.output
    assert set(written(folder)) == {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"}


def test_another_connection_is_warned_of(chiffon: Chiffon, slack: FakeSlack) -> None:
    slack.connections = 2
    result = joined(chiffon, slack, CODE)
    assert "Another program is connected with this app-level token." in result.output


def test_a_socket_that_never_greets_is_explained(
    chiffon: Chiffon, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.cli.slack_socket.PATIENCE_SECONDS", 0.2)
    slack.greets = False
    result = chiffon("slack", "setup", answers=f"{TYPED}\n")
    assert result.exit_code == 1
    assert "Is “Socket Mode” switched on in the app" in result.output


def test_an_address_that_is_no_slack_is_explained(
    chiffon: Chiffon, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIFFON_SLACK_API_URL", f"{slack.address}/elsewhere/")
    result = chiffon("slack", "setup", answers=TYPED)
    assert "What answered is not Slack. Check CHIFFON_SLACK_API_URL." in result.output


def test_nothing_at_the_address_is_explained(
    chiffon: Chiffon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIFFON_SLACK_API_URL", "http://127.0.0.1:9/api/")
    result = chiffon("slack", "setup", answers=TYPED)
    assert "Slack cannot be reached" in result.output


def test_tokens_of_two_apps_are_told_apart(chiffon: Chiffon, slack: FakeSlack) -> None:
    slack.bot_app = "A2"
    result = chiffon("slack", "setup", answers=f"{TYPED}\n")
    assert result.exit_code == 1
    assert "The tokens are of two apps: the bot token of A2" in result.output


def test_a_pasted_token_is_used_even_where_the_environment_has_another(
    chiffon: Chiffon, slack: FakeSlack, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-of-old")
    result = joined(chiffon, slack, CODE)
    assert result.exit_code == 0, result.output
    assert written(folder)["SLACK_BOT_TOKEN"] == BOT_TOKEN
    assert "Careful: the environment sets SLACK_BOT_TOKEN too, and wins." in result.output
