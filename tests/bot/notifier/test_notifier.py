import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import aiohttp
import pytest
from pydantic import JsonValue

from bot.blocks.card import plan_card
from bot.blocks.message import Message
from bot.client import poster_beside, web_client
from bot.notifier import Notifier
from bot.pace import Later
from bot.poster import Poster
from bot.sessions import Sessions
from bot.settings import SlackSettings
from orchestrator.domain.conversation import CardList, Notice, NoticeKind
from orchestrator.domain.lifecycle import PlanStatus, TaskStatus
from orchestrator.domain.views import ExecutionLog, PlanStatusResult
from tests.bot.blocks.samples import PLAN_ID, card, notice, task
from tests.bot.notifier.owing import OwingInMemory
from tests.bot.notifier.slack_api import Fault, SlackApi, client_of, slack_api
from tests.plugins.waiting import until

pytestmark = pytest.mark.usefixtures("leaping_time")

BIG = tuple(task(number) for number in range(1, 41))
ONE = (task(1),)
DAY = 86_400.0


@pytest.fixture
async def api() -> AsyncIterator[SlackApi]:
    async with slack_api() as served:
        yield served


@pytest.fixture
async def owing() -> OwingInMemory:
    return OwingInMemory()


@asynccontextmanager
async def notifying(
    owing: OwingInMemory,
    api: SlackApi,
    clock: Callable[[], float] = time.monotonic,
    sessions: Sessions | None = None,
) -> AsyncIterator[asyncio.Task[None]]:
    poster = Poster(client_of(api, seconds=5))
    notifier = Notifier(owing, poster, sessions=sessions, poll_seconds=0.05, clock=clock)
    running = asyncio.create_task(notifier.run())
    try:
        yield running
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def settled(owing: OwingInMemory, seconds: float = 15) -> None:
    await until(owing.all_shown, what="everything owed to be in Slack", seconds=seconds)


def done(number: int, **changes: object) -> Notice:
    content: dict[str, JsonValue] = {
        "step_number": number,
        "name": f"step {number}",
        "output": "",
        "task_id": "t",
    }
    return notice(
        NoticeKind.TASK_COMPLETED, content, **{"notice_id": f"notice-{number:03}", **changes}
    )


async def test_a_card_is_posted_in_its_thread_then_changed_in_place(
    owing: OwingInMemory, api: SlackApi
) -> None:
    owing.want(card(ONE))
    async with notifying(owing, api):
        await settled(owing)
        owing.want(card(ONE, PlanStatus.COMPLETED, task_status=TaskStatus.COMPLETED))
        await settled(owing)
    (posted,) = api.of("chat.postMessage")
    assert posted.fields["thread_ts"] == "100.1"
    assert str(posted.fields["unfurl_links"]).lower() in {"false", "0"}
    (text,) = api.texts()
    assert text.startswith("Plan #12: done.")


async def test_a_long_card_is_posted_in_order_and_only_what_changed_is_updated(
    owing: OwingInMemory, api: SlackApi
) -> None:
    owing.want(card(BIG))
    pages = plan_card(card(BIG))
    assert len(pages) == 3
    async with notifying(owing, api):
        await settled(owing)
        assert api.texts() == [page.text for page in pages]
        assert api.of("chat.update") == []
        owing.want(card(BIG, PlanStatus.REJECTED))
        await settled(owing)
    updates = [call.fields["ts"] for call in api.of("chat.update")]
    assert updates[0] == "3.0001", "the message with the buttons changes first"
    assert sorted(updates) == ["1.0001", "2.0001", "3.0001"]


async def test_a_card_that_was_cut_short_by_a_crash_goes_on_where_it_was(
    owing: OwingInMemory, api: SlackApi
) -> None:
    owing.want(card(BIG))
    api.will("chat.postMessage", None, Fault(0))
    async with notifying(owing, api) as running:
        await until(lambda: len(owing.cards["card-1"].card.messages) == 1, what="the first part")
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    owing.cards["card-1"].claimed_until = 0.0  # its lease runs out
    async with notifying(owing, api):
        await settled(owing)
    assert api.texts() == [page.text for page in plan_card(card(BIG))]


async def test_no_call_comes_before_retry_after_and_the_last_state_arrives(
    owing: OwingInMemory, api: SlackApi
) -> None:
    owing.want(card(ONE))
    async with notifying(owing, api):
        await settled(owing)
        api.will("chat.update", Fault(429, "ratelimited", retry_after=2))
        owing.want(card(ONE, PlanStatus.APPROVED))
        await until(lambda: api.of("chat.update"), what="the first update")
        owing.want(card(ONE, PlanStatus.EXECUTING))
        owing.want(card(ONE, PlanStatus.COMPLETED, task_status=TaskStatus.COMPLETED))
        await settled(owing)
    refused, *later = api.of("chat.update")
    assert len(later) == 1, "the states between are merged"
    assert later[0].at - refused.at >= 2
    assert api.texts()[0].startswith("Plan #12: done.")


async def test_states_that_follow_each_other_fast_are_merged(
    owing: OwingInMemory, api: SlackApi
) -> None:
    owing.want(card(ONE))
    async with notifying(owing, api):
        await settled(owing)
        for progress in range(10):
            owing.want(card(ONE, PlanStatus.EXECUTING, reason=f"{progress} of 10"))
            await until(owing.conversation_waiting.is_set, what="a new state", seconds=1)
        await settled(owing)
        owing.want(card(ONE, PlanStatus.COMPLETED))
        await settled(owing)
    times = [call.at for call in api.of("chat.update")]
    assert len(times) <= 3
    assert all(after - before > 0.9 for before, after in pairwise(times))
    assert api.texts()[0].startswith("Plan #12: done.")


@pytest.mark.parametrize("fault", [Fault(500), Fault(503), Fault(0), Fault(error="fatal_error")])
async def test_whatever_slack_suffers_the_last_state_arrives(
    owing: OwingInMemory, api: SlackApi, fault: Fault
) -> None:
    owing.want(card(ONE))
    async with notifying(owing, api):
        await settled(owing)
        api.will("chat.update", fault, fault)
        owing.want(card(ONE, PlanStatus.EXECUTING))
        await until(lambda: api.of("chat.update"), what="the first update")
        owing.want(card(ONE, PlanStatus.FAILED))
        await settled(owing, seconds=20)
    assert api.texts()[0].startswith("Plan #12: failed.")


async def test_replies_of_a_thread_keep_their_order_through_faults(
    owing: OwingInMemory, api: SlackApi
) -> None:
    api.will("chat.postMessage", Fault(500), Fault(429, "ratelimited", retry_after=1))
    owing.owe(*(done(number) for number in range(1, 6)))
    async with notifying(owing, api):
        await settled(owing)
    assert [text.split()[2] for text in api.texts()] == [f"12.{number}" for number in range(1, 6)]


async def test_one_channels_wait_does_not_hold_up_another(
    owing: OwingInMemory, api: SlackApi
) -> None:
    api.will("chat.postMessage:C0SLOW", Fault(429, "ratelimited", retry_after=60))
    api.will("chat.postMessage:C0DEAD", Fault(0))
    owing.owe(done(1, channel="C0SLOW"), done(2, channel="C0DEAD"), done(3, channel="C0OPS"))
    async with notifying(owing, api):
        await until(lambda: api.texts("C0OPS"), what="the reply in the other channel", seconds=3)
    assert api.texts("C0SLOW") == []


async def test_a_wait_for_one_update_holds_for_every_channel(
    owing: OwingInMemory, api: SlackApi
) -> None:
    channels = ("C0OPS", "C0ELSE")
    for channel in channels:
        owing.want(card(ONE, channel=channel, card_id=channel))
    async with notifying(owing, api):
        await settled(owing)
        api.will("chat.update", Fault(429, "ratelimited", retry_after=2))
        owing.want(card(ONE, PlanStatus.FAILED, channel="C0OPS", card_id="C0OPS"))
        # A card waits a second after its last one; more than that only where Slack refused.
        await until(lambda: max(owing.put_off, default=0) > 1, what="the refusal of the first")
        owing.want(card(ONE, PlanStatus.FAILED, channel="C0ELSE", card_id="C0ELSE"))
        await settled(owing)
    refused, *later = [call.at for call in api.of("chat.update")]
    assert len(later) == len(channels)
    assert all(at - refused >= 2 for at in later)


async def test_the_notifiers_own_client_leaves_every_wait_to_the_notifier(api: SlackApi) -> None:
    settings = SlackSettings(_env_file=None, bot_token="x", api_url=api.url)
    api.will("chat.update", Fault(429, "ratelimited", retry_after=60))
    async with aiohttp.ClientSession() as session:
        poster = poster_beside(web_client(settings, session))
        with pytest.raises(Later) as wait:
            await poster.update("C0OPS", "1.0001", Message(text="done"))
        assert wait.value.seconds >= 60
        with pytest.raises(Later):
            await poster.update("C0ELSE", "1.0001", Message(text="done"))
        assert await poster.post("C0ELSE", None, Message(text="posts go on"))
    assert len(api.of("chat.update")) == 1


async def test_a_channel_gets_a_message_a_second_after_a_burst(
    owing: OwingInMemory, api: SlackApi
) -> None:
    owing.owe(*(done(number) for number in range(1, 8)))
    async with notifying(owing, api):
        await settled(owing)
    times = [call.at for call in api.of("chat.postMessage")]
    assert all(after - before > 0.8 for before, after in list(pairwise(times))[4:])


async def test_a_channel_that_bars_the_bot_is_left_alone_for_a_while(
    owing: OwingInMemory, api: SlackApi
) -> None:
    api.will("chat.postMessage:C0OPS", *[Fault(error="not_in_channel")] * 9)
    owing.owe(done(1), done(2, channel="C0ELSE"))
    async with notifying(owing, api):
        await until(lambda: api.texts("C0ELSE"), what="the reply elsewhere")
        wait = owing.notices["notice-001"]
        await until(lambda: wait.claimed_until > asyncio.get_running_loop().time() + 60, what="it")
    assert len(api.of("chat.postMessage", "C0OPS")) == 1
    assert not wait.posted


async def test_a_reply_that_is_barred_for_longer_than_a_day_is_let_go(
    owing: OwingInMemory, api: SlackApi
) -> None:
    now = 0.0
    api.will("chat.postMessage", *[Fault(error="is_archived")] * 2)
    owing.owe(done(1))
    wait = owing.notices["notice-001"]
    async with notifying(owing, api, lambda: now):
        await until(lambda: wait.claimed_until > asyncio.get_running_loop().time() + 60, what="it")
        assert not wait.posted
        now, wait.claimed_until = DAY + 1, 0.0
        await settled(owing)
    assert api.texts() == []


@pytest.mark.parametrize("spent", [60.0, DAY - 1])
async def test_the_last_state_of_an_old_plan_arrives_when_the_bar_is_lifted_within_a_day(
    owing: OwingInMemory, api: SlackApi, spent: float
) -> None:
    now = 0.0
    old = datetime.now(UTC) - timedelta(days=9)
    owing.want(card(ONE, created_at=old))
    row = owing.cards["card-1"]
    async with notifying(owing, api, lambda: now):
        await settled(owing)
        api.will("chat.update", *[Fault(error="not_in_channel")] * 2)
        owing.want(card(ONE, PlanStatus.COMPLETED, created_at=old))
        for elapsed in (spent, spent):
            await until(
                lambda: row.claimed_until > asyncio.get_running_loop().time() + 60, what="a wait"
            )
            assert not owing.all_shown()
            now, row.claimed_until = elapsed, 0.0
        await settled(owing)
    assert api.texts()[0].startswith("Plan #12: done.")


async def test_a_bar_that_was_lifted_does_not_count_for_the_next_one(
    owing: OwingInMemory, api: SlackApi
) -> None:
    now = 0.0
    owing.want(card(ONE))
    row = owing.cards["card-1"]
    async with notifying(owing, api, lambda: now):
        await settled(owing)
        for status, then in ((PlanStatus.EXECUTING, DAY + 1), (PlanStatus.FAILED, 2 * DAY)):
            api.will("chat.update", Fault(error="not_in_channel"))
            owing.want(card(ONE, status))
            await until(
                lambda: row.claimed_until > asyncio.get_running_loop().time() + 60, what="a wait"
            )
            row.claimed_until = 0.0
            await settled(owing)
            now = then
    assert api.texts()[0].startswith("Plan #12: failed.")


async def test_a_message_that_slack_does_not_take_is_replaced_by_plain_words(
    owing: OwingInMemory, api: SlackApi
) -> None:
    api.will("chat.postMessage", Fault(error="invalid_blocks"))
    owing.want(card(ONE))
    async with notifying(owing, api):
        await settled(owing)
    assert "chiffon plan show 12" in api.texts()[0]


async def test_a_reply_that_cannot_be_read_does_not_block_its_thread(
    owing: OwingInMemory, api: SlackApi
) -> None:
    owing.owe(notice(NoticeKind.PLAN_ENDED, {"status": "odd"}, notice_id="notice-000"), done(1))
    async with notifying(owing, api):
        await settled(owing)
    assert len(api.texts()) == 2
    assert "Step 12.1" in api.texts()[1]


@pytest.mark.parametrize(
    "error", ["message_not_found", "cant_update_message", "edit_window_closed"]
)
async def test_a_card_that_is_gone_or_closed_is_posted_anew(
    owing: OwingInMemory, api: SlackApi, error: str
) -> None:
    owing.want(card(ONE))
    async with notifying(owing, api):
        await settled(owing)
        api.will("chat.update", Fault(error=error))
        owing.want(card(ONE, PlanStatus.COMPLETED))
        await settled(owing)
    assert owing.cards["card-1"].card.messages == ("2.0001",)
    assert api.texts()[1].startswith("Plan #12: done.")


def long_output(owing: OwingInMemory) -> str:
    output = "".join(f"line {number}\n" for number in range(2_000))
    owing.status = PlanStatusResult(
        execution_logs=(
            ExecutionLog(
                step_number=1,
                task_id="t",
                attempt_id="a",
                attempt_number=1,
                agent_id="local-infra",
                work_type="service.restart",
                status="succeeded",
                output=output,
            ),
        )
    )
    content: dict[str, JsonValue] = {
        "step_number": 1,
        "name": "restart",
        "attempt_number": 1,
        "output": output[-2_000:],
        "output_characters": len(output),
    }
    owing.owe(notice(NoticeKind.TASK_COMPLETED, content, plan_id=PLAN_ID))
    return output


async def test_long_output_is_a_file(owing: OwingInMemory, api: SlackApi) -> None:
    output = long_output(owing)
    async with notifying(owing, api):
        await until(lambda: api.of("files.completeUploadExternal"), what="the file")
    assert list(api.files.values()) == [output]
    (shared,) = api.of("files.completeUploadExternal")
    assert shared.fields["thread_ts"] == "100.1"


async def test_without_leave_to_upload_the_reply_says_where_the_rest_is(
    owing: OwingInMemory, api: SlackApi
) -> None:
    api.will("files.getUploadURLExternal", Fault(error="missing_scope"))
    long_output(owing)
    async with notifying(owing, api):
        await settled(owing)
        await until(lambda: api.of("files.getUploadURLExternal"), what="the try")
    (posted,) = api.of("chat.postMessage")
    assert "line 1999" in str(posted.fields["blocks"])
    assert "chiffon plan show 12 --output" in str(posted.fields["blocks"])


async def test_a_stop_lets_what_is_being_posted_be_noted(
    owing: OwingInMemory, api: SlackApi
) -> None:
    api.will("chat.postMessage", Fault(0))
    owing.owe(done(1))
    async with notifying(owing, api) as running:
        await until(lambda: api.of("chat.postMessage"), what="the call")
        running.cancel()
        api.gate.set()
    assert len(api.texts()) == 1
    assert owing.notices["notice-001"].posted


async def test_who_stops_between_posting_a_card_and_noting_it_gives_it_back(
    owing: OwingInMemory, api: SlackApi
) -> None:
    api.will("chat.postMessage", Fault(0))
    owing.want(card(BIG))
    owing.owe(done(1, thread="9.9"))
    async with notifying(owing, api) as running:
        await until(lambda: api.of("chat.postMessage"), what="the first part")
        running.cancel()
        api.gate.set()
    assert [len(row.card.messages) for row in owing.cards.values()] == [1]
    async with notifying(owing, api):
        await settled(owing)
    assert len(api.of("chat.postMessage")) == 4, "nothing is posted twice"


async def test_what_was_claimed_while_the_stop_came_is_given_back(
    owing: OwingInMemory, api: SlackApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed, go_on = asyncio.Event(), asyncio.Event()
    real = owing.due_cards

    async def slow(limit: int = 20) -> CardList:
        found = await real(limit)
        claimed.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(owing, "due_cards", slow)
    owing.want(card(ONE))
    async with notifying(owing, api) as running:
        await claimed.wait()
        running.cancel()
        go_on.set()
    monkeypatch.setattr(owing, "due_cards", real)
    async with notifying(owing, api):
        await settled(owing)


async def test_a_file_that_must_wait_is_shared_then(owing: OwingInMemory, api: SlackApi) -> None:
    api.will("files.getUploadURLExternal", Fault(429, "ratelimited", retry_after=1))
    output = long_output(owing)
    async with notifying(owing, api):
        await until(lambda: api.of("files.completeUploadExternal"), what="the file")
    assert list(api.files.values()) == [output]
    refused, later = [call.at for call in api.of("files.getUploadURLExternal")]
    assert later - refused >= 1
