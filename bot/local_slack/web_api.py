"""The Web API: the methods that the bot uses, refusing what Slack refuses."""

import secrets
from collections.abc import Callable
from typing import Any

from bot.local_slack import elements, payloads
from bot.local_slack.actions import Actions
from bot.local_slack.hooks import ApiError, Hooks
from bot.local_slack.sockets import Sockets
from bot.local_slack.state import Channel, File, Message, Store
from bot.local_slack.validation import message_problems

Json = dict[str, Any]
Method = Callable[[Json], Json]

# The scopes of `manifest.yml`; other methods answer `missing_scope`, as they would with it.
DEFAULT_SCOPES = frozenset(
    {"app_mentions:read", "chat:write", "commands", "files:write", "im:history", "users:read"}
)
_NEEDED = {
    "agents.sessions.setStatus": {"chat:write"},
    "bots.info": {"users:read"},
    "chat.delete": {"chat:write"},
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.history": {"channels:history", "im:history"},
    "conversations.info": {"channels:read", "im:read"},
    "conversations.list": {"channels:read", "im:read"},
    "conversations.open": {"im:write"},
    "conversations.replies": {"channels:history", "im:history"},
    "files.completeUploadExternal": {"files:write"},
    "files.getUploadURLExternal": {"files:write"},
    "reactions.add": {"reactions:write"},
    "team.info": {"team:read"},
    "users.info": {"users:read"},
    "users.list": {"users:read"},
}
_AGENT_SCOPE = "assistant:write"  # what an app with the agent view has
_STATUSES = frozenset({"active", "closed", "processing", "suspended"})
LONGEST_FILE = 10 * 1024 * 1024
_MOST_VIEWS = 3
_APP_METHODS = frozenset({"apps.connections.open"})
_FREE_METHODS = frozenset({"api.test"})


class WebApi:
    """Answers calls by the method's name.

    Args:
        store: the workspace.
        sockets: whose tickets `apps.connections.open` gives out.
        hooks: trigger ids.
        actions: which keeps views as Slack does.
        scopes: what the bot's token may do; one of those that a method needs is enough.
    """

    def __init__(
        self,
        store: Store,
        sockets: Sockets,
        hooks: Hooks,
        actions: Actions,
        *,
        scopes: frozenset[str],
    ) -> None:
        self._scopes = scopes
        self._store = store
        self._sockets = sockets
        self._hooks = hooks
        self._actions = actions
        self._uploads: dict[str, File] = {}
        self._methods: dict[str, Method] = {
            "agents.sessions.setStatus": self._set_status,
            "api.test": lambda args: {"args": args},
            "apps.connections.open": self._connections_open,
            "auth.test": self._auth_test,
            "bots.info": self._bots_info,
            "chat.delete": self._delete,
            "chat.getPermalink": self._permalink,
            "chat.postEphemeral": self._post_ephemeral,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.history": self._history,
            "conversations.info": lambda args: {"channel": self._shown(self._channel(args))},
            "conversations.list": self._channels,
            "conversations.open": self._open_dm,
            "conversations.replies": self._replies,
            "files.completeUploadExternal": self._complete_upload,
            "files.getUploadURLExternal": self._upload_url,
            "reactions.add": self._react,
            "team.info": self._team_info,
            "users.info": self._user_info,
            "users.list": self._users,
            "views.open": self._open_view,
            "views.publish": self._publish,
            "views.push": self._open_view,
            "views.update": self._update_view,
        }

    def call(self, method: str, token: str, args: Json) -> Json:
        """Carry out a method and return what it answers, `ok` included."""
        try:
            self._check_token(method, token)
            known = self._methods.get(method, _unknown)
            return {"ok": True, **known(args)}
        except ApiError as error:
            answer: Json = {"ok": False, "error": error.code}
            if error.messages:
                answer["response_metadata"] = {"messages": list(error.messages)}
            return answer
        except ValueError:  # such as a number that is none
            return {"ok": False, "error": "invalid_arguments"}

    def upload(self, file_id: str, content: bytes) -> bool:
        """Take the content of an announced file; tell whether it is as announced."""
        file = self._uploads.get(file_id)
        if file is None or len(content) != file.size:
            return False
        self._store.file_path(file_id).write_bytes(content)
        return True

    def _check_token(self, method: str, token: str) -> None:
        data = self._store.data
        if method in _FREE_METHODS:
            return
        if not token:
            raise ApiError("not_authed")
        if token not in {data.bot_token, data.app_token}:
            raise ApiError("invalid_auth")
        if (method in _APP_METHODS) is not (token == data.app_token):
            raise ApiError("not_allowed_token_type")
        needed = _NEEDED.get(method)
        if needed and not needed & self._scopes:
            raise ApiError("missing_scope", (f"needs {' or '.join(sorted(needed))}",))

    # --- who and where --------------------------------------------------------------------------

    def _connections_open(self, _args: Json) -> Json:
        address = self._hooks.address.replace("http", "ws", 1)
        return {"url": f"{address}/slack/socket/{self._sockets.ticket()}"}

    def _auth_test(self, _args: Json) -> Json:
        data = self._store.data
        return {
            "url": f"{self._hooks.address}/",
            "team": data.team_name,
            "user": data.bot_name,
            "team_id": data.team_id,
            "user_id": data.bot_user_id,
            "bot_id": data.bot_id,
            "is_enterprise_install": False,
        }

    def _bots_info(self, args: Json) -> Json:
        data = self._store.data
        if args.get("bot", data.bot_id) != data.bot_id:
            raise ApiError("bot_not_found")
        bot = {"id": data.bot_id, "app_id": data.app_id, "user_id": data.bot_user_id}
        return {"bot": {**bot, "name": data.bot_name, "deleted": False}}

    def _team_info(self, _args: Json) -> Json:
        data = self._store.data
        return {"team": {"id": data.team_id, "name": data.team_name, "domain": "local"}}

    def _user_info(self, args: Json) -> Json:
        data = self._store.data
        if args.get("user") == data.bot_user_id:
            return {"user": payloads.bot_user(data)}
        person = self._store.person(args.get("user"))
        if person is None:
            raise ApiError("user_not_found")
        return {"user": payloads.user(data, person)}

    def _users(self, _args: Json) -> Json:
        data = self._store.data
        people = [payloads.user(data, person) for person in data.people]
        return {"members": [*people, payloads.bot_user(data)], **_LAST_PAGE}

    def _channel(self, args: Json) -> Channel:
        channel = self._store.channel(args.get("channel") or "")
        if channel is None:
            raise ApiError("channel_not_found")
        return channel

    def _shown(self, channel: Channel) -> Json:
        if channel.kind == "dm":
            return {"id": channel.id, "is_im": True, "user": channel.person}
        return {
            "id": channel.id,
            "name": channel.name,
            "is_channel": True,
            "is_im": False,
            "is_private": False,
            "is_archived": False,
            "is_member": True,
            "topic": {"value": channel.topic},
        }

    def _channels(self, args: Json) -> Json:
        kinds = str(args.get("types") or "public_channel").split(",")
        wanted = {"dm": "im" in kinds, "channel": "public_channel" in kinds}
        found = [self._shown(c) for c in self._store.data.channels if wanted[c.kind]]
        return {"channels": found, **_LAST_PAGE}

    def _open_dm(self, args: Json) -> Json:
        users = args.get("users") or ""
        person = users[0] if isinstance(users, list) and users else users
        if self._store.person(person) is None:
            raise ApiError("user_not_found" if person else "users_list_not_supplied")
        return {"channel": self._shown(self._channel({"channel": person}))}

    # --- messages -------------------------------------------------------------------------------

    def _message(self, args: Json, key: str = "ts") -> Message:
        message = self._store.message(self._channel(args).id, args.get(key))
        if message is None or message.ephemeral_to:
            raise ApiError("message_not_found")
        return message

    def _own(self, args: Json, refusal: str) -> Message:
        message = self._message(args)
        if not message.bot:
            raise ApiError(refusal)
        return message

    def _thread(self, channel: Channel, thread_ts: object) -> str | None:
        if not thread_ts:
            return None
        parent = self._store.message(channel.id, thread_ts)
        if parent is None:
            raise ApiError("thread_not_found")
        return parent.root

    def _written(self, args: Json, *, update: bool = False) -> tuple[str, list[Json]]:
        if problems := message_problems(args, update=update):
            raise ApiError(problems[0].code, tuple(map(str, problems)))
        return args.get("text") or "", elements.with_ids(args.get("blocks") or [])

    def _new(self, args: Json, **fields: Any) -> Message:  # noqa: ANN401 -- of Message
        channel = self._channel(args)
        text, blocks = self._written(args)
        return self._store.post(
            Message(
                channel=channel.id,
                ts=self._store.next_ts(),
                user=self._store.data.bot_user_id,
                bot=True,
                text=text,
                blocks=blocks,
                thread_ts=self._thread(channel, args.get("thread_ts")),
                metadata=args.get("metadata"),
                **fields,
            )
        )

    def _sent(self, message: Message) -> Json:
        shown = payloads.message(self._store.data, message)
        return {
            "channel": message.channel,
            "ts": message.ts,
            "text": message.text,
            "message": shown,
        }

    def _post(self, args: Json) -> Json:
        return self._sent(self._new(args))

    def _post_ephemeral(self, args: Json) -> Json:
        person = self._store.person(args.get("user"))
        if person is None or self._channel(args).person not in {None, person.id}:
            raise ApiError("user_not_in_channel")
        return {"message_ts": self._new(args, ephemeral_to=person.id).ts}

    def _update(self, args: Json) -> Json:
        message = self._own(args, "cant_update_message")
        message.text, message.blocks = self._written(args, update=True)
        message.edited = message.edited or not message.blocks
        message.metadata = args.get("metadata", message.metadata)
        self._store.changed(message)
        return self._sent(message)

    def _delete(self, args: Json) -> Json:
        message = self._own(args, "cant_delete_message")
        self._store.delete(message)
        return {"channel": message.channel, "ts": message.ts}

    def _permalink(self, args: Json) -> Json:
        message = self._message(args, "message_ts")
        place = f"channel={message.channel}&ts={message.ts}"
        return {
            "channel": message.channel,
            "permalink": f"{self._hooks.address}/?{place}",
        }

    def _history(self, args: Json) -> Json:
        found = [
            message
            for message in reversed(self._store.messages(self._channel(args).id))
            if message.ephemeral_to is None and message.root == message.ts
        ]
        return self._page(found, args)

    def _replies(self, args: Json) -> Json:
        parent = self._message(args)
        return self._page([parent, *self._store.replies(parent)], args)

    def _page(self, found: list[Message], args: Json) -> Json:
        most = int(args.get("limit") or 100)
        shown = [payloads.message(self._store.data, message) for message in found[:most]]
        return {"messages": shown, "has_more": len(found) > most}

    def _react(self, args: Json) -> Json:
        message = self._message(args, "timestamp")
        name = str(args.get("name") or "")
        if not name:
            raise ApiError("no_reaction")
        if name in message.reactions:
            raise ApiError("already_reacted")
        message.reactions[name] = 1
        self._store.changed(message)
        return {}

    def _set_status(self, args: Json) -> Json:
        if _AGENT_SCOPE not in self._scopes:
            raise ApiError("not_an_agent")
        if args.get("status") not in _STATUSES:
            raise ApiError("invalid_arguments")
        parent = self._store.message(
            self._channel({"channel": args.get("channel_id")}).id, args.get("thread_ts")
        )
        if parent is None:
            raise ApiError("thread_not_found")
        parent.agent_status = args["status"]
        self._store.save_soon()
        return {"status": args["status"], "agent_status": args["status"]}

    # --- files ----------------------------------------------------------------------------------

    def _upload_url(self, args: Json) -> Json:
        size = int(args.get("length") or 0)
        if not args.get("filename") or not 0 < size <= LONGEST_FILE:
            raise ApiError("invalid_arguments")
        file = File(id=f"F{secrets.token_hex(5).upper()}", name=args["filename"], size=size)
        self._uploads[file.id] = file
        return {
            "file_id": file.id,
            "upload_url": f"{self._hooks.address}/slack/upload/{file.id}",
        }

    def _complete_upload(self, args: Json) -> Json:
        files = [self._uploaded(given) for given in args.get("files") or ()]
        if not files:
            raise ApiError("invalid_arguments")
        if args.get("channel_id"):
            channel = self._channel({"channel": args["channel_id"]})
            message = Message(
                channel=channel.id,
                ts=self._store.next_ts(),
                user=self._store.data.bot_user_id,
                bot=True,
                text=args.get("initial_comment") or "",
                thread_ts=self._thread(channel, args.get("thread_ts")),
                files=files,
            )
            self._store.post(message)
        for file in files:
            del self._uploads[file.id]
        return {"files": [file.model_dump() for file in files]}

    def _uploaded(self, given: Json) -> File:
        file = self._uploads.get(given.get("id", ""))
        if file is None or not self._store.file_path(file.id).exists():
            raise ApiError("file_not_found")
        return file.model_copy(update={"title": given.get("title") or file.name})

    # --- views ----------------------------------------------------------------------------------

    def _open_view(self, args: Json) -> Json:
        view = self._actions.view_of(args.get("view") or {})
        person = self._hooks.pull(args.get("trigger_id"))
        stack = self._store.views(person)
        if len(stack) >= _MOST_VIEWS:
            raise ApiError("push_limit_reached")
        if stack:
            view |= {"root_view_id": stack[0]["id"], "previous_view_id": stack[-1]["id"]}
        self._store.push_view(person, view)
        return {"view": view}

    def _update_view(self, args: Json) -> Json:
        found = self._store.view(args.get("view_id") or args.get("external_id") or "?")
        if found is None or found[1]["type"] == "home":
            raise ApiError("not_found")
        person, old = found
        if args.get("hash") not in {None, old["hash"]}:
            raise ApiError("hash_conflict")
        view = self._actions.view_of(args.get("view") or {}, old["id"])
        self._store.replace_view(person, old, view)
        return {"view": view}

    def _publish(self, args: Json) -> Json:
        person = self._store.person(args.get("user_id"))
        if person is None:
            raise ApiError("user_not_found")
        old = self._store.data.homes.get(person.id, {})
        if args.get("hash") not in {None, old.get("hash")}:
            raise ApiError("hash_conflict")
        view = self._actions.view_of(args.get("view") or {}, old.get("id", ""))
        self._store.publish_home(person.id, view)
        return {"view": view}


_LAST_PAGE: Json = {"response_metadata": {"next_cursor": ""}}


def _unknown(_args: Json) -> Json:
    raise ApiError("unknown_method")
