"""Slack shows what an agent does with a thread; where it does not want to hear it, none is told."""

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
import structlog.testing

from bot.afterwards import Afterwards
from bot.poster import Poster
from bot.sessions import OF_PLAN, Sessions, SessionStatus
from orchestrator.domain.lifecycle import PlanStatus
from tests.bot.blocks.samples import card, task
from tests.bot.listeners.test_listeners_stops import stop
from tests.bot.notifier.owing import OwingInMemory
from tests.bot.notifier.slack_api import Fault, SlackApi, client_of, slack_api
from tests.bot.notifier.test_notifier import notifying, settled
from tests.bot.slack_scene import CHANNEL, Scene
from tests.plugins.waiting import until

SET = "agents.sessions.setStatus"
AGENT = "assistant:write,chat:write"


def shown(scene: Scene) -> list[str]:
    return [call["status"] for call in scene.slack.asked(SET)]


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("Deploy Kuma", "suspended"),
        ("Restart the service", "suspended"),
        ("Write me a poem", "active"),
    ],
    ids=["a plan waits", "a question waits", "nothing can be done"],
)
async def test_while_it_thinks_slack_shows_it_and_afterwards_who_is_next(
    scene: Scene, text: str, after: str
) -> None:
    scene.slack.scopes = AGENT
    await scene.says(text)
    await scene.settled()
    assert shown(scene)[-1] == after
    assert set(shown(scene)[:-1]) <= {"processing"}
    [place] = {(call["channel_id"], call["thread_ts"]) for call in scene.slack.asked(SET)}
    assert place == (CHANNEL, "100.1")


async def test_an_app_without_the_agent_view_sets_no_status(scene: Scene) -> None:
    await scene.planned("Deploy Kuma")
    assert shown(scene) == []


@pytest.mark.parametrize("error", ["missing_scope", "unknown_method", "not_an_agent"])
async def test_a_slack_that_knows_no_status_is_asked_once_and_nobody_hears_of_it(
    scene: Scene, error: str
) -> None:
    scene.slack.scopes = AGENT
    scene.slack.refusals[SET] = error
    with structlog.testing.capture_logs() as logged:
        await scene.planned("Deploy Kuma")
        await scene.planned("Deploy Gitea", ts="200.1")
    assert len(shown(scene)) == 1
    assert {each["log_level"] for each in logged if each["event"] == "status_not_shown"} == {
        "debug"
    }
    assert {each["log_level"] for each in logged} <= {"debug", "info"}
    assert not scene.slack.asked("chat.postEphemeral")


async def test_stop_where_nothing_goes_on_ends_what_slack_shows(scene: Scene) -> None:
    scene.slack.scopes = AGENT
    await scene.event(stop(thread="9.9"))
    await scene.settled()
    assert shown(scene) == ["active"]


@pytest.fixture
async def api(leaping_time: None) -> AsyncIterator[SlackApi]:
    async with slack_api() as served:
        yield served


@pytest.fixture
async def sessions(api: SlackApi) -> AsyncIterator[Sessions]:
    afterwards = Afterwards()
    made = Sessions(Poster(client_of(api, seconds=5)), afterwards)
    made.offered = True
    yield made
    await afterwards.close(0)


def statuses(api: SlackApi) -> list[str]:
    return [call.fields["status"] for call in api.of(SET)]


async def test_a_wait_is_kept_and_only_the_newest_status_is_shown(
    api: SlackApi, sessions: Sessions
) -> None:
    api.will(SET, *[Fault(429, "ratelimited", retry_after=20)] * 3)
    sessions.show("C1", "1.1", SessionStatus.PROCESSING)
    await until(lambda: api.of(SET), what="the first try")
    sessions.show("C1", "1.1", SessionStatus.SUSPENDED)
    sessions.show("C1", "1.1", SessionStatus.ACTIVE)
    await until(lambda: statuses(api)[-1] == "active" and len(api.of(SET)) == 4, what="the newest")
    times = [call.at for call in api.of(SET)]
    assert all(after - before >= 20 for before, after in pairwise(times))
    assert sessions.offered, "asked to wait is not told never"


async def test_a_status_that_slack_did_not_answer_to_is_left_and_the_next_one_shown(
    api: SlackApi, sessions: Sessions
) -> None:
    api.will(SET, Fault(500), Fault(error="channel_not_found"))
    for status in (SessionStatus.PROCESSING, SessionStatus.SUSPENDED, SessionStatus.ACTIVE):
        before = len(api.of(SET))
        sessions.show("C1", "1.1", status)
        await until(lambda before=before: len(api.of(SET)) > before, what=status)  # type: ignore[misc]
        await sessions._afterwards.settled()
    assert statuses(api) == ["processing", "suspended", "active"]


async def test_the_status_follows_the_card(api: SlackApi, sessions: Sessions) -> None:
    owing = OwingInMemory()
    states = (PlanStatus.PENDING_APPROVAL, PlanStatus.EXECUTING, PlanStatus.COMPLETED)
    async with notifying(owing, api, sessions=sessions):
        for state in states:
            owing.want(card((task(1),), state))
            await settled(owing)
            await sessions._afterwards.settled()
    assert statuses(api) == [OF_PLAN[state] for state in states]
    assert statuses(api) == ["suspended", "processing", "active"]
