"""A Web API that records what it is asked, and a person who writes and clicks."""

import asyncio
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest
from sqlalchemy import RowMapping, Table, select

from bot.app import Bot
from bot.ids import ButtonValue
from orchestrator.domain.views import PlanResult
from orchestrator.service import OrchestratorService

TEAM, BOT, CHANNEL = "T1", "U0CHIFFON", "C1"
ROBIN, ALEX, SAM = "U0ROBIN", "U0ALEX", "U0SAM"  # all three may approve
GUEST, STRANGER, ROBOT, GONE = "U0GUEST", "U0STRANGER", "U0ROBOT", "U0GONE"


def user(person: str, **more: object) -> dict[str, Any]:
    """Return somebody as `users.info` shows them."""
    return {"id": person, "team_id": TEAM, "name": person.lower(), "real_name": person, **more}


PEOPLE = {
    ROBIN: user(ROBIN, profile={"display_name": "robin"}),
    ALEX: user(ALEX, real_name="Alex Roe"),
    SAM: user(SAM),
    GUEST: user(GUEST, is_restricted=True),
    STRANGER: user(STRANGER, team_id="T2"),
    ROBOT: user(ROBOT, is_bot=True),
    GONE: user(GONE, deleted=True),
}


@dataclass
class RecordingSlack:
    """Slack's Web API: says yes to everything, and writes down what was asked."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)  # method: the error it answers with
    held: dict[str, asyncio.Event] = field(default_factory=dict)  # method: answers only then
    address: str = ""
    response_status: int = 200
    scopes: str = "chat:write"
    people: Mapping[str, dict[str, Any]] = field(default_factory=lambda: dict(PEOPLE))

    def asked(self, method: str) -> list[dict[str, Any]]:
        """Return what a method was called with, in order."""
        return [arguments for name, arguments in self.calls if name == method]

    def words(self, method: str) -> str:
        """Return every text and block that a method was called with."""
        return json.dumps(self.asked(method), ensure_ascii=False)

    @property
    def application(self) -> web.Application:
        """The server."""
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._answer)
        app.router.add_post("/response/{anything}", self._respond)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        arguments = dict(await request.post()) | dict(request.query)
        if request.content_type == "application/json":
            arguments = await request.json()
        read = {key: _unpacked(value) for key, value in arguments.items()}
        self.calls.append((method, read))
        if method in self.held:
            await self.held[method].wait()
        if method in self.refusals:
            return web.json_response({"ok": False, "error": self.refusals[method]})
        headers = {"x-oauth-scopes": self.scopes}
        return web.json_response({"ok": True, **self._body(method, read)}, headers=headers)

    async def _respond(self, request: web.Request) -> web.Response:
        self.calls.append(("response_url", await request.json()))
        return web.Response(text="ok", status=self.response_status)

    def _body(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if method == "auth.test":
            return {"user_id": BOT, "team_id": TEAM, "bot_id": "B1", "team": "t", "user": "chiffon"}
        if method == "users.info":
            return {"user": self.people.get(arguments["user"], {})}
        return {"ts": "999.1", "channel": arguments.get("channel", CHANNEL)}


def _unpacked(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        return json.loads(value)
    return value


@dataclass
class Scene:
    """A person in front of the real app over the real service."""

    bot: Bot
    slack: RecordingSlack
    service: OrchestratorService
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def deliver(
        self, kind: str, payload: dict[str, Any], retry: int | None = None
    ) -> BoltResponse:
        """Hand over an envelope as Socket Mode does; return the acknowledgement."""
        envelope = SocketModeRequest(
            type=kind,
            envelope_id=str(next(self._count)),
            payload=payload,
            retry_attempt=retry,
            retry_reason=None if retry is None else "timeout",
        )
        answer: BoltResponse = await run_async_bolt_app(self.bot.app, envelope)
        return answer

    async def event(self, event: dict[str, Any], retry: int | None = None) -> BoltResponse:
        """Deliver an event."""
        payload = {
            "type": "event_callback",
            "team_id": TEAM,
            "api_app_id": "A1",
            "event_id": f"Ev{next(self._count)}",
            "event": event,
        }
        return await self.deliver("events_api", payload, retry)

    async def says(
        self,
        text: str,
        retry: int | None = None,
        **more: Any,  # noqa: ANN401 - any field
    ) -> BoltResponse:
        """Robin mentions the bot."""
        return await self.event(message(f"<@{BOT}> {text}", type="app_mention", **more), retry)

    async def settled(self) -> None:
        """Wait until nothing goes on in the background."""
        await self.bot.face.afterwards.settled()

    async def rows(self, table: Table) -> list[RowMapping]:
        """Read a table."""
        async with self.service.context.store.engine.connect() as connection:
            return list((await connection.execute(select(table))).mappings())

    async def planned(self, text: str, **more: Any) -> PlanResult:  # noqa: ANN401 - any field
        """Have Robin ask for something; return its plan."""
        moment = more.setdefault("ts", "100.1")
        await self.says(text, **more)
        await self.settled()
        asked = await self.service.request_of_thread(TEAM, CHANNEL, more.get("thread_ts", moment))
        assert asked.plan_id is not None, asked
        return await self.service.get_plan(asked.plan_id)

    async def clicks(
        self,
        action_id: str,
        value: ButtonValue | str,
        *,
        person: str = SAM,
        moment: str = "500.1",
        settle: bool = True,
        below: Sequence[Mapping[str, Any]] = (),
    ) -> BoltResponse:
        """Somebody presses a button of a message in the thread 100.1; `below` follows it there."""
        encoded = value if isinstance(value, str) else value.encoded()
        button = {"type": "button", "action_id": action_id, "block_id": "buttons"}
        shown = {"type": "actions", "block_id": "buttons", "elements": [button]}
        action = button | {"value": encoded, "action_ts": moment}
        payload = {
            "type": "block_actions",
            "user": {"id": person, "team_id": self.slack.people[person]["team_id"]},
            "team": {"id": TEAM},
            "channel": {"id": CHANNEL},
            "message": {
                "ts": "200.1",
                "thread_ts": "100.1",
                "text": "card",
                "blocks": [shown, *below],
            },
            "container": {"message_ts": "200.1", "channel_id": CHANNEL},
            "actions": [action],
            "trigger_id": f"trigger-{moment}",
            "response_url": f"{self.slack.address}response/1",
        }
        answer = await self.deliver("interactive", payload)
        if settle:
            await self.settled()
        return answer

    async def orders(self, text: str, person: str = ROBIN) -> BoltResponse:
        """Somebody types `/chiffon text`."""
        payload = {
            "command": "/chiffon",
            "text": text,
            "user_id": person,
            "channel_id": CHANNEL,
            "team_id": TEAM,
            "trigger_id": f"trigger-{next(self._count)}",
        }
        answer = await self.deliver("slash_commands", payload)
        await self.settled()
        return answer


def message(text: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    """Return a message event."""
    return {
        "type": "message",
        "channel": CHANNEL,
        "user": ROBIN,
        "text": text,
        "ts": "100.1",
    } | more
