"""Who may speak: asked of Slack once a minute, and no where Slack says nothing."""

from typing import Any

import aiohttp
import pytest

from bot.client import web_client
from bot.people import People, profile_of
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


async def test_an_absent_slack_bars_everybody_and_names_nobody() -> None:
    settings = SlackSettings(_env_file=None, bot_token="x", api_url="http://127.0.0.1:9/api")
    async with aiohttp.ClientSession() as session:
        people = People(web_client(settings, session))
        assert "so I did nothing" in str(await people.why_not(ROBIN, team=TEAM))
        assert await people.name(ROBIN, team=TEAM) == ROBIN
