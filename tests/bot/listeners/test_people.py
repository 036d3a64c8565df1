"""Who may speak: asked of Slack once a minute, and no where Slack says nothing."""

from typing import Any

import aiohttp
import pytest

from bot.client import web_client
from bot.people import People, Unknown, profile_of
from bot.settings import SlackSettings
from tests.bot.slack_scene import ROBIN, TEAM, RecordingSlack, user


def test_members_may() -> None:
    profile = profile_of(user(ROBIN, profile={"display_name": "robin"}), team=TEAM)
    assert (profile.barred, profile.name) == (None, "robin")


def test_members_of_the_same_organisation_may() -> None:
    someone = user(ROBIN, team_id="T9", enterprise_user={"teams": [TEAM, "T9"]})
    assert profile_of(someone, team=TEAM).barred is None


def test_whose_workspace_is_not_said_belongs_to_ours() -> None:
    profile = profile_of(user(ROBIN) | {"team_id": None}, team=TEAM)
    assert (profile.barred, profile.teams) == (None, frozenset({TEAM}))


@pytest.mark.parametrize("error", ["unknown_method", "method_not_supported"])
@pytest.mark.parametrize(("said", "may"), [(TEAM, True), ("T2", False), (None, True)])
async def test_where_people_cannot_be_asked_about_the_payload_counts(
    slack: RecordingSlack, error: str, said: str | None, may: bool
) -> None:
    slack.refusals["users.info"] = error
    settings = SlackSettings(_env_file=None, bot_token="x", api_url=f"{slack.address}api")
    async with aiohttp.ClientSession() as session:
        people = People(web_client(settings, session))
        assert (await people.why_not(ROBIN, team=TEAM, said_team=said) is None) is may


async def test_a_page_in_the_place_of_users_info_is_no_refusal(slack: RecordingSlack) -> None:
    settings = SlackSettings(_env_file=None, bot_token="x", api_url=f"{slack.address}nothing")
    async with aiohttp.ClientSession() as session:
        people = People(web_client(settings, session))
        assert await people.why_not(ROBIN, team=TEAM, said_team=TEAM) is None


async def test_slack_itself_must_say_who_people_are(
    slack: RecordingSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.people._SLACK_HOSTS", ("127.0.0.1",))
    slack.refusals["users.info"] = "unknown_method"
    settings = SlackSettings(_env_file=None, bot_token="x", api_url=f"{slack.address}api")
    async with aiohttp.ClientSession() as session:
        people = People(web_client(settings, session))
        assert "unknown_method" in str(await people.why_not(ROBIN, team=TEAM, said_team=TEAM))


@pytest.mark.parametrize(
    "marks",
    [
        {"deleted": True},
        {"is_bot": True},
        {"is_restricted": True},
        {"is_ultra_restricted": True},
        {"is_stranger": True},
        {"team_id": "T2"},
        {"id": None},
        {"id": "USLACKBOT"},
    ],
)
def test_others_may_not(marks: dict[str, Any]) -> None:
    assert profile_of(user(ROBIN) | marks, team=TEAM).barred


async def test_what_slack_said_holds_for_a_minute(slack: RecordingSlack) -> None:
    settings = SlackSettings(_env_file=None, bot_token="x", api_url=f"{slack.address}api")
    now = 0.0
    async with aiohttp.ClientSession() as session:
        people = People(web_client(settings, session), clock=lambda: now)
        assert await people.why_not(ROBIN, team=TEAM) is None
        slack.people = {ROBIN: user(ROBIN, is_restricted=True)}
        now = 59.0
        assert await people.why_not(ROBIN, team=TEAM) is None
        assert await people.why_not(ROBIN, team=TEAM, said_team="T2") is not None
        now = 61.0
        assert await people.why_not(ROBIN, team=TEAM) is not None


@pytest.mark.usefixtures("leaping_time")
async def test_an_absent_slack_says_nothing_of_anybody() -> None:
    settings = SlackSettings(_env_file=None, bot_token="x", api_url="http://127.0.0.1:9/api")
    async with aiohttp.ClientSession() as session:
        people = People(web_client(settings, session))
        with pytest.raises(Unknown, match="so I did nothing"):
            await people.why_not(ROBIN, team=TEAM)
        assert await people.name(ROBIN, team=TEAM) == ROBIN


async def test_a_refusal_that_stays_bars(slack: RecordingSlack) -> None:
    slack.refusals["users.info"] = "missing_scope"
    settings = SlackSettings(_env_file=None, bot_token="x", api_url=f"{slack.address}api")
    async with aiohttp.ClientSession() as session:
        people = People(web_client(settings, session))
        assert "missing_scope" in str(await people.why_not(ROBIN, team=TEAM))


async def test_without_an_answer_the_last_one_stands_for_ten_minutes(slack: RecordingSlack) -> None:
    settings = SlackSettings(_env_file=None, bot_token="x", api_url=f"{slack.address}api")
    now = 0.0
    async with aiohttp.ClientSession() as session:
        people = People(web_client(settings, session), clock=lambda: now)
        assert await people.why_not(ROBIN, team=TEAM) is None
        slack.refusals["users.info"] = "internal_error"
        now = 599.0
        assert await people.why_not(ROBIN, team=TEAM) is None
        now = 601.0
        with pytest.raises(Unknown, match="internal_error"):
            await people.why_not(ROBIN, team=TEAM)
