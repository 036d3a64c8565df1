"""Slack's acknowledgement of an Approve click, which comes after the commit; 200 at once."""

import asyncio
import itertools
import json
import time
from typing import Any

from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from benchmarks.measure import Row, percentile, row
from benchmarks.plans import waiting_plans
from benchmarks.product import Product, product
from bot.app import Bot, build_bot
from bot.ids import APPROVE, PlanButton
from bot.settings import SlackSettings
from orchestrator.domain.plan import WorkPlan

ROUNDS = 5
_AT_ONCE = 200
_TEAM, _PERSON, _BOT, _CHANNEL = "T1", "U0SAM", "U0CHIFFON", "C1"
_TOKEN = "made-up"  # noqa: S105 - nobody is asked
_count = itertools.count(1)


class Directory(AsyncWebClient):
    """Slack's Web API as far as a click asks for it, without a network."""

    async def auth_test(self, **_: Any) -> Any:  # noqa: ANN401 - as in the SDK
        """Say who the bot is."""
        return {"user_id": _BOT, "team_id": _TEAM, "bot_id": "B1"}

    async def users_info(self, *, user: str, **_: Any) -> Any:  # noqa: ANN401 - as in the SDK
        """Say who somebody is: a member."""
        return {"user": {"id": user, "team_id": _TEAM, "name": "sam", "real_name": "Sam"}}


def _click(value: str) -> SocketModeRequest:
    number = next(_count)
    button = {"type": "button", "action_id": APPROVE, "block_id": "buttons"}
    shown = {"type": "actions", "block_id": "buttons", "elements": [button]}
    payload = {
        "type": "block_actions",
        "user": {"id": _PERSON, "team_id": _TEAM},
        "team": {"id": _TEAM},
        "channel": {"id": _CHANNEL},
        "message": {"ts": "200.1", "thread_ts": "100.1", "text": "card", "blocks": [shown]},
        "container": {"message_ts": "200.1", "channel_id": _CHANNEL},
        "actions": [button | {"value": value, "action_ts": f"{number}.1"}],
        "trigger_id": f"trigger-{number}",
        "response_url": "http://127.0.0.1:9/",
    }
    read = json.loads(json.dumps(payload))  # what comes over a socket is the reader's own
    return SocketModeRequest(type="interactive", envelope_id=str(number), payload=read)


def _bare() -> AsyncApp:
    async def known(**_: object) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id=_TEAM, bot_user_id=_BOT, bot_id="B1", bot_token=_TOKEN
        )

    async def clicked(ack: AsyncAck) -> None:
        await ack()

    app = AsyncApp(name="bare", client=Directory(), authorize=known, process_before_response=True)
    app.action(APPROVE)(clicked)
    return app


async def _acknowledged(app: AsyncApp, value: str, began: float) -> float:
    answer = await run_async_bolt_app(app, _click(value))
    if answer.status != 200:  # noqa: PLR2004 - HTTP's own number
        raise RuntimeError(answer.body)
    return 1000 * (time.monotonic() - began)


async def _at_once(app: AsyncApp, values: list[str]) -> list[float]:
    began = time.monotonic()  # all of them come in now, whoever is heard first
    return list(await asyncio.gather(*(_acknowledged(app, value, began) for value in values)))


def _value(plan: WorkPlan) -> str:
    return PlanButton(plan=plan.plan_id, digest=plan.digest).encoded()


async def measure() -> list[Row]:
    """Run all rounds."""
    async with product(slots=64, admins=(_PERSON,)) as made:
        bot = build_bot(SlackSettings(bot_token=_TOKEN), made.running.service, Directory())
        try:
            found = [await _round(made, bot, _bare()) for _ in range(ROUNDS + 1)]
        finally:
            await bot.close()
    return [row("Slack's acknowledgement, 200 at once, p99, to bare Bolt", found[1:], "<= 1.25")]


async def _round(made: Product, bot: Bot, bare: AsyncApp) -> float:
    plans = await waiting_plans(made.store, made.entry, _AT_ONCE, channel=_CHANNEL)
    ours = await _at_once(bot.app, [_value(plan) for plan in plans])
    await made.idle()
    theirs = await _at_once(bare, [_value(plan) for plan in plans])
    found = (percentile(ours, 0.99), percentile(theirs, 0.99))
    print(f"  acknowledged: p99 {found[0]:.0f} / {found[1]:.0f} ms", flush=True)
    return found[0] / found[1]
