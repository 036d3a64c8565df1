"""The whole bot in front of the local Slack: each delivery fault gives exactly one request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.ids import APPROVE
from bot.local_slack.actions import ActionRefusedError
from bot.local_slack.elements import acting
from bot.local_slack.faults import CallFault, Faults
from bot.local_slack.state import Message
from bot.local_slack.web_api import DEFAULT_SCOPES
from bot.run import open_bot
from bot.settings import SlackSettings
from orchestrator.service import OrchestratorService
from orchestrator.settings import Settings
from orchestrator.store.tables import requests
from orchestrator.testing import ScriptedAgent
from tests.bot.local_slack.conftest import Served, serve
from tests.plugins.hurried import FACTOR
from tests.plugins.waiting import until

ADA, BEN, HOMELAB = "U0ADA", "U0BEN", "C0HOMELAB"
WAIT = 2  # seconds of a Retry-After
SILENCE = 60  # seconds


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(
        _env_file=None, home=tmp_path / "home", database_url=database_url, admins=(ADA,)
    )


@pytest.fixture
async def joined(
    tmp_path: Path,
    orchestrator_service: OrchestratorService,
    mock_agent_pool: list[ScriptedAgent],
) -> AsyncIterator[Served]:
    """A local Slack that the bot has joined."""
    agent = DEFAULT_SCOPES | {"assistant:write"}
    async with serve(tmp_path / "slack", history_channels=[HOMELAB], scopes=agent) as served:
        tokens = SlackSettings(
            _env_file=None,
            bot_token=served.slack.bot_token,
            app_token=served.slack.app_token,
            api_url=f"{served.address}/slack/api/",
        )
        async with open_bot(tokens, orchestrator_service):
            yield served


def clickable(message: Message, action_id: str) -> str | None:
    """Return the block_id of a button that a message shows."""
    shown = (
        block["block_id"]
        for block in message.blocks
        for element in acting(block)
        if element["action_id"] == action_id
    )
    return next(shown, None)


async def card_of(served: Served) -> Message:
    """Wait for a card that can be approved."""
    messages = served.slack.store.messages(HOMELAB)
    await until(lambda: any(clickable(m, APPROVE) for m in messages), what="the card")
    return next(message for message in messages if clickable(message, APPROVE))


async def approve(served: Served, person: str, card: Message) -> None:
    """Press Approve as the card stands now: an update may give its blocks new ids."""
    block_id = clickable(card, APPROVE)
    assert block_id is not None
    await served.slack.click(person, HOMELAB, card.ts, block_id, APPROVE)


async def test_a_request_is_planned_approved_and_reported(joined: Served) -> None:
    slack = joined.slack
    root = await slack.say(ADA, HOMELAB, "@chiffon Deploy Kuma")
    card = await card_of(joined)
    assert card.thread_ts == root
    await approve(joined, ADA, card)

    await until(lambda: clickable(card, APPROVE) is None, what="the buttons to go")


async def test_an_agent_shows_what_it_does_until_it_is_done(joined: Served) -> None:
    slack = joined.slack
    root = slack.store.message(HOMELAB, await slack.say(ADA, HOMELAB, "@chiffon Deploy Kuma"))
    assert root is not None
    card = await card_of(joined)
    await until(lambda: root.agent_status == "suspended", what="that a person is next")
    await approve(joined, ADA, card)
    await until(lambda: ": done." in card.text, what="the end")
    await until(lambda: root.agent_status == "active", what="that nothing goes on")


async def test_who_may_not_approve_is_told_privately(joined: Served) -> None:
    await joined.slack.say(BEN, HOMELAB, "@chiffon Deploy Kuma")
    card = await card_of(joined)
    await approve(joined, BEN, card)

    messages = joined.slack.store.messages(HOMELAB)
    await until(lambda: any(m.ephemeral_to == BEN for m in messages), what="the answer to Ben")
    assert clickable(card, APPROVE) is not None


def late(faults: Faults) -> None:
    faults.ack_seconds = 0.001
    faults.retry_seconds = (0, 0.05, 0.1)


def redelivered(faults: Faults) -> None:
    faults.deliveries = 4


def both(faults: Faults) -> None:
    faults.both_kinds = True


def lost(faults: Faults) -> None:
    faults.lose_first = True
    faults.retry_seconds = (0.05,)


def limited(faults: Faults) -> None:
    faults.calls = [CallFault(method="chat.postMessage", kind="rate_limited", times=2)]


@pytest.mark.usefixtures("hurried_time")
@pytest.mark.parametrize("misbehave", [late, redelivered, both, lost, limited])
async def test_whatever_goes_wrong_there_is_one_request_and_one_card(
    joined: Served,
    orchestrator_service: OrchestratorService,
    misbehave: Callable[[Faults], None],
) -> None:
    misbehave(joined.slack.faults)
    await joined.slack.say(ADA, HOMELAB, "@chiffon Deploy Kuma")
    await card_of(joined)
    await until(lambda: not joined.slack.sockets._events, what="the deliveries to end", seconds=20)

    assert await count(orchestrator_service) == 1
    shown = joined.slack.store.messages(HOMELAB)
    assert sum(1 for message in shown if clickable(message, APPROVE)) == 1


async def test_a_card_waits_through_a_restart_of_the_bot(
    tmp_path: Path,
    orchestrator_service: OrchestratorService,
    mock_agent_pool: list[ScriptedAgent],
) -> None:
    async with serve(tmp_path / "slack") as served:
        tokens = SlackSettings(
            _env_file=None,
            bot_token=served.slack.bot_token,
            app_token=served.slack.app_token,
            api_url=f"{served.address}/slack/api/",
        )
        async with open_bot(tokens, orchestrator_service):
            await served.slack.say(ADA, HOMELAB, "@chiffon Deploy Kuma")
            card = await card_of(served)
        with pytest.raises(ActionRefusedError, match="dispatch_failed"):
            await approve(served, ADA, card)
        async with open_bot(tokens, orchestrator_service):
            await approve(served, ADA, card)
            # Sooner than any lease runs out, also where the first bot was just drawing the card.
            await until(lambda: clickable(card, APPROVE) is None, what="the buttons to go")


@pytest.mark.usefixtures("hurried_time")
async def test_dropped_and_refreshed_sockets_lose_nothing(
    joined: Served, orchestrator_service: OrchestratorService
) -> None:
    slack = joined.slack
    slack.faults.retry_seconds = (0.1,) * 100
    slack.faults.refresh_seconds = 0.3
    for number in range(1, 4):
        await until(lambda: slack.sockets.count > 0, what="a socket")
        await until(lambda: slack.sockets.count == 0, what="the end of that socket")
        await slack.say(ADA, HOMELAB, "@chiffon Deploy Kuma")
        await slack.sockets.drop_all()
        await until(lambda: not slack.sockets._events, what="the delivery", seconds=20)

        assert await count(orchestrator_service) == number


async def count(service: OrchestratorService) -> int:
    """Return how many requests are kept."""
    async with service.context.store.engine.connect() as connection:
        found = await connection.scalar(select(func.count()).select_from(requests))
    return int(found or 0)


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """Every call that comes in, and when."""
    calls: list[tuple[str, float]] = []
    real = Faults.next_call

    def noted(self: Faults, method: str) -> CallFault | None:
        calls.append((method, asyncio.get_running_loop().time()))
        return real(self, method)

    monkeypatch.setattr(Faults, "next_call", noted)
    return calls


def limit(joined: Served, method: str) -> None:
    fault = CallFault(method=method, kind="rate_limited", retry_after=WAIT)
    joined.slack.faults.calls = [fault]


def times(called: list[tuple[str, float]], method: str) -> list[float]:
    return [at for name, at in called if name == method]


def shown(joined: Served, condition: Callable[[Message], bool]) -> list[Message]:
    return [each for each in joined.slack.store.messages(HOMELAB) if condition(each)]


@pytest.mark.usefixtures("hurried_time")
async def test_a_refusal_that_slack_does_not_take_at_once_is_told_later(
    joined: Served, called: list[tuple[str, float]]
) -> None:
    await joined.slack.say(ADA, HOMELAB, "@chiffon Deploy Kuma")
    await card_of(joined)
    limit(joined, "chat.postEphemeral")
    for _ in range(3):
        await joined.slack.say(BEN, HOMELAB, "@chiffon cancel 1")
    await until(
        lambda: len(shown(joined, lambda each: each.ephemeral_to == BEN)) == 3,
        what="every refusal",
        seconds=20,
    )

    refused, *later = times(called, "chat.postEphemeral")
    assert len(later) == 3
    assert all(at - refused >= WAIT for at in later)


@pytest.mark.usefixtures("hurried_time")
async def test_answers_and_cards_wait_together(
    joined: Served, called: list[tuple[str, float]]
) -> None:
    limit(joined, "chat.postMessage")
    await joined.slack.say(ADA, HOMELAB, "@chiffon help")
    await joined.slack.say(ADA, HOMELAB, "@chiffon Deploy Kuma")
    await joined.slack.say(BEN, HOMELAB, "@chiffon plans")
    await until(
        lambda: len(shown(joined, lambda each: bool(each.bot))) == 3,
        what="two answers and a card",
        seconds=20,
    )

    refused, *later = times(called, "chat.postMessage")
    assert len(later) == 3
    assert all(at - refused >= WAIT for at in later)


@pytest.mark.parametrize("hurried_time", [FACTOR], indirect=True)
async def test_after_a_silence_the_last_state_arrives_and_never_too_early(
    joined: Served, called: list[tuple[str, float]], hurried_time: None
) -> None:
    """Slack says "not before", then says nothing at all."""
    slack = joined.slack
    await slack.say(ADA, HOMELAB, "@chiffon Deploy Kuma")
    card = await card_of(joined)
    fault = CallFault(method="chat.update", kind="rate_limited", retry_after=SILENCE)
    slack.faults.calls = [fault]
    await approve(joined, ADA, card)
    await until(lambda: not slack.faults.calls, what="the refusal")
    slack.faults.silence(SILENCE)
    silent_until = slack.faults.silent_until

    await until(lambda: ": done." in card.text, what="the last state", seconds=60)
    assert asyncio.get_running_loop().time() >= silent_until
    assert clickable(card, APPROVE) is None
    refused, *later = times(called, "chat.update")
    assert all(at - refused >= SILENCE for at in later)
    told = "the summary in the thread"
    await until(lambda: shown(joined, lambda each: " is done" in each.text), what=told, seconds=60)
