"""The Web API through the SDK's client: what it does, and what it refuses."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.bot.local_slack.conftest import ListeningApp, Served, card, modal, serve

ADA, BEN, HOMELAB = "U0ADA", "U0BEN", "C0HOMELAB"
Call = Callable[[AsyncWebClient], Awaitable[Any]]


async def error_of(call: Awaitable[Any]) -> str:
    """Return the error code that a call is refused with."""
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


async def test_the_bot_learns_who_and_where_it_is(served: Served, client: AsyncWebClient) -> None:
    me = await client.auth_test()

    assert (me["user_id"], me["team_id"]) == (served.slack.bot_user_id, served.slack.team_id)
    assert "chat:write" in me.headers["x-oauth-scopes"]


async def test_a_wrong_a_missing_and_the_other_token_are_refused(served: Served) -> None:
    wrong, none = served.client("xoxb-other"), served.client("")
    bot, app = served.client(), served.client(served.slack.app_token)

    assert await error_of(wrong.auth_test()) == "invalid_auth"
    assert await error_of(none.auth_test()) == "not_authed"
    assert await error_of(app.auth_test()) == "not_allowed_token_type"
    assert await error_of(bot.api_call("apps.connections.open")) == "not_allowed_token_type"


async def test_a_message_is_posted_and_changed(served: Served, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=HOMELAB, text="Plan 1", blocks=card())
    kept = served.slack.store.message(HOMELAB, posted["ts"])
    assert kept is not None
    assert [block["type"] for block in kept.blocks] == ["section", "actions"]
    assert all(block["block_id"] for block in kept.blocks)

    await client.chat_update(channel=HOMELAB, ts=posted["ts"], text="Plan 1", blocks=card()[:1])
    assert (len(kept.blocks), kept.edited) == (1, False)
    await client.chat_update(channel=HOMELAB, ts=posted["ts"], text="Gone")
    assert (kept.blocks, kept.text, kept.edited) == ([], "Gone", True)


async def test_a_status_is_taken_from_an_agent_alone(tmp_path: Path, served: Served) -> None:
    def status(where: Served, thread: str, said: str = "processing") -> Awaitable[Any]:
        client = where.client()
        return client.agents_sessions_setStatus(channel_id=HOMELAB, thread_ts=thread, status=said)

    assert await error_of(status(served, "1.1")) == "not_an_agent"
    agent = {"assistant:write", "chat:write"}
    async with serve(tmp_path / "agent", scopes=agent) as other:
        thread = (await other.client().chat_postMessage(channel=HOMELAB, text="x"))["ts"]
        assert (await status(other, thread))["agent_status"] == "processing"
        assert await error_of(status(other, "1.1")) == "thread_not_found"
        assert await error_of(status(other, thread, "busy")) == "invalid_arguments"


async def test_time_stamps_are_unique_and_grow(client: AsyncWebClient) -> None:
    stamps = [(await client.chat_postMessage(channel=HOMELAB, text="x"))["ts"] for _ in range(5)]

    assert stamps == sorted(set(stamps))


async def test_a_reply_hangs_below_the_message_that_began_the_thread(
    served: Served, client: AsyncWebClient
) -> None:
    root = (await client.chat_postMessage(channel=HOMELAB, text="root"))["ts"]
    reply = await client.chat_postMessage(channel=HOMELAB, text="one", thread_ts=root)
    deeper = await client.chat_postMessage(channel=HOMELAB, text="two", thread_ts=reply["ts"])

    parent = served.slack.store.message(HOMELAB, root)
    assert parent is not None
    assert deeper["message"]["thread_ts"] == root
    assert served.slack.store.for_page(parent)["reply_count"] == 2
    assert parent.thread_ts == root


async def test_an_id_of_a_person_stands_for_their_direct_messages(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=ADA, text="hello")

    assert posted["channel"] == "D0ADA"


REFUSED: dict[str, tuple[str, Call]] = {
    "method": ("unknown_method", lambda c: c.api_call("chat.sing")),
    "channel": ("channel_not_found", lambda c: c.chat_postMessage(channel="C9", text="x")),
    "message": (
        "message_not_found",
        lambda c: c.chat_update(channel=HOMELAB, ts="1.000001", text="x"),
    ),
    "thread": (
        "thread_not_found",
        lambda c: c.chat_postMessage(channel=HOMELAB, text="x", thread_ts="1.000001"),
    ),
    "nothing": ("no_text", lambda c: c.api_call("chat.postMessage", json={"channel": HOMELAB})),
    "text": (
        "msg_too_long",
        lambda c: c.chat_postMessage(channel=HOMELAB, text="x" * 40_001),
    ),
    "blocks": (
        "invalid_blocks",
        lambda c: c.chat_postMessage(channel=HOMELAB, text="x", blocks=[{"type": "chart"}]),
    ),
    "user": ("user_not_found", lambda c: c.users_info(user="U9")),
    "somebody else's direct messages": (
        "user_not_in_channel",
        lambda c: c.chat_postEphemeral(channel="D0ADA", user=BEN, text="x"),
    ),
    "a method that nobody here needs": ("unknown_method", lambda c: c.users_list()),
    "trigger": ("invalid_trigger_id", lambda c: c.views_open(trigger_id="9", view=modal())),
    "home": ("user_not_found", lambda c: c.views_publish(user_id="U9", view=modal())),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_slack_refuses_is_refused(name: str, client: AsyncWebClient) -> None:
    code, call = REFUSED[name]

    assert await error_of(call(client)) == code


async def test_a_refused_message_says_what_is_wrong_with_it(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel=HOMELAB, text="x", blocks=[{"type": "chart"}])

    messages = refused.value.response["response_metadata"]["messages"]
    assert "unsupported type: chart [json-pointer:/blocks/0/type]" in messages


async def test_what_a_person_said_is_not_the_bots_to_change(
    served: Served, client: AsyncWebClient
) -> None:
    said = await served.slack.say(ADA, HOMELAB, "mine")

    changing = client.chat_update(channel=HOMELAB, ts=said, text="yours")
    assert await error_of(changing) == "cant_update_message"


async def test_an_ephemeral_message_is_seen_by_one_person_and_cannot_be_updated(
    served: Served, client: AsyncWebClient
) -> None:
    told = await client.chat_postEphemeral(channel=HOMELAB, user=BEN, text="only you")

    seen = {
        person: [m["text"] for m in served.slack.store.visible_to(person)[HOMELAB]]
        for person in (ADA, BEN)
    }
    assert seen == {ADA: [], BEN: ["only you"]}
    changing = client.chat_update(channel=HOMELAB, ts=told["message_ts"], text="x")
    assert await error_of(changing) == "message_not_found"


async def test_people_are_described_guests_as_guests(client: AsyncWebClient) -> None:
    guest = (await client.users_info(user="U0GUS"))["user"]
    bot = (await client.users_info(user="U0CHIFFON"))["user"]

    assert (guest["is_restricted"], guest["real_name"]) == (True, "Gus Rey")
    assert (guest["is_bot"], bot["is_bot"]) == (False, True)


async def test_a_file_is_uploaded_into_a_thread(served: Served, client: AsyncWebClient) -> None:
    root = (await client.chat_postMessage(channel=HOMELAB, text="root"))["ts"]

    done = await client.files_upload_v2(
        channel=HOMELAB,
        thread_ts=root,
        filename="output.txt",
        content="line\n" * 1000,
        title="All of it",
        initial_comment="The output",
    )

    message = served.slack.store.messages(HOMELAB)[-1]
    assert (message.text, message.thread_ts) == ("The output", root)
    assert [file.title for file in message.files] == ["All of it"]
    content = served.slack.store.file_path(done["file"]["id"]).read_text()
    assert content == "line\n" * 1000


async def test_a_file_that_never_came_cannot_be_completed(client: AsyncWebClient) -> None:
    announced = await client.files_getUploadURLExternal(filename="a.txt", length=3)

    completing = client.files_completeUploadExternal(
        files=[{"id": announced["file_id"], "title": "a"}], channel_id=HOMELAB
    )
    assert await error_of(completing) == "file_not_found"


async def test_what_is_sent_as_a_form_is_read_too(served: Served) -> None:
    form = {"token": served.slack.bot_token, "channel": HOMELAB, "text": "x", "blocks": "[]"}
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{served.address}/slack/api/chat.postMessage", data=form)

    assert answer.json()["ok"] is True


async def test_without_its_scope_a_method_is_refused(tmp_path: Path) -> None:
    async with serve(tmp_path, scopes={"chat:write"}) as served:
        client = served.client()
        assert await error_of(client.users_info(user=ADA)) == "missing_scope"
        await client.chat_postMessage(channel=HOMELAB, text="x")


async def test_a_home_view_is_published_and_guarded_by_its_hash(
    served: Served, client: AsyncWebClient
) -> None:
    home = {"type": "home", "blocks": card()[:1]}
    first = (await client.views_publish(user_id=ADA, view=home))["view"]
    await client.views_publish(user_id=ADA, view=home, hash=first["hash"])

    late = client.views_publish(user_id=ADA, view=home, hash=first["hash"])
    assert await error_of(late) == "hash_conflict"
    assert served.slack.store.data.homes[ADA]["id"] == first["id"]


async def test_a_trigger_opens_one_view_within_three_seconds(
    served: Served, client: AsyncWebClient, app: ListeningApp
) -> None:
    await served.slack.command(ADA, HOMELAB, "/chiffon help")
    trigger = (await app.next()).payload["trigger_id"]
    await client.views_open(trigger_id=trigger, view=modal())
    again = client.views_open(trigger_id=trigger, view=modal())
    assert await error_of(again) == "exchanged_trigger_id"

    served.slack.faults.trigger_seconds = 0
    await served.slack.command(ADA, HOMELAB, "/chiffon help")
    late = (await app.next(2)).payload["trigger_id"]
    opening = client.views_open(trigger_id=late, view=modal())
    assert await error_of(opening) == "expired_trigger_id"


async def test_the_bot_is_described(client: AsyncWebClient) -> None:
    bot = (await client.bots_info(bot="B0CHIFFON"))["bot"]
    user = (await client.users_info(user=bot["user_id"]))["user"]

    assert (user["is_bot"], user["name"]) == (True, "chiffon")
    assert await error_of(client.bots_info(bot="B9")) == "bot_not_found"


async def test_a_body_that_is_no_json_is_refused(served: Served) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    async with httpx.AsyncClient(headers=headers) as http:
        answer = await http.post(f"{served.address}/slack/api/auth.test", content="{")

    assert answer.json() == {"ok": False, "error": "invalid_json"}


async def test_a_number_that_is_none_is_refused(client: AsyncWebClient) -> None:
    asking = client.api_call("files.getUploadURLExternal", params={"filename": "a", "length": "x"})

    assert await error_of(asking) == "invalid_arguments"


async def test_an_upload_must_be_as_long_as_announced(
    served: Served, client: AsyncWebClient
) -> None:
    announced = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    async with httpx.AsyncClient() as http:
        answer = await http.post(announced["upload_url"], content="four")

    assert answer.status_code == 400
    assert not served.slack.store.file_path(announced["file_id"]).exists()
