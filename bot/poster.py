"""Calls that put messages into Slack, at Slack's pace, and what Slack's refusals mean."""

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook import WebhookResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.blocks.message import Message
from bot.pace import Bucket, Lane, Later

POSTS_A_SECOND = 1.0  # Slack's limit for each channel
POST_BURST = 4
UPDATES_A_SECOND = 50 / 60  # Slack's limit for a whole workspace
UPDATE_BURST = 12
UPLOADS_A_SECOND = 20 / 60  # and this, for a file and all that leads to it
UPLOAD_BURST = 4
CALLS_A_SECOND = 100 / 60  # and this, for each method that is made for one person
CALL_BURST = 20
_DEFAULT_WAIT = 30.0
_MARGIN = 0.2  # clocks and networks differ: rather a little late than too early
_TOO_MANY = 429
_SERVER_FAULT = 500
_OK = 200
_RESPONSE = "response_url"
_RESPONSE_SECONDS = 10

_Answer = TypeVar("_Answer")


class Refusal(Enum):
    """What it means that Slack said no."""

    GONE = "the message is not there any more, or may not be changed any more"
    UNFIT = "Slack does not take the message as it is"
    BARRED = "a person must change something in Slack first"


class SlackRefused(Exception):
    """Slack said no, and will say no again until something else changes."""

    def __init__(self, error: str, meaning: Refusal) -> None:
        super().__init__(f"{error}: {meaning.value}")
        self.error = error
        self.meaning = meaning


class Unanswered(Exception):
    """Slack is out of order or out of reach; whether the call took effect is not known."""


_MEANING = {
    **dict.fromkeys(
        ("cant_update_message", "edit_window_closed", "message_not_found"), Refusal.GONE
    ),
    **dict.fromkeys(
        (
            "invalid_arguments",
            "invalid_blocks",
            "invalid_blocks_format",
            "msg_blocks_too_long",
            "msg_too_long",
            "no_text",
        ),
        Refusal.UNFIT,
    ),
}
_THREAD_GONE = {
    "cannot_reply_to_message",
    "invalid_thread_ts",
    "message_not_found",
    "thread_not_found",
}
_OUT_OF_ORDER = {
    "fatal_error",
    "internal_error",
    "request_timeout",
    "service_unavailable",
}


NOT_SENT = (Later, SlackRefused, Unanswered)
"""All that a call of `Poster` raises."""


class Poster:
    """Everything that is put into Slack: each method, and posts in each channel, at its own pace.

    One of them is shared by all who post, so that nobody calls before Slack allows it.
    """

    def __init__(self, client: AsyncWebClient) -> None:
        """Take a client without retries of its own: it would call while a lane is closed."""
        self._client = client
        self._lanes: dict[tuple[str, str], Lane] = {}
        # Slack counts these by workspace, so their lanes share a limit and its waits.
        self._shared = {
            "chat.update": Bucket(UPDATES_A_SECOND, UPDATE_BURST),
            "agents.sessions.setStatus": Bucket(UPDATES_A_SECOND, UPDATE_BURST),
            "files": Bucket(UPLOADS_A_SECOND, UPLOAD_BURST),
            "chat.postEphemeral": Bucket(CALLS_A_SECOND, CALL_BURST),
            "views.open": Bucket(CALLS_A_SECOND, CALL_BURST),
            "views.publish": Bucket(CALLS_A_SECOND, CALL_BURST),
            _RESPONSE: Bucket(CALLS_A_SECOND, CALL_BURST),
        }

    async def post(self, channel: str, thread: str | None, message: Message) -> str:
        """Post a message, outside the thread if that is gone; return its time stamp.

        Raises:
            Later: not now; nothing was sent.
            SlackRefused: Slack said no.
            Unanswered: nobody knows whether it was posted.
        """
        try:
            return await self._post(channel, thread, message)
        except SlackRefused as refusal:
            if thread is None or refusal.error not in _THREAD_GONE:
                raise
            return await self._post(channel, None, message)

    async def _post(self, channel: str, thread: str | None, message: Message) -> str:
        answer = await self._call(
            "chat.postMessage",
            channel,
            lambda: self._client.chat_postMessage(
                channel=channel,
                thread_ts=thread,
                text=message.text,
                blocks=list(message.blocks) or None,
                unfurl_links=False,
                unfurl_media=False,
            ),
        )
        return str(answer["ts"])

    async def update(self, channel: str, ts: str, message: Message) -> None:
        """Let a message show something else.

        Raises:
            Later: not now; nothing was sent.
            SlackRefused: Slack said no.
            Unanswered: nobody knows whether it was changed.
        """
        await self._call(
            "chat.update",
            channel,
            lambda: self._client.chat_update(
                channel=channel, ts=ts, text=message.text, blocks=list(message.blocks)
            ),
        )

    async def upload(
        self, channel: str, thread: str | None, *, name: str, title: str, text: str
    ) -> None:
        """Share a text as a file.

        Raises:
            Later: not now; nothing was sent.
            SlackRefused: Slack said no, mostly since the scope `files:write` is missing.
            Unanswered: nobody knows whether it was shared.
        """
        await self._call(
            "files",
            channel,
            lambda: self._client.files_upload_v2(
                channel=channel, thread_ts=thread, filename=name, title=title, content=text
            ),
        )

    async def whisper(
        self, channel: str, thread: str | None, person: str, message: Message
    ) -> None:
        """Show a message to one person in a channel, and to nobody else.

        Raises:
            Later: not now; nothing was sent.
            SlackRefused: Slack said no, mostly since one of them is not in the channel.
            Unanswered: nobody knows whether it was shown.
        """
        await self._call(
            "chat.postEphemeral",
            channel,
            lambda: self._client.chat_postEphemeral(
                channel=channel,
                user=person,
                thread_ts=thread,
                text=message.text,
                blocks=list(message.blocks) or None,
            ),
        )

    async def respond(self, response_url: str, message: Message) -> None:
        """Answer what somebody did, to them alone, at the address that came with it.

        Raises:
            Later: not now; nothing was sent.
            SlackRefused: the address is used up.
            Unanswered: nobody knows whether it was shown.
        """
        hook = AsyncWebhookClient(
            response_url, timeout=_RESPONSE_SECONDS, session=self._client.session, retry_handlers=[]
        )
        fields = {"response_type": "ephemeral", "replace_original": False, "text": message.text}
        blocks = {"blocks": list(message.blocks)} if message.blocks else {}

        async def send() -> None:
            answer = await hook.send_dict(fields | blocks)
            if answer.status_code != _OK:
                raise SlackApiError("response_url", answer)  # type: ignore[no-untyped-call]

        # Each address is used for one answer, so nobody waits for another one's.
        await self._called(Lane(self._shared[_RESPONSE]), send)

    async def open_view(self, trigger_id: str, view: dict[str, Any]) -> None:
        """Open a dialog for whoever has just clicked.

        Raises:
            Later: not now; nothing was sent.
            SlackRefused: Slack said no, mostly since the click was too long ago.
            Unanswered: nobody knows whether it is open.
        """
        await self._call(
            "views.open",
            "",
            lambda: self._client.views_open(trigger_id=trigger_id, view=view),
        )

    async def publish(self, person: str, view: dict[str, Any]) -> None:
        """Let somebody's Home tab show this.

        Raises:
            Later: not now; nothing was sent.
            SlackRefused: Slack said no.
            Unanswered: nobody knows whether it is shown.
        """
        await self._call(
            "views.publish", "", lambda: self._client.views_publish(user_id=person, view=view)
        )

    async def session(self, channel: str, thread: str, status: str) -> None:
        """Let Slack show where the agent stands with a thread.

        Raises:
            Later: not now; nothing was sent.
            SlackRefused: Slack said no, mostly since the app is no agent.
            Unanswered: nobody knows whether it is shown.
        """
        await self._call(
            "agents.sessions.setStatus",
            channel,
            lambda: self._client.agents_sessions_setStatus(
                channel_id=channel, thread_ts=thread, status=status
            ),
        )

    def _lane(self, method: str, channel: str) -> Lane:
        lane = self._lanes.get((method, channel))
        if lane is None:
            bucket = self._shared.get(method) or Bucket(POSTS_A_SECOND, POST_BURST)
            lane = self._lanes[method, channel] = Lane(bucket)
        return lane

    async def _call(
        self, method: str, channel: str, send: Callable[[], Awaitable[_Answer]]
    ) -> _Answer:
        return await self._called(self._lane(method, channel), send)

    async def _called(self, lane: Lane, send: Callable[[], Awaitable[_Answer]]) -> _Answer:
        async with lane.turn():
            try:
                return await send()
            except SlackApiError as fault:
                raise _meant(fault, lane) from fault
            except (SlackClientError, aiohttp.ClientError, OSError) as fault:
                raise Unanswered(f"{type(fault).__name__}: {fault}") from fault


def _meant(fault: SlackApiError, lane: Lane) -> Exception:
    response: Any = fault.response
    status = getattr(response, "status_code", getattr(response, "status", 0))
    error = _error_of(response)
    if status == _TOO_MANY or error in {"ratelimited", "rate_limited"}:
        seconds = _retry_after(response) + _MARGIN
        lane.close(seconds)
        return Later(seconds)
    if isinstance(response, WebhookResponse) and status < _SERVER_FAULT:
        return SlackRefused(f"status {status}", Refusal.BARRED)
    if status >= _SERVER_FAULT or error in _OUT_OF_ORDER or not error:
        return Unanswered(f"status {status} {error}".strip())
    return SlackRefused(error, _MEANING.get(error, Refusal.BARRED))


def _error_of(response: Any) -> str:  # noqa: ANN401 - the SDK gives its own answer or aiohttp's
    data = getattr(response, "data", None)
    return str(data.get("error") or "") if isinstance(data, dict) else ""


def _retry_after(response: Any) -> float:  # noqa: ANN401 - as above
    headers = {key.lower(): value for key, value in (response.headers or {}).items()}
    try:
        return max(0.0, float(headers["retry-after"]))
    except (KeyError, ValueError):
        return _DEFAULT_WAIT
