"""What people do in the workspace: the page calls these, and so do tests."""

import secrets
import time
from typing import Any

from bot.local_slack import elements, payloads
from bot.local_slack.faults import Faults
from bot.local_slack.feed import Feed
from bot.local_slack.hooks import ApiError, Hooks, ResponseUrl
from bot.local_slack.sockets import NotConnectedError, Sockets
from bot.local_slack.state import Channel, Message, Person, Store
from bot.local_slack.validation import message_problems, view_problems

Json = dict[str, Any]

_SILENT = "Chiffon did not answer in time. Try again."
_AWAY = "Chiffon is not connected just now. Try again in a moment."


class ActionRefusedError(Exception):
    """What a person tried came to nothing.

    Attributes:
        error: one of the errors of `page_api`.
        errors: what to correct in a view, by block_id.
    """

    def __init__(self, error: str, errors: dict[str, str] | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.errors = errors or {}


class Actions:
    """What people can do. Each raises `ActionRefusedError` where it comes to nothing.

    Args:
        store: the workspace.
        sockets: how the app hears of it.
        hooks: trigger ids and response URLs.
        feed: how the page hears of it.
        faults: whether a mention arrives as both kinds of event.
        commands: the slash commands of the app.
        history_channels: ids or names of the channels whose every message the app gets.
    """

    def __init__(  # noqa: PLR0913 -- the parts of one workspace
        self,
        store: Store,
        sockets: Sockets,
        hooks: Hooks,
        feed: Feed,
        faults: Faults,
        *,
        commands: frozenset[str],
        history_channels: frozenset[str],
    ) -> None:
        self._store = store
        self._sockets = sockets
        self._hooks = hooks
        self._feed = feed
        self._faults = faults
        self._commands = commands
        self._history = history_channels

    async def say(self, person: str, channel: str, text: str, thread: str | None = None) -> str:
        """Post what a person typed, and return its time stamp; the app hears of it in time."""
        who, where = self._person(person), self._channel(person, channel)
        if not text.strip():
            raise ActionRefusedError("no_text")
        parent = self._message(person, where, thread) if thread else None
        data = self._store.data
        message = Message(
            channel=where.id,
            ts=self._store.next_ts(),
            user=who.id,
            text=payloads.as_typed(text.strip(), data),
            thread_ts=parent.root if parent else None,
        )
        self._store.post(message)
        inner = payloads.said(data, message, where, parent)
        mention = where.kind == "channel" and f"<@{data.bot_user_id}>" in message.text
        if mention:
            self._sockets.send_event(payloads.event(data, payloads.mentioned(inner)))
        history = where.kind == "dm" or bool({where.id, where.name} & self._history)
        if history or (mention and self._faults.both_kinds):
            self._sockets.send_event(payloads.event(data, inner))
        return message.ts

    async def click(  # noqa: PLR0913 -- the fields of one click
        self,
        person: str,
        channel: str | None,
        ts: str | None,
        block_id: str,
        action_id: str,
        *,
        value: object = None,
        selected: object = None,
        view_id: str | None = None,
        values: Json | None = None,
    ) -> None:
        """Act on an element of a message or a view, and wait until the app acknowledged."""
        who = self._person(person)
        payload = payloads.interaction(
            self._store.data, "block_actions", who, self._hooks.trigger(who.id)
        )
        if view_id:
            view = self._view(person, view_id)
            blocks = view["blocks"]
            shown = {**view, "state": {"values": elements.state_of(blocks, values or {})}}
            payload |= {"container": {"type": "view", "view_id": view["id"]}, "view": shown}
        else:
            where = self._channel(person, channel)
            message = self._message(person, where, ts)
            blocks = message.blocks
            payload |= self._clicked_message(who, where, message)
            payload["state"] = {"values": elements.state_of(blocks, values or {})}
        element = elements.find(blocks, block_id, action_id)
        if element is None:
            raise ActionRefusedError("action_not_found")
        held = elements.chosen(element, value if selected is None else selected)
        ids = {"action_id": action_id, "block_id": block_id, "action_ts": f"{time.time():.6f}"}
        payload["actions"] = [held | ids]
        await self._ask(who, "interactive", payload)

    async def submit_view(self, person: str, view_id: str, values: Json) -> None:
        """Submit a modal; raises with `errors` where something must be corrected in it."""
        who, view = self._person(person), self._view(person, view_id)
        state = elements.state_of(view["blocks"], values)
        if errors := elements.missing(view["blocks"], state):
            raise ActionRefusedError("invalid", errors)
        answer = await self._ask(who, "interactive", self._view_payload(who, view, state))
        self._after_submit(who, view, answer or {})

    async def close_view(self, person: str, view_id: str) -> None:
        """Close a modal without submitting."""
        self._store.drop_view(person, self._view(person, view_id))

    async def command(self, person: str, channel: str, text: str) -> None:
        """Give a slash command, such as `/chiffon plans`; its answer appears in the channel."""
        who, where = self._person(person), self._channel(person, channel)
        payload = payloads.command(self._store.data, who, where, text)
        if payload["command"] not in self._commands:
            raise ActionRefusedError("dispatch_unknown_command")
        target = ResponseUrl(where.id, who.id)
        payload["response_url"] = self._hooks.response_url(target)
        payload["trigger_id"] = self._hooks.trigger(who.id)
        answer = await self._ask(who, "slash_commands", payload)
        if answer:
            self._respond(target, answer)

    async def shortcut(self, person: str, channel: str, ts: str, callback_id: str) -> None:
        """Choose a message shortcut of the app."""
        who, where = self._person(person), self._channel(person, channel)
        message = self._message(person, where, ts)
        payload = payloads.interaction(
            self._store.data, "message_action", who, self._hooks.trigger(who.id)
        )
        clicked = self._clicked_message(who, where, message)
        payload |= {
            "callback_id": callback_id,
            "message_ts": message.ts,
            "action_ts": f"{time.time():.6f}",
            "channel": clicked["channel"],
            "message": payloads.message(self._store.data, message),
            "response_url": clicked["response_url"],
        }
        await self._ask(who, "interactive", payload)

    async def open_home(self, person: str) -> None:
        """Open the Home tab of the app."""
        who = self._person(person)
        inner: Json = {
            "type": "app_home_opened",
            "user": who.id,
            "channel": self._channel(person, person).id,
            "tab": "home",
            "event_ts": f"{time.time():.6f}",
        }
        if home := self._store.data.homes.get(person):
            inner["view"] = home
        self._sockets.send_event(payloads.event(self._store.data, inner))

    def respond(self, name: str, body: Json) -> None:
        """Take what the app sends to a response URL.

        Raises:
            ApiError: the address is used up, or Slack refuses the message.
        """
        self._respond(self._hooks.response(name), body)

    # --- looked up ------------------------------------------------------------------------------

    def _person(self, person: str) -> Person:
        found = self._store.person(person)
        if found is None:
            raise ActionRefusedError("unknown_person")
        return found

    def _channel(self, person: str, channel: object) -> Channel:
        found = self._store.channel(channel)
        if found is None or found.person not in {None, person}:
            raise ActionRefusedError("channel_not_found")
        return found

    def _message(self, person: str, channel: Channel, ts: object) -> Message:
        found = self._store.message(channel.id, ts)
        if found is None or found.ephemeral_to not in {None, person}:
            raise ActionRefusedError("message_not_found")
        return found

    def _view(self, person: str, view_id: str) -> Json:
        found = self._store.view(view_id)
        if found is None or found[0] != person:
            raise ActionRefusedError("view_not_found")
        return found[1]

    # --- delivered ------------------------------------------------------------------------------

    async def _ask(self, who: Person, kind: str, payload: Json) -> Json | None:
        try:
            return await self._sockets.ask(kind, payload)
        except NotConnectedError:
            self._feed.push({"type": "notice", "text": _AWAY}, person=who.id)
            raise ActionRefusedError("dispatch_failed") from None
        except TimeoutError:
            self._feed.push({"type": "notice", "text": _SILENT}, person=who.id)
            raise ActionRefusedError("operation_timed_out") from None

    def _clicked_message(self, who: Person, where: Channel, message: Message) -> Json:
        thread = message.thread_ts
        target = ResponseUrl(where.id, who.id, thread=thread)
        clicked: Json = {
            "container": payloads.container(message),
            "channel": payloads.place(where),
            "response_url": self._hooks.response_url(target),
        }
        if message.ephemeral_to is None:  # Slack does not send back what only one person saw
            clicked["message"] = payloads.message(self._store.data, message)
        return clicked

    def _view_payload(self, who: Person, view: Json, state: Json) -> Json:
        trigger = self._hooks.trigger(who.id)
        payload = payloads.interaction(self._store.data, "view_submission", who, trigger)
        return payload | {"view": {**view, "state": {"values": state}}, "response_urls": []}

    def _after_submit(self, who: Person, view: Json, answer: Json) -> None:
        if answer.get("response_action") == "errors":
            raise ActionRefusedError("invalid", answer.get("errors", {}))
        if view not in self._store.views(who.id):
            return  # it was closed meanwhile
        if answer.get("response_action") == "update":
            shown = self.view_of(answer.get("view") or {}, view["id"])
            self._store.replace_view(who.id, view, shown)
        else:
            self._store.drop_view(who.id, view)

    def view_of(self, content: Json, view_id: str = "") -> Json:
        """Return a view as Slack keeps it.

        Raises:
            ApiError: Slack refuses it.
        """
        if problems := view_problems(content):
            raise ApiError(problems[0].code, tuple(map(str, problems)))
        named = {**content, "blocks": elements.with_ids(content["blocks"])}
        new_id = view_id or f"V{secrets.token_hex(5).upper()}"
        return payloads.view(self._store.data, named, new_id)

    def _respond(self, target: ResponseUrl, body: Json) -> None:
        if problems := message_problems(body):
            raise ApiError(problems[0].code, tuple(map(str, problems)))
        in_channel = body.get("response_type") == "in_channel"
        self._store.post(
            Message(
                channel=target.channel,
                ts=self._store.next_ts(),
                user=self._store.data.bot_user_id,
                bot=True,
                text=body.get("text") or "",
                blocks=elements.with_ids(body.get("blocks") or []),
                thread_ts=body.get("thread_ts") or target.thread,
                ephemeral_to=None if in_channel else target.person,
            )
        )
