"""What people do arrives in Slack's shapes, and what the app answers is seen."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack.actions import ActionRefusedError
from tests.bot.local_slack.conftest import (
    ListeningApp,
    Served,
    button,
    card,
    listening,
    modal,
    serve,
)
from tests.plugins.waiting import until

ADA, BEN, HOMELAB, DIRECT = "U0ADA", "U0BEN", "C0HOMELAB", "D0ADA"
Json = dict[str, Any]


async def test_a_mention_in_a_channel_arrives_as_app_mention_only(
    served: Served, app: ListeningApp
) -> None:
    ts = await served.slack.say(ADA, HOMELAB, "@chiffon restart kuma")
    await served.slack.say(ADA, HOMELAB, "never mind")
    await served.slack.say(ADA, DIRECT, "the last")
    await app.next(2)

    mention = app.events[0]
    assert mention["type"] == "app_mention"
    assert mention["text"] == f"<@{served.slack.bot_user_id}> restart kuma"
    assert (mention["user"], mention["channel"], mention["ts"]) == (ADA, HOMELAB, ts)
    assert [event["type"] for event in app.events] == ["app_mention", "message"]
    assert app.events[1]["channel_type"] == "im"


async def test_both_kinds_of_event_can_be_had_for_a_mention(
    served: Served, app: ListeningApp
) -> None:
    served.slack.faults.both_kinds = True
    await served.slack.say(ADA, HOMELAB, "@chiffon restart kuma")
    await app.next(2)

    assert {event["type"] for event in app.events} == {"app_mention", "message"}
    assert len({event["ts"] for event in app.events}) == 1


async def test_every_message_of_a_history_channel_arrives(tmp_path: Path) -> None:
    async with (
        serve(tmp_path, history_channels=["#homelab"]) as served,
        listening(served) as app,
    ):
        await served.slack.say(ADA, "C0RANDOM", "restart kuma")
        await served.slack.say(ADA, HOMELAB, "restart kuma")
        await served.slack.say(ADA, DIRECT, "the last")
        await app.next(2)

    assert [event["channel_type"] for event in app.events] == ["channel", "im"]
    assert app.events[0]["channel"] == HOMELAB


async def test_a_reply_names_its_thread(served: Served, app: ListeningApp) -> None:
    root = await served.slack.say(ADA, DIRECT, "restart it")
    await served.slack.say(ADA, DIRECT, "kuma", thread=root)
    await app.next(2)
    reply = next(event for event in app.events if event["text"] == "kuma")

    assert (reply["thread_ts"], reply["parent_user_id"]) == (root, ADA)


async def test_typed_text_is_escaped_and_linked_as_slack_does(served: Served) -> None:
    typed = "a < b & c > d, @Ben and #random, see https://nas.local/x?a=1. <!channel> x@y.org"
    await served.slack.say(ADA, HOMELAB, typed)

    assert served.slack.store.messages(HOMELAB)[-1].text == (
        "a &lt; b &amp; c &gt; d, <@U0BEN> and <#C0RANDOM|random>, see <https://nas.local/x?a=1>."
        " &lt;!channel&gt; <mailto:x@y.org|x@y.org>"
    )


async def test_a_click_tells_who_clicked_what_where(
    served: Served, client: AsyncWebClient, app: ListeningApp
) -> None:
    root = await served.slack.say(ADA, HOMELAB, "root")
    posted = await client.chat_postMessage(
        channel=HOMELAB, text="card", blocks=card(), thread_ts=root
    )
    await served.slack.click(BEN, HOMELAB, posted["ts"], "decide", "approve")
    payload = (await app.next()).payload

    assert payload["type"] == "block_actions"
    assert (payload["user"]["id"], payload["user"]["team_id"]) == (BEN, served.slack.team_id)
    assert payload["container"] == {
        "type": "message",
        "message_ts": posted["ts"],
        "channel_id": HOMELAB,
        "is_ephemeral": False,
        "thread_ts": root,
    }
    assert payload["message"]["blocks"][1]["block_id"] == "decide"
    action = payload["actions"][0]
    assert (action["action_id"], action["block_id"]) == ("approve", "decide")
    assert (action["type"], action["value"]) == ("button", "v-approve")
    assert action["text"]["text"] == "Approve"
    assert payload["trigger_id"]
    assert payload["response_url"].startswith(f"{served.address}/slack/response/")


async def test_a_choice_carries_the_chosen_option(
    served: Served, client: AsyncWebClient, app: ListeningApp
) -> None:
    posted = await client.chat_postMessage(channel=HOMELAB, text="card", blocks=card())
    await served.slack.click(ADA, HOMELAB, posted["ts"], "decide", "menu", selected="nas")

    action = (await app.next()).payload["actions"][0]
    assert action["selected_option"]["value"] == "nas"


@pytest.mark.parametrize(
    ("place", "error"),
    [
        (("U9", HOMELAB, "decide", "approve"), "unknown_person"),
        ((ADA, "C9", "decide", "approve"), "channel_not_found"),
        ((BEN, DIRECT, "decide", "approve"), "channel_not_found"),
        ((ADA, "C0RANDOM", "decide", "approve"), "message_not_found"),
        ((ADA, HOMELAB, "decide", "other"), "action_not_found"),
    ],
)
async def test_what_is_not_there_cannot_be_clicked(
    served: Served, client: AsyncWebClient, place: tuple[str, str, str, str], error: str
) -> None:
    posted = await client.chat_postMessage(channel=HOMELAB, text="card", blocks=card())
    person, channel, block_id, action_id = place

    with pytest.raises(ActionRefusedError, match=error):
        await served.slack.click(person, channel, posted["ts"], block_id, action_id)


async def opened(served: Served, client: AsyncWebClient, app: ListeningApp, **more: object) -> Json:
    """Return a modal that the app opened for Ada."""
    await served.slack.command(ADA, HOMELAB, "/chiffon help")
    trigger = (await app.next(len(app.received))).payload["trigger_id"]
    view: Json = (await client.views_open(trigger_id=trigger, view=modal(**more)))["view"]
    return view


async def test_a_submission_carries_what_was_entered_and_closes_the_view(
    served: Served, client: AsyncWebClient, app: ListeningApp
) -> None:
    view = await opened(served, client, app, private_metadata="plan 1")
    await served.slack.submit_view(ADA, view["id"], {"reason": {"text": "too risky"}})
    payload = app.received[-1].payload

    assert payload["type"] == "view_submission"
    assert payload["view"]["callback_id"] == "reject"
    assert payload["view"]["private_metadata"] == "plan 1"
    entered = payload["view"]["state"]["values"]["reason"]["text"]
    assert entered == {"type": "plain_text_input", "value": "too risky"}
    assert served.slack.store.views(ADA) == []


async def test_an_empty_required_input_is_slacks_to_refuse(
    served: Served, client: AsyncWebClient, app: ListeningApp
) -> None:
    view = await opened(served, client, app)
    with pytest.raises(ActionRefusedError) as refused:
        await served.slack.submit_view(ADA, view["id"], {"reason": {"text": ""}})

    assert list(refused.value.errors) == ["reason"]
    assert len(app.received) == 1
    assert served.slack.store.views(ADA) == [view]


async def test_errors_of_the_app_keep_the_view_open(
    served: Served, client: AsyncWebClient, app: ListeningApp
) -> None:
    view = await opened(served, client, app)
    errors = {"reason": "Say more."}
    app.answer = lambda _request: {"response_action": "errors", "errors": errors}
    with pytest.raises(ActionRefusedError) as refused:
        await served.slack.submit_view(ADA, view["id"], {"reason": {"text": "no"}})

    assert refused.value.errors == errors
    assert served.slack.store.views(ADA) == [view]


async def test_a_command_is_answered_privately_by_its_acknowledgement(
    served: Served, app: ListeningApp
) -> None:
    app.answer = lambda _request: {"text": "3 plans"}
    await served.slack.command(ADA, HOMELAB, "/chiffon plans <all>")
    payload = app.received[0].payload

    assert (payload["command"], payload["text"]) == ("/chiffon", "plans &lt;all&gt;")
    assert (payload["user_id"], payload["channel_id"]) == (ADA, HOMELAB)
    assert payload["channel_name"] == "homelab"
    answer = served.slack.store.messages(HOMELAB)[-1]
    assert (answer.text, answer.ephemeral_to) == ("3 plans", ADA)


async def test_only_the_commands_of_the_app_are_known(served: Served) -> None:
    with pytest.raises(ActionRefusedError, match="dispatch_unknown_command"):
        await served.slack.command(ADA, HOMELAB, "/chiffonade now")


async def test_a_shortcut_carries_the_message(served: Served, app: ListeningApp) -> None:
    ts = await served.slack.say(BEN, HOMELAB, "kuma is down")
    await served.slack.shortcut(ADA, HOMELAB, ts, "ask_chiffon")
    payload = (await app.next()).payload

    assert (payload["type"], payload["callback_id"]) == ("message_action", "ask_chiffon")
    assert (payload["message"]["text"], payload["message"]["user"]) == ("kuma is down", BEN)
    assert (payload["user"]["id"], payload["message_ts"]) == (ADA, ts)


async def test_opening_the_home_tab_is_an_event_with_its_present_view(
    served: Served, client: AsyncWebClient, app: ListeningApp
) -> None:
    await served.slack.open_home(ADA)
    await app.next()
    await client.views_publish(user_id=ADA, view={"type": "home", "blocks": card()})
    await served.slack.open_home(ADA)
    await app.next(2)

    first, second = app.events
    assert (first["type"], first["tab"], first["user"]) == ("app_home_opened", "home", ADA)
    assert "view" not in first
    home = second["view"]
    await served.slack.click(ADA, None, None, "decide", "approve", view_id=home["id"])
    clicked = app.received[-1].payload
    assert clicked["container"] == {"type": "view", "view_id": home["id"]}
    assert clicked["view"]["type"] == "home"


async def test_a_response_url_adds_five_times(
    served: Served, client: AsyncWebClient, app: ListeningApp
) -> None:
    posted = await client.chat_postEphemeral(channel=HOMELAB, user=ADA, text="card", blocks=card())
    await served.slack.click(ADA, HOMELAB, posted["message_ts"], "decide", "approve")
    payload = app.received[0].payload
    assert "message" not in payload

    async with httpx.AsyncClient() as http:

        async def respond(**body: object) -> int:
            return (await http.post(payload["response_url"], json=body)).status_code

        assert await respond(text="only you") == 200
        assert await respond(text="all of you", response_type="in_channel") == 200
        assert await respond(text="x", blocks=[{"type": "chart"}]) == 400
        assert [await respond(text="more") for _ in range(3)] == [200, 200, 404]

    _, first, second, *_ = served.slack.store.messages(HOMELAB)
    assert (first.text, first.ephemeral_to) == ("only you", ADA)
    assert (second.text, second.ephemeral_to) == ("all of you", None)


async def test_a_response_url_ends_after_its_time(served: Served, app: ListeningApp) -> None:
    await served.slack.command(ADA, HOMELAB, "/chiffon help")
    served.slack.faults.response_url_seconds = 0
    async with httpx.AsyncClient() as http:
        url = app.received[0].payload["response_url"]
        late = await http.post(url, json={"text": "late"})

    assert late.json()["error"] == "expired_url"


async def test_a_bolt_app_sees_it_as_slack(served: Served) -> None:
    bolt = AsyncApp(client=served.client())
    heard: list[str] = []

    @bolt.event("app_mention")
    async def mention(event: Json, say: Any) -> None:  # noqa: ANN401
        blocks = [{"type": "actions", "block_id": "b", "elements": [button("approve")]}]
        await say(text="Plan", blocks=blocks, thread_ts=event["ts"])

    @bolt.action("approve")
    async def approve(ack: Any, body: Json, respond: Any) -> None:  # noqa: ANN401
        await ack()
        heard.append(body["user"]["id"])
        await respond(text="Approved", response_type="in_channel")

    handler = AsyncSocketModeHandler(
        bolt, served.slack.app_token, web_client=served.client(served.slack.app_token)
    )
    await handler.connect_async()  # type: ignore[no-untyped-call]
    messages = served.slack.store.messages(HOMELAB)
    await served.slack.say(ADA, HOMELAB, "@chiffon restart kuma")
    await until(lambda: len(messages) == 2, what="the card")
    await served.slack.click(BEN, HOMELAB, messages[1].ts, "b", "approve")
    await until(lambda: messages[-1].text == "Approved", what="the answer")
    client = handler.client
    tasks = (client.message_processor, client.current_session_monitor, client.message_receiver)
    await handler.close_async()  # type: ignore[no-untyped-call]
    await asyncio.gather(*(task for task in tasks if task), return_exceptions=True)

    assert heard == [BEN]
    assert messages[1].thread_ts == messages[0].ts
