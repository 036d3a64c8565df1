"""The payloads of Slack, shaped as the real ones."""

import html
import re
import secrets
import time
from typing import Any

from bot.local_slack.state import Channel, Message, Person, Workspace

Json = dict[str, Any]

_TOKENS = re.compile(
    r"(?P<url>https?://[^\s<>|]+[^\s<>|.,;:!?)])"
    r"|(?P<mail>[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|(?<![\w@])@(?P<person>[A-Za-z0-9_-]+)"
    r"|(?<![\w#])\#(?P<channel>[A-Za-z0-9_-]+)"
)


def as_typed(text: str, workspace: Workspace) -> str:
    """Return what Slack makes of text that somebody typed: escaped, with links and mentions."""

    def token(found: re.Match[str]) -> str:
        if found["url"]:
            return f"<{found['url']}>"
        if found["mail"]:
            return f"<mailto:{found['mail']}|{found['mail']}>"
        return _mention(found, workspace)

    return _TOKENS.sub(token, html.escape(text, quote=False))


def _mention(found: re.Match[str], workspace: Workspace) -> str:
    names: dict[str, str] = {person.name: person.id for person in workspace.people}
    names[workspace.bot_name] = workspace.bot_user_id
    if found["person"]:
        user = names.get(found["person"].lower())
        return f"<@{user}>" if user else found[0]
    channels = {c.name: c.id for c in workspace.channels if c.kind == "channel"}
    channel = channels.get(found["channel"].lower())
    return f"<#{channel}|{found['channel'].lower()}>" if channel else found[0]


def event(workspace: Workspace, inner: Json) -> Json:
    """Return the outer part of an event."""
    return {
        "token": "local",
        "team_id": workspace.team_id,
        "context_team_id": workspace.team_id,
        "context_enterprise_id": None,
        "api_app_id": workspace.app_id,
        "event": inner,
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}",
        "event_time": int(time.time()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": workspace.team_id,
                "user_id": workspace.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": secrets.token_hex(16),
    }


def said(workspace: Workspace, message: Message, channel: Channel, parent: Message | None) -> Json:
    """Return the inner event of type `message` about what a person said."""
    inner: Json = {
        "type": "message",
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "client_msg_id": secrets.token_hex(16),
        "team": workspace.team_id,
        "channel": channel.id,
        "channel_type": "im" if channel.kind == "dm" else "channel",
        "event_ts": message.ts,
    }
    if parent:
        inner |= {"thread_ts": message.thread_ts, "parent_user_id": parent.user}
    return inner


def mentioned(inner: Json) -> Json:
    """Return the inner event `app_mention` of the same message."""
    left_out = {"channel_type", "parent_user_id"}
    kept = {key: value for key, value in inner.items() if key not in left_out}
    return {**kept, "type": "app_mention"}


def message(workspace: Workspace, kept: Message) -> Json:
    """Return a message as the Web API and interactions show it."""
    shown: Json = {
        "type": "message",
        "user": kept.user,
        "ts": kept.ts,
        "text": kept.text,
        "team": workspace.team_id,
    }
    if kept.bot:
        shown |= {"bot_id": workspace.bot_id, "app_id": workspace.app_id}
    if kept.blocks:
        shown["blocks"] = kept.blocks
    if kept.thread_ts:
        shown["thread_ts"] = kept.thread_ts
    if kept.edited:
        shown["edited"] = {"user": kept.user, "ts": kept.ts}
    if kept.files:
        shown["files"] = [file.model_dump() for file in kept.files]
    return shown


def interaction(workspace: Workspace, kind: str, person: Person, trigger_id: str) -> Json:
    """Return what all interactive payloads begin with."""
    return {
        "type": kind,
        "team": {"id": workspace.team_id, "domain": "local"},
        "user": {
            "id": person.id,
            "username": person.name,
            "name": person.name,
            "team_id": workspace.team_id,
        },
        "api_app_id": workspace.app_id,
        "token": "local",
        "trigger_id": trigger_id,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def place(channel: Channel) -> Json:
    """Return a channel as interactions name it."""
    name = "directmessage" if channel.kind == "dm" else channel.name
    return {"id": channel.id, "name": name}


def container(kept: Message) -> Json:
    """Return where the clicked element stands: in this message."""
    found: Json = {
        "type": "message",
        "message_ts": kept.ts,
        "channel_id": kept.channel,
        "is_ephemeral": kept.ephemeral_to is not None,
    }
    return found | ({"thread_ts": kept.thread_ts} if kept.thread_ts else {})


def command(workspace: Workspace, person: Person, channel: Channel, typed: str) -> Json:
    """Return the fields of a slash command, save its hooks."""
    word, _, rest = typed.strip().partition(" ")
    return {
        "token": "local",
        "team_id": workspace.team_id,
        "team_domain": "local",
        "channel_id": channel.id,
        "channel_name": place(channel)["name"],
        "user_id": person.id,
        "user_name": person.name,
        "command": word,
        "text": html.escape(rest.strip(), quote=False),
        "api_app_id": workspace.app_id,
        "is_enterprise_install": "false",
    }


def user(workspace: Workspace, person: Person) -> Json:
    """Return a person as `users.info` does."""
    return {
        "id": person.id,
        "team_id": workspace.team_id,
        "name": person.name,
        "real_name": person.real_name,
        "deleted": False,
        "tz": "Europe/Berlin",
        "profile": {
            "real_name": person.real_name,
            "display_name": person.name,
            "title": person.title,
        },
        "is_admin": person.you,
        "is_owner": person.you,
        "is_restricted": person.restricted,
        "is_ultra_restricted": False,
        "is_bot": False,
        "is_app_user": False,
    }


def bot_user(workspace: Workspace) -> Json:
    """Return the bot's user as `users.info` does."""
    name = workspace.bot_name
    bot = Person(id=workspace.bot_user_id, name=name, real_name=name.capitalize())
    return user(workspace, bot) | {"is_bot": True}


def view(workspace: Workspace, content: Json, view_id: str) -> Json:
    """Return a view as Slack keeps it, from what the app sent."""
    defaults: Json = {
        "callback_id": "",
        "private_metadata": "",
        "external_id": "",
        "title": {"type": "plain_text", "text": "View"},
        "submit": None,
        "close": None,
        "clear_on_close": False,
        "notify_on_close": False,
        "previous_view_id": None,
    }
    return {
        **defaults,
        **content,
        "id": view_id,
        "team_id": workspace.team_id,
        "app_id": workspace.app_id,
        "app_installed_team_id": workspace.team_id,
        "bot_id": workspace.bot_id,
        "root_view_id": content.get("root_view_id") or view_id,
        "state": {"values": {}},
        "hash": f"{int(time.time())}.{secrets.token_hex(4)}",
    }
