"""What the listeners need of Slack's payloads, and where an answer to each belongs.

Payloads come from outside: whatever is missing is None or empty here, never a fault.
"""

from dataclasses import dataclass
from typing import Any

from orchestrator.domain.ids import new_id

_PLAIN = frozenset({None, "thread_broadcast", "file_share"})  # the rest are edits and notices


@dataclass(frozen=True)
class Place:
    """Whom an answer is for, and where they are."""

    user: str
    channel: str | None = None
    thread: str | None = None
    response_url: str | None = None
    kind: str | None = None  # of the channel, as an event says it: im, channel, group, mpim

    @property
    def is_direct(self) -> bool:
        """Whether only this person and the bot are there."""
        return self.channel is not None and _is_direct(self.channel, self.kind)


@dataclass(frozen=True)
class Said:
    """A message that somebody wrote."""

    user: str
    channel: str
    moment: str  # its time stamp: with the channel, its name
    thread: str | None  # None: it stands in the channel itself
    text: str  # as Slack sends it
    by_mention: bool
    user_team: str | None
    kind: str | None = None  # of the channel, as the event says it

    @property
    def is_direct(self) -> bool:
        """Whether it was said to the bot alone."""
        return _is_direct(self.channel, self.kind)

    @property
    def root(self) -> str:
        """The thread in which an answer belongs."""
        return self.thread or self.moment

    @property
    def place(self) -> Place:
        """Where a private answer belongs; a direct conversation is private by itself."""
        thread = self.root if self.is_direct else self.thread
        return Place(self.user, self.channel, thread, kind=self.kind)


@dataclass(frozen=True)
class Click:
    """A button that was pressed, or an option that was chosen."""

    place: Place
    action_id: str
    block_id: str
    value: str
    message: dict[str, Any]
    trigger_id: str
    user_team: str | None
    key: str  # unique to this click, without the team


def _is_direct(channel: str, kind: str | None) -> bool:
    """Say so by the event's own word; where it has none, by how Slack's ids begin."""
    return kind == "im" if kind else channel.startswith("D")


def said_of(event: dict[str, Any]) -> Said | None:
    """Return the message of an `app_mention` or `message` event; None: nobody said anything."""
    if event.get("subtype") not in _PLAIN or event.get("bot_id") or event.get("hidden"):
        return None
    user, channel, moment = (event.get(name) for name in ("user", "channel", "ts"))
    if not (isinstance(user, str) and isinstance(channel, str) and isinstance(moment, str)):
        return None
    thread = event.get("thread_ts")
    return Said(
        user=user,
        channel=channel,
        moment=moment,
        thread=thread if thread != moment else None,
        text=event.get("text") or "",
        by_mention=event.get("type") == "app_mention",
        user_team=event.get("user_team"),
        kind=event.get("channel_type"),
    )


def shortcut_message(body: dict[str, Any]) -> Said | None:
    """Return the message that a shortcut was used on, as said by whoever used it."""
    message = body.get("message") or {}
    place = place_of(body)
    moment = message.get("ts") or body.get("message_ts")
    if place is None or place.channel is None or not isinstance(moment, str):
        return None
    thread = message.get("thread_ts")
    return Said(
        user=place.user,
        channel=place.channel,
        moment=moment,
        thread=thread if thread != moment else None,
        text=message.get("text") or "",
        by_mention=True,
        user_team=(body.get("user") or {}).get("team_id"),
    )


def click_of(body: dict[str, Any]) -> Click | None:
    """Return the first action of a `block_actions` payload; None where there is none."""
    actions, place = body.get("actions") or (), place_of(body)
    if not actions or place is None:
        return None
    action, message = actions[0], body.get("message") or {}
    chosen = action.get("selected_option") or {}
    action_id = str(action.get("action_id", ""))
    moment = message.get("ts") or (body.get("container") or {}).get("message_ts") or ""
    once = action.get("action_ts") or body.get("trigger_id") or new_id()
    return Click(
        place=place,
        action_id=action_id,
        block_id=str(action.get("block_id", "")),
        value=str(action.get("value") or chosen.get("value") or ""),
        message=message,
        trigger_id=str(body.get("trigger_id", "")),
        user_team=(body.get("user") or {}).get("team_id"),
        key=f"{place.channel}:{moment}:{action_id}:{once}",
    )


def place_of(body: dict[str, Any]) -> Place | None:
    """Return where a private answer to any payload belongs; None where nobody is behind it."""
    event = body.get("event")
    if isinstance(event, dict):
        said = said_of(event)
        if said is not None:
            return said.place
        user = event.get("user")
        return Place(user) if isinstance(user, str) else None
    user = (body.get("user") or {}).get("id") or body.get("user_id")
    if not isinstance(user, str):
        return None
    container = body.get("container") or {}
    channel = (body.get("channel") or {}).get("id") or body.get("channel_id")
    thread = (body.get("message") or {}).get("thread_ts") or container.get("thread_ts")
    return Place(user, channel or container.get("channel_id"), thread, body.get("response_url"))
