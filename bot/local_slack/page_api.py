"""What the page of the local Slack calls: `/local/*`, JSON in and out.

Every call carries `Authorization: Bearer <token>`; where a browser cannot send the header (the
WebSocket, a link to a file) `?token=<token>` does. Only from this machine and this origin. `GET /`
serves `page/index.html` and `/page/*` its assets, without a token: the page takes it from
`#token=…` or `?token=…` of its own address.

Looking:

- `GET /local/state?person=U…` (without `person`: the first of the people) answers
  `{me, team: {id, name}, bot: {id, user_id, name, real_name}, people: [Person], channels:
  [Channel], messages: {channel id: [Message]}, views: [View], home: View or null, commands:
  [{command, description, usage_hint}], shortcuts: [{callback_id, name}], connected}`.
  `messages` are the oldest first, replies of threads and this person's ephemeral ones among
  them. `views` is the stack of open modals, the last on top. `connected`: sockets of the bot.
- Person: `{id, name, real_name, title, restricted, you}`. Channel: `{id, name, kind, topic}`,
  kind `channel` or `dm` (with the bot; each person sees their own).
- Message: `{channel, ts, user, bot, text, blocks, thread_ts, reply_count, edited, files:
  [{id, name, url, size, title}], ephemeral}`. `text` and `blocks` are
  as Slack keeps them: escaped mrkdwn, `<@U…>`, `<#C…|name>`, `<https://…|label>`. `bot` is a
  bool, `thread_ts` null outside threads (on the parent once it has replies: its own ts);
  `reply_count` counts what hangs below; `edited` is a bool, `ephemeral` too. Every block has a
  `block_id` and every element that acts an `action_id`.
- View: as the Web API has it: `{id, type, callback_id, title, submit, close, blocks, hash, …}`.
- `GET /local/files/{id}` the content of a file.
- `GET /local/events?person=U…&token=…` (WebSocket) pushes, from when it is accepted:
  `{type: "message" | "message_changed" | "ephemeral", message: Message}`,
  `{type: "view_opened", view: View}`, `{type: "view_closed", view_id}`,
  `{type: "home", view: View}`, `{type: "notice", text}` (what Slack itself says to the person,
  such as that the app did not answer), `{type: "connected", connected}`. A page that lost the
  socket fetches the state again.

Doing, each `POST` with a JSON body, answering `{ok: true, …}` or `{ok: false, error}`:

- `/local/say` `{person, channel, text, thread?}` → `{ok}`. Text as typed: `@chiffon`,
  `@Ben` and `#random` become mentions, `&`, `<`, `>` are escaped.
- `/local/click` `{person, block_id, action_id, channel?, ts?, view_id?, value?, selected?,
  values?}`: an element of a message (`channel`, `ts`) or of a view (`view_id`, the Home tab's
  too). `selected` is the value of the chosen option, `value` what was typed; `values` the view's
  inputs so far, as in submit.
- `/local/submit` `{person, view_id, values: {block_id: {action_id: text | option value}}}` →
  `{ok: false, error: "invalid", errors: {block_id: text}}` where the view stays open with these
  errors.
- `/local/close` `{person, view_id}`; `/local/command` `{person, channel, text}`, text with the
  slash: `/chiffon plans`; `/local/shortcut` `{person, channel, ts, callback_id}`;
  `/local/home` `{person}`: the Home tab was opened.
- `/local/faults` `{…}`: fields of `faults.Faults`; answers all of them. Also `drop_sockets: true`
  (drop the bot's sockets now) and `silent_seconds` (answer no Web API call for so long).

Click, submit, command and shortcut answer when the bot has acknowledged, after 3 s with the
error `operation_timed_out` (and a `notice`).

Errors: `unknown_person`, `channel_not_found`, `message_not_found`, `view_not_found`,
`action_not_found`, `dispatch_failed` (no bot is connected), `operation_timed_out`, `no_text`,
`dispatch_unknown_command`, `invalid_request`; the HTTP status is 200, 400 for bad JSON, 401
without the token, 403 for another host or origin.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import JsonValue, TypeAdapter, ValidationError, validate_call
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.ids import ASK_SHORTCUT, COMMAND
from bot.local_slack.actions import ActionRefusedError, Actions
from bot.local_slack.faults import Faults, cancel_all
from bot.local_slack.feed import Event, Feed
from bot.local_slack.sockets import Sockets
from bot.local_slack.state import Store

Json = dict[str, Any]

COMMANDS = (
    {
        "command": COMMAND,
        "description": "Ask about plans and requests",
        "usage_hint": "status | plans | cancel | retry | resume | why | logs | gaps | help",
    },
)
_FIELDS = TypeAdapter(dict[str, JsonValue])
SHORTCUTS = ({"callback_id": ASK_SHORTCUT, "name": "Ask Chiffon"},)


class PageApi:
    """The routes of `/local`; who may call them is decided before.

    Args:
        store: the workspace.
        actions: what people do.
        feed: what open pages are told.
        sockets: the app's sockets, to count and to drop.
        faults: what `/local/faults` changes.
    """

    def __init__(
        self, *, store: Store, actions: Actions, feed: Feed, sockets: Sockets, faults: Faults
    ) -> None:
        self._store = store
        self._actions = actions
        self._feed = feed
        self._sockets = sockets
        self._faults = faults

    def routes(self) -> list[BaseRoute]:
        """Return the routes, below `/local`."""
        actions = self._actions
        doing: dict[str, Callable[..., Awaitable[object]]] = {
            "/say": actions.say,
            "/click": actions.click,
            "/submit": actions.submit_view,
            "/close": actions.close_view,
            "/command": actions.command,
            "/shortcut": actions.shortcut,
            "/home": actions.open_home,
            "/faults": self._set_faults,
        }
        return [
            Route("/state", self._state),
            Route("/files/{file_id}", self._file),
            WebSocketRoute("/events", self._events),
            *(Route(path, _answering(do), methods=["POST"]) for path, do in doing.items()),
        ]

    async def _state(self, request: Request) -> Response:
        data = self._store.data
        first = next((one for one in data.people if one.you), data.people[0])
        person = self._store.person(request.query_params.get("person", first.id))
        if person is None:
            return JSONResponse({"ok": False, "error": "unknown_person"})
        bot = {"id": data.bot_id, "user_id": data.bot_user_id, "name": data.bot_name}
        channels = [c.model_dump(exclude={"person"}) for c in self._store.channels_of(person.id)]
        return JSONResponse(
            {
                "me": person.id,
                "team": {"id": data.team_id, "name": data.team_name},
                "bot": {**bot, "real_name": data.bot_name.capitalize()},
                "people": [one.model_dump() for one in data.people],
                "channels": channels,
                "messages": self._store.visible_to(person.id),
                "views": self._store.views(person.id),
                "home": data.homes.get(person.id),
                "commands": COMMANDS,
                "shortcuts": SHORTCUTS,
                "connected": self._sockets.count,
            }
        )

    async def _file(self, request: Request) -> Response:
        path = self._store.file_path(request.path_params["file_id"])
        if not path.is_file():
            return JSONResponse({"ok": False, "error": "file_not_found"}, 404)
        return FileResponse(path, media_type="text/plain; charset=utf-8")

    async def _events(self, websocket: WebSocket) -> None:
        person = websocket.query_params.get("person", "")
        if self._store.person(person) is None:
            await websocket.close()
            return
        await websocket.accept()
        queue = self._feed.open(person)
        pushing = asyncio.create_task(_push(websocket, queue))
        try:
            while True:
                await websocket.receive_text()  # a page says nothing here; this waits for its end
        except (WebSocketDisconnect, RuntimeError):
            return
        finally:
            self._feed.close(queue)
            await cancel_all({pushing})

    async def _set_faults(
        self, *, drop_sockets: bool = False, silent_seconds: float | None = None, **given: JsonValue
    ) -> Json:
        wanted = Faults.model_validate(given)
        for name in given:
            setattr(self._faults, name, getattr(wanted, name))
        if silent_seconds is not None:
            self._faults.silence(silent_seconds)
        if drop_sockets:
            await self._sockets.drop_all()
        return {"faults": self._faults.model_dump(mode="json")}


def _answering(
    do: Callable[..., Awaitable[object]],
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint: a JSON object's fields are what `do` takes, of the types it says."""
    checked = validate_call(do)

    async def endpoint(request: Request) -> Response:
        try:
            answer = await checked(**_FIELDS.validate_json(await request.body()))
        except ActionRefusedError as refusal:
            told: Json = {"ok": False, "error": refusal.error}
            return JSONResponse(told | ({"errors": refusal.errors} if refusal.errors else {}))
        except ValidationError as error:
            what = "; ".join(one["msg"] for one in error.errors())
            return JSONResponse({"ok": False, "error": "invalid_request", "what": what}, 400)
        return JSONResponse({"ok": True, **(answer if isinstance(answer, dict) else {})})

    return endpoint


async def _push(websocket: WebSocket, queue: asyncio.Queue[Event | None]) -> None:
    while (event := await queue.get()) is not None:
        try:
            await websocket.send_json(event)
        except (WebSocketDisconnect, RuntimeError):
            return
    await websocket.close()
