"""The whole bot over real sockets, in front of the local Slack on good and bad days."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.ids import APPROVE
from bot.listeners.messages import Messages
from bot.listeners.payload import Said
from bot.local_slack.faults import CallFault
from bot.local_slack.state import Message
from bot.run import open_bot
from bot.settings import SlackSettings
from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.errors import ChiffonError, SettingsError
from orchestrator.service import OrchestratorService
from orchestrator.settings import Settings
from orchestrator.store.tables import requests
from orchestrator.testing import ScriptedAgent
from tests.bot.local_slack.conftest import Served, serve
from tests.plugins.waiting import until
from tests.scene import Desk

ADA = "U0ADA"


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(
        _env_file=None, home=tmp_path / "home", database_url=database_url, admins=(ADA,)
    )


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serve(tmp_path / "slack") as running:
        running.slack.faults.retry_seconds = (0, 0, 0)
        yield running


def settings_of(served: Served, **more: Any) -> SlackSettings:  # noqa: ANN401 - any setting
    tokens = {"bot_token": served.slack.bot_token, "app_token": served.slack.app_token}
    return SlackSettings(
        _env_file=None, api_url=f"{served.address}/slack/api/", **{**tokens, **more}
    )


@asynccontextmanager
async def joined(served: Served, service: OrchestratorService) -> AsyncIterator[None]:
    """Run the bot; afterwards none of its tasks is left."""
    async with open_bot(settings_of(served), service):
        assert own_tasks()
        yield
    assert own_tasks() == []


def own_tasks() -> list[str]:
    files = [Path(task.get_stack()[0].f_code.co_filename) for task in asyncio.all_tasks()]
    return [
        file.as_posix()
        for file in files
        if {"slack_sdk", "slack_bolt", "bot"} & set(file.parts)
        and not {"local_slack", "tests"} & set(file.parts)
    ]


async def says(served: Served, text: str) -> str:
    channel = next(each.id for each in served.slack._store.data.channels if each.kind == "channel")
    return await served.slack.say(ADA, channel, f"@chiffon {text}")


@pytest.mark.parametrize(
    ("fault", "deliveries"),
    [
        ({}, 1),
        ({"both_kinds": True}, 2),
        ({"deliveries": 4}, 4),
        ({"lose_first": True}, 1),
        ({"both_kinds": True, "deliveries": 4}, 8),
    ],
    ids=["none", "both kinds", "redelivered", "first delivery lost", "both, redelivered"],
)
async def test_however_slack_stumbles_one_mention_is_one_request(
    served: Served,
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    fault: dict[str, Any],
    deliveries: int,
) -> None:
    for name, value in fault.items():
        setattr(served.slack.faults, name, value)
    taken, take = [], Messages.take

    async def counted(self: Messages, said: Said) -> None:
        await take(self, said)
        taken.append(said)

    monkeypatch.setattr(Messages, "take", counted)
    async with joined(served, desk.service):
        await says(served, "Deploy Kuma")
        await until(lambda: buttons(served, APPROVE), what="the card")
        await until(lambda: len(taken) == deliveries, what="every delivery")
    assert len(await desk.rows(requests)) == 1
    assert len((await desk.service.list_plans()).plans) == 1


async def test_sockets_that_are_refreshed_lose_and_double_nothing(
    served: Served, desk: Desk
) -> None:
    served.slack.faults.refresh_seconds = 0.5
    # One may meet a closing socket many times, and each time costs what Slack waits for an answer.
    served.slack.faults.retry_seconds = (0.1,) * 1_000
    served.slack.faults.ack_seconds = 1
    asked = ["Deploy Kuma", "Restart nginx", "Deploy Gitea", "Check the disk space"]
    async with joined(served, desk.service):
        for number, text in enumerate(asked, start=1):
            await says(served, text)
            await until(
                lambda number=number: len(roots(served)) == number,  # type: ignore[misc]
                what=text,
                seconds=60,
            )
    assert [row["request_text"] for row in await desk.rows(requests)] == asked


async def test_leaving_while_a_new_socket_is_opened_leaves_nothing_behind(
    served: Served, desk: Desk
) -> None:
    faults = served.slack.faults
    async with joined(served, desk.service):
        faults.calls = [CallFault(method="apps.connections.open", kind="silent")]
        faults.refresh_seconds = 0.05
        await until(lambda: not faults.calls, what="the call for a new socket")


def roots(served: Served) -> set[str]:
    """Return the threads in which the bot has answered."""
    return {each.root for each in posted(served) if each.bot}


def posted(served: Served) -> list[Message]:
    return list(itertools.chain(*served.slack._store.data.messages.values()))


def buttons(served: Served, action_id: str) -> list[tuple[Message, dict[str, Any], dict[str, Any]]]:
    return [
        (message, block, element)
        for message in posted(served)
        for block in message.blocks
        for element in block.get("elements", ())
        if element.get("action_id") == action_id
    ]


async def test_a_click_on_the_card_approves_and_the_plan_runs(
    served: Served, desk: Desk, mock_agent_pool: list[ScriptedAgent]
) -> None:
    async with joined(served, desk.service):
        await says(served, "Deploy Kuma")
        await until(lambda: buttons(served, APPROVE), what="the card")
        [(message, block, element)] = buttons(served, APPROVE)
        await served.slack.click(
            ADA, message.channel, message.ts, block["block_id"], element["action_id"]
        )
        [plan] = (await desk.service.list_plans()).plans
        assert plan.status is not PlanStatus.PENDING_APPROVAL
        await until(lambda: not buttons(served, APPROVE), what="the buttons to go")


async def test_a_command_is_answered_to_whoever_gave_it(served: Served, desk: Desk) -> None:
    async with joined(served, desk.service):
        channel = served.slack._store.data.channels[0].id
        await served.slack.command(ADA, channel, "/chiffon help")
        await until(
            lambda: [each for each in posted(served) if each.ephemeral_to == ADA],
            what="the answer",
        )


@pytest.mark.parametrize(
    ("tokens", "named"),
    [
        ({"bot_token": None}, "SLACK_BOT_TOKEN is not set"),
        ({"app_token": None}, "SLACK_APP_TOKEN is not set"),
    ],
)
async def test_a_missing_token_is_named(
    served: Served, desk: Desk, tokens: dict[str, None], named: str
) -> None:
    with pytest.raises(SettingsError, match=named):
        async with open_bot(settings_of(served, **tokens), desk.service):
            pytest.fail("joined")


@pytest.mark.parametrize(
    ("tokens", "named"),
    [
        ({"bot_token": "xoxb-wrong"}, "SLACK_BOT_TOKEN: invalid_auth"),
        ({"app_token": "xapp-wrong"}, "SLACK_APP_TOKEN: "),
    ],
)
async def test_a_refused_token_is_named(
    served: Served, desk: Desk, tokens: dict[str, str], named: str
) -> None:
    with pytest.raises(ChiffonError, match=named):
        async with open_bot(settings_of(served, **tokens), desk.service):
            pytest.fail("joined")


async def test_a_slack_that_asks_for_patience_gets_it(served: Served, desk: Desk) -> None:
    served.slack.faults.calls = [CallFault(method="auth.test", kind="rate_limited", retry_after=0)]
    async with joined(served, desk.service):
        pass


@pytest.mark.usefixtures("hurried_time")
async def test_a_slack_that_is_not_there_is_said(desk: Desk) -> None:
    nowhere = SlackSettings(
        _env_file=None, bot_token="xoxb-1", app_token="xapp-1", api_url="http://127.0.0.1:9/api/"
    )
    with pytest.raises(ChiffonError, match=r"cannot be reached at http://127\.0\.0\.1:9/api/"):
        async with open_bot(nowhere, desk.service):
            pytest.fail("joined")
