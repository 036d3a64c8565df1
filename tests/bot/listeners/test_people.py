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


@pytest.mark.parametrize(
    "marks",
    [
        {"deleted": True},
        {"is_bot": True},
        {"is_restricted": True},
        {"is_ultra_restricted": True},
        {"is_stranger": True},
        {"team_id": "T2"},
        {"team_id": None},
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
