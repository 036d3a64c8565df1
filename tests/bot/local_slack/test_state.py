"""The workspace survives a restart, and stays small."""

import json
import stat
from pathlib import Path

from bot.local_slack.feed import Feed
from bot.local_slack.state import DEFAULT_PEOPLE, MOST_MESSAGES, File, Message, Store
from tests.bot.local_slack.conftest import card, listening, serve

ADA, HOMELAB = "U0ADA", "C0HOMELAB"


def said(store: Store, text: str, **more: object) -> Message:
    fields = {"channel": HOMELAB, "ts": store.next_ts(), "user": ADA, "text": text, **more}
    return store.post(Message.model_validate(fields))


async def test_a_waiting_card_can_be_clicked_after_a_restart(tmp_path: Path) -> None:
    async with serve(tmp_path) as before:
        posted = await before.client().chat_postMessage(channel=HOMELAB, text="card", blocks=card())
        tokens = before.slack.bot_token, before.slack.app_token
    async with serve(tmp_path) as after, listening(after) as app:
        await after.slack.click(ADA, HOMELAB, posted["ts"], "decide", "approve")

        assert app.received[0].payload["message"]["ts"] == posted["ts"]
        assert (after.slack.bot_token, after.slack.app_token) == tokens
        later = await after.client().chat_postMessage(channel=HOMELAB, text="x")
        assert later["ts"] > posted["ts"]


async def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    await Store(tmp_path, DEFAULT_PEOPLE, Feed()).close()

    mode = (tmp_path / "local-slack.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


async def test_the_newest_500_messages_of_a_channel_are_kept(tmp_path: Path) -> None:
    store = Store(tmp_path, DEFAULT_PEOPLE, Feed())
    oldest = said(store, "oldest", files=[File(id="F1", name="a.txt")])
    store.file_path("F1").write_text("content")
    for number in range(MOST_MESSAGES):
        said(store, str(number))
    await store.close()

    kept = json.loads((tmp_path / "local-slack.json").read_text())["messages"][HOMELAB]
    assert (len(kept), kept[0]["text"]) == (MOST_MESSAGES, "0")
    assert store.message(HOMELAB, oldest.ts) is None
    assert not store.file_path("F1").exists()


async def test_a_file_that_cannot_be_read_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "local-slack.json").write_text('{"people": 1')
    store = Store(tmp_path, DEFAULT_PEOPLE, Feed())
    await store.close()

    assert [person.name for person in store.data.people] == ["ada", "ben", "gus"]
    assert (tmp_path / "local-slack.json.broken").exists()


async def test_a_file_name_cannot_lead_out_of_its_folder(tmp_path: Path) -> None:
    store = Store(tmp_path, DEFAULT_PEOPLE, Feed())
    await store.close()

    assert store.file_path("../../local-slack.json").parent.name == "local-slack-files"


async def test_a_page_that_does_not_read_is_cut_off() -> None:
    feed = Feed()
    queue = feed.open(ADA)
    for _ in range(2_001):
        feed.push({"type": "notice"})

    events = [queue.get_nowait() for _ in range(queue.qsize())]
    assert events[-1] is None
    assert len(events) == 2_001
