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
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "files.completeUploadExternal": {"files:write"},
    "files.getUploadURLExternal": {"files:write"},
    "users.info": {"users:read"},
}
_AGENT_SCOPE = "assistant:write"  # what an app with the agent view has
_STATUSES = frozenset({"active", "closed", "processing", "suspended"})
LONGEST_FILE = 10 * 1024 * 1024
_APP_METHODS = frozenset({"apps.connections.open"})


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
            "apps.connections.open": self._connections_open,
            "auth.test": self._auth_test,
            "bots.info": self._bots_info,
            "chat.postEphemeral": self._post_ephemeral,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "files.completeUploadExternal": self._complete_upload,
            "files.getUploadURLExternal": self._upload_url,
            "users.info": self._user_info,
            "views.open": self._open_view,
            "views.publish": self._publish,
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

    def _user_info(self, args: Json) -> Json:
        data = self._store.data
        if args.get("user") == data.bot_user_id:
            return {"user": payloads.bot_user(data)}
        person = self._store.person(args.get("user"))
        if person is None:
            raise ApiError("user_not_found")
        return {"user": payloads.user(data, person)}

    def _channel(self, args: Json) -> Channel:
        channel = self._store.channel(args.get("channel") or "")
        if channel is None:
            raise ApiError("channel_not_found")
        return channel

    # --- messages -------------------------------------------------------------------------------

    def _own(self, args: Json) -> Message:
        message = self._store.message(self._channel(args).id, args.get("ts"))
        if message is None or message.ephemeral_to:
            raise ApiError("message_not_found")
        if not message.bot:
            raise ApiError("cant_update_message")
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
        message = self._own(args)
        message.text, message.blocks = self._written(args, update=True)
        message.edited = message.edited or not message.blocks
        self._store.changed(message)
        return self._sent(message)

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
        self._store.push_view(self._hooks.pull(args.get("trigger_id")), view)
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


def _unknown(_args: Json) -> Json:
    raise ApiError("unknown_method")
