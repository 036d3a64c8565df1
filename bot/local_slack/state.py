"""What a workspace holds: people, channels, messages, views, files; kept in a folder."""

import asyncio
import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from bot.local_slack.feed import Feed

MOST_MESSAGES = 500  # in one channel: older ones are forgotten, with their files
_SAVE_EVERY_SECONDS = 0.2

Json = dict[str, Any]


class Person(BaseModel):
    """Somebody of the workspace; `you` is whom the page shows first."""

    id: str
    name: str
    real_name: str
    title: str = ""
    restricted: bool = False
    you: bool = False


DEFAULT_PEOPLE = (
    Person(id="U0ADA", name="ada", real_name="Ada Lindt", title="Runs the homelab", you=True),
    Person(id="U0BEN", name="ben", real_name="Ben Okoro", title="Colleague"),
    Person(id="U0GUS", name="gus", real_name="Gus Rey", title="Guest", restricted=True),
)


class Channel(BaseModel):
    """A channel that all are in, or the direct messages of one person with the bot."""

    id: str
    name: str
    kind: Literal["channel", "dm"] = "channel"
    topic: str = ""
    person: str | None = None


class File(BaseModel):
    """An uploaded file; its content lies beside the state, under its id."""

    id: str
    name: str
    title: str = ""
    size: int = 0


class Message(BaseModel):
    """A message as Slack keeps it: escaped, every block and element with its id."""

    channel: str
    ts: str
    user: str
    bot: bool = False
    text: str = ""
    blocks: list[Json] = Field(default_factory=list)
    thread_ts: str | None = None
    edited: bool = False
    files: list[File] = Field(default_factory=list)
    ephemeral_to: str | None = None
    agent_status: str | None = None  # of the thread that it begins

    @property
    def root(self) -> str:
        """The time stamp of the thread it belongs to, its own where it begins one."""
        return self.thread_ts or self.ts


class Workspace(BaseModel):
    """All of it, as it is written to disk."""

    team_id: str = "T0LOCAL"
    team_name: str = "Local Slack"
    app_id: str = "A0CHIFFON"
    bot_id: str = "B0CHIFFON"
    bot_user_id: str = "U0CHIFFON"
    bot_name: str = "chiffon"
    bot_token: str = Field(default_factory=lambda: f"xoxb-local-{secrets.token_hex(16)}")
    app_token: str = Field(default_factory=lambda: f"xapp-1-local-{secrets.token_hex(16)}")
    people: list[Person]
    channels: list[Channel]
    messages: dict[str, list[Message]] = Field(default_factory=dict)
    views: dict[str, list[Json]] = Field(default_factory=dict)
    homes: dict[str, Json] = Field(default_factory=dict)
    last_ts: int = 0


def new_workspace(people: Sequence[Person]) -> Workspace:
    """Return an empty workspace of these people: two channels, and direct messages of each."""
    channels = [
        Channel(id="C0HOMELAB", name="homelab", topic="The machines at home, and Chiffon"),
        Channel(id="C0RANDOM", name="random", topic="Everything else"),
    ]
    channels += [
        Channel(id=f"D{person.id[1:]}", name="Chiffon", kind="dm", person=person.id)
        for person in people
    ]
    return Workspace(people=list(people), channels=channels)


class Store:
    """The workspace in memory, written to `folder/local-slack.json` soon after each change.

    Written at most every 0.2 s and at `close`: what a crash of the process loses is less than
    that. A file that cannot be read is set aside as `local-slack.json.broken`.
    """

    def __init__(self, folder: Path, people: Sequence[Person], feed: Feed) -> None:
        self._path = folder / "local-slack.json"
        self._files = folder / "local-slack-files"
        self._feed = feed
        self._saving: asyncio.Task[None] | None = None
        self._files.mkdir(parents=True, exist_ok=True)
        self.data = self._load() or new_workspace(people)
        self.save()

    # --- people and channels --------------------------------------------------------------------

    def person(self, person: object) -> Person | None:
        """Return one of the people by id."""
        return next((one for one in self.data.people if one.id == person), None)

    def channel(self, channel: object) -> Channel | None:
        """Return a channel by id or name; a person's id stands for their direct messages."""
        name = str(channel).removeprefix("#")
        return next(
            (c for c in self.data.channels if name in {c.id, c.person} or self._named(c, name)),
            None,
        )

    @staticmethod
    def _named(channel: Channel, name: str) -> bool:
        return channel.kind == "channel" and channel.name == name

    def channels_of(self, person: str) -> list[Channel]:
        """Return the channels that a person sees."""
        return [c for c in self.data.channels if c.person in {None, person}]

    # --- messages -------------------------------------------------------------------------------

    def messages(self, channel: str) -> list[Message]:
        """Return what was said in a channel, the oldest first, ephemeral messages included."""
        return self.data.messages.setdefault(channel, [])

    def message(self, channel: str, ts: object) -> Message | None:
        """Return one message of a channel."""
        found = (one for one in reversed(self.messages(channel)) if one.ts == ts)
        return next(found, None)

    def next_ts(self) -> str:
        """Return a time stamp that no message has: seconds and microseconds."""
        self.data.last_ts = max(self.data.last_ts + 1, time.time_ns() // 1_000)
        seconds, micros = divmod(self.data.last_ts, 1_000_000)
        return f"{seconds}.{micros:06d}"

    def post(self, message: Message) -> Message:
        """Keep a new message and show it."""
        kept = self.messages(message.channel)
        kept.append(message)
        for old in kept[:-MOST_MESSAGES]:
            self._forget_files(old)
        del kept[:-MOST_MESSAGES]
        self._show(message, "ephemeral" if message.ephemeral_to else "message")
        parent = self.message(message.channel, message.thread_ts)
        if parent and parent is not message and not message.ephemeral_to:
            parent.thread_ts = parent.ts
            self._show(parent, "message_changed")
        self.save_soon()
        return message

    def changed(self, message: Message) -> None:
        """Show and keep a message that was changed."""
        self._show(message, "ephemeral" if message.ephemeral_to else "message_changed")
        self.save_soon()

    def replies(self, message: Message) -> list[Message]:
        """Return what hangs below a message."""
        return [
            one
            for one in self.messages(message.channel)
            if one.thread_ts == message.ts and one is not message and not one.ephemeral_to
        ]

    def for_page(self, message: Message) -> Json:
        """Return a message as the page gets it."""
        shown = message.model_dump(exclude={"ephemeral_to", "agent_status"})
        shown["ephemeral"] = message.ephemeral_to is not None
        has_replies = message.thread_ts == message.ts
        shown["reply_count"] = len(self.replies(message)) if has_replies else 0
        shown["files"] = [
            {**file.model_dump(), "url": f"/local/files/{file.id}"} for file in message.files
        ]
        return shown

    def visible_to(self, person: str) -> dict[str, list[Json]]:
        """Return all messages that a person sees, by channel, as the page gets them."""
        return {
            channel.id: [
                self.for_page(message)
                for message in self.messages(channel.id)
                if message.ephemeral_to in {None, person}
            ]
            for channel in self.channels_of(person)
        }

    def _show(self, message: Message, kind: str) -> None:
        self._tell(message, {"type": kind, "message": self.for_page(message)})

    def _tell(self, message: Message, event: Json) -> None:
        channel = self.channel(message.channel)
        owner = channel.person if channel else None
        self._feed.push(event, person=message.ephemeral_to or owner)

    # --- views ----------------------------------------------------------------------------------

    def views(self, person: str) -> list[Json]:
        """Return a person's stack of open modals, the last on top."""
        return self.data.views.setdefault(person, [])

    def view(self, view_id: object) -> tuple[str, Json] | None:
        """Return whose view it is and the view, a modal or a Home tab."""
        for owner, stack in self.data.views.items():
            for view in stack:
                if view_id in {view["id"], view.get("external_id")}:
                    return owner, view
        homes = self.data.homes.items()
        return next(((owner, home) for owner, home in homes if home["id"] == view_id), None)

    def push_view(self, person: str, view: Json) -> None:
        """Open a modal on top of the others."""
        self.views(person).append(view)
        self._feed.push({"type": "view_opened", "view": view}, person=person)
        self.save_soon()

    def replace_view(self, person: str, old: Json, view: Json) -> None:
        """Show another content in an open modal."""
        stack = self.views(person)
        stack[stack.index(old)] = view
        self._feed.push({"type": "view_updated", "view": view}, person=person)
        self.save_soon()

    def drop_view(self, person: str, view: Json) -> None:
        """Close a modal."""
        self.views(person).remove(view)
        self._feed.push({"type": "view_closed", "view_id": view["id"]}, person=person)
        self.save_soon()

    def publish_home(self, person: str, view: Json) -> None:
        """Show a person's Home tab."""
        self.data.homes[person] = view
        self._feed.push({"type": "home", "view": view}, person=person)
        self.save_soon()

    # --- files and disk -------------------------------------------------------------------------

    def file_path(self, file_id: str) -> Path:
        """Return where a file's content lies, whether or not it is there."""
        return self._files / Path(file_id).name

    def _forget_files(self, message: Message) -> None:
        for file in message.files:
            self.file_path(file.id).unlink(missing_ok=True)

    def save_soon(self) -> None:
        """Write the state within 0.2 s, once for all changes until then."""
        if self._saving is None or self._saving.done():
            self._saving = asyncio.get_running_loop().create_task(self._save_later())

    async def _save_later(self) -> None:
        await asyncio.sleep(_SAVE_EVERY_SECONDS)
        self.save()

    def save(self) -> None:
        """Write the state now, whole or not at all; only its owner may read it."""
        partial = self._path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(self.data.model_dump_json())
        partial.replace(self._path)

    async def close(self) -> None:
        """Write what was not written yet."""
        if self._saving is not None:
            self._saving.cancel()
            await asyncio.gather(self._saving, return_exceptions=True)
        self.save()

    def _load(self) -> Workspace | None:
        if not self._path.exists():
            return None
        try:
            return Workspace.model_validate_json(self._path.read_bytes())
        except ValidationError:
            self._path.replace(self._path.with_suffix(".json.broken"))
            return None
