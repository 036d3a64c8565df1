"""What listeners say waits as long as Slack says, and is said then."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise

import pytest
import structlog.testing

from bot.blocks.message import Message
from bot.listeners.payload import Place
from bot.listeners.telling import Telling
from bot.pace import Later
from bot.poster import Poster
from tests.bot.notifier.slack_api import Fault, SlackApi, client_of, slack_api
from tests.plugins.waiting import until

pytestmark = pytest.mark.usefixtures("leaping_time")

ROBIN = Place("U0ROBIN", "C0OPS", "100.1")
ALEX = Place("U0ALEX", "C0ELSE")
NO = Message(text="You may not.")
WHISPER, POST = "chat.postEphemeral", "chat.postMessage"
WAIT = Fault(429, "ratelimited", retry_after=1)


@pytest.fixture
async def api() -> AsyncIterator[SlackApi]:
    async with slack_api() as served:
        yield served


def telling(api: SlackApi, poster: Poster | None = None, patience: float = 30) -> Telling:
    return Telling(poster or Poster(client_of(api, seconds=5)), patience=patience)


async def test_a_private_answer_that_must_wait_is_given_then(api: SlackApi) -> None:
    api.will(WHISPER, WAIT)
    await telling(api).tell(ROBIN, NO)
    refused, given = api.of(WHISPER)
    assert given.at - refused.at >= 1
    assert (given.fields["user"], given.fields["thread_ts"]) == ("U0ROBIN", "100.1")
    assert api.of(POST) == [], "who only has to wait is not written to"


async def test_nobody_whispers_while_slack_wants_to_be_left_alone(api: SlackApi) -> None:
    """Slack counts private answers by workspace: the wait of one channel is that of all."""
    api.will(WHISPER, WAIT)
    said = telling(api)
    async with asyncio.TaskGroup() as group:
        for place in (ROBIN, ALEX, ROBIN, ALEX):
            group.create_task(said.tell(place, NO))
    refused = min(call.at for call in api.of(WHISPER))
    later = sorted(call.at for call in api.of(WHISPER))[1:]
    assert len(later) == 4
    # Those that were on their way already when Slack refused the first came with it.
    assert all(at - refused < 0.5 or at - refused >= 1 for at in later)
    assert sum(at - refused >= 1 for at in later) >= 3


async def test_a_click_is_answered_at_its_address_while_whispers_wait(api: SlackApi) -> None:
    api.will(WHISPER, WAIT)
    place = replace(ROBIN, response_url=f"{api.url}response")
    async with asyncio.timeout(0.9):
        await telling(api).tell(place, NO)
    [answer] = api.of("response")
    assert answer.fields["text"] == NO.text
    assert str(answer.fields["replace_original"]) == "False"


async def test_an_address_that_is_used_up_is_not_tried_again(api: SlackApi) -> None:
    api.will(WHISPER, Fault(error="user_not_in_channel"))
    api.will("response", Fault(404))
    await telling(api).tell(replace(ROBIN, response_url=f"{api.url}response"), NO)
    assert len(api.of("response")) == 1
    assert api.texts("U0ROBIN") == [NO.text]


async def test_a_wait_that_a_card_met_holds_for_answers(api: SlackApi) -> None:
    api.will(f"{POST}:C0OPS", WAIT)
    poster = Poster(client_of(api))
    with pytest.raises(Later):
        await poster.post("C0OPS", "100.1", Message(text="a card"))
    said = telling(api, poster)
    await asyncio.gather(*(said.say("C0OPS", "100.1", Message(text=f"answer {n}")) for n in (1, 2)))
    refused, *later = [call.at for call in api.of(POST)]
    assert len(later) == 2
    assert all(at - refused >= 1 for at in later)


async def test_answers_in_a_channel_keep_its_pace(api: SlackApi) -> None:
    said = telling(api)
    await asyncio.gather(*(said.say("C0OPS", "1.1", Message(text=str(n))) for n in range(6)))
    times = [call.at for call in api.of(POST)]
    assert all(after - before > 0.8 for before, after in list(pairwise(times))[4:])


async def test_what_is_no_longer_wanted_is_not_said(api: SlackApi) -> None:
    api.will(POST, WAIT)
    wanted = True
    saying = asyncio.create_task(
        telling(api).say("C0OPS", "1.1", Message(text="On it"), wanted=lambda: wanted)
    )
    await until(lambda: api.of(POST), what="the refusal")
    wanted = False
    await saying
    assert len(api.of(POST)) == 1


@pytest.mark.parametrize("fault", [Fault(503), Fault(error="fatal_error")])
async def test_an_outage_delays_a_private_answer(api: SlackApi, fault: Fault) -> None:
    api.will(WHISPER, fault)
    await telling(api).tell(ROBIN, NO)
    assert len(api.of(WHISPER)) == 2


async def test_an_answer_that_nobody_takes_is_given_up_in_time(api: SlackApi) -> None:
    api.will(WHISPER, Fault(429, "ratelimited", retry_after=60))
    with structlog.testing.capture_logs() as logged:
        await telling(api, patience=0.3).tell(ROBIN, NO)
    assert len(api.of(WHISPER)) == 1
    assert [each["reason"] for each in logged if each["event"] == "nobody_told"] == ["too late"]


async def test_what_a_thread_does_not_take_is_told_privately(api: SlackApi) -> None:
    api.will(POST, Fault(error="restricted_action"))
    await telling(api).say("C0OPS", "1.1", NO, ROBIN)
    assert len(api.of(WHISPER)) == 1
