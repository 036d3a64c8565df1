"""Commands behind `/chiffon` and behind a mention, who may speak, shortcut and Home."""

import asyncio

import pytest

from bot.commands import Command, Word, parse
from bot.ids import ASK_SHORTCUT
from bot.listeners.answers import answers_in
from bot.listeners.spoken import mentions, spoken
from orchestrator.domain.lifecycle import PlanStatus, RequestStatus
from orchestrator.domain.request import Ambiguity, AmbiguityKind
from orchestrator.store.tables import requests
from tests.bot.slack_scene import BOT, CHANNEL, GUEST, ROBIN, TEAM, Scene, message
from tests.plugins.waiting import until

KUMA = "Deploy Kuma"


@pytest.mark.parametrize(
    ("said", "command"),
    [
        ("help", Command(Word.HELP)),
        ("HELP!", Command(Word.HELP)),
        ("status", Command(Word.STATUS)),
        ("status 12", Command(Word.STATUS, "12")),
        ("status  #12 r3", Command(Word.STATUS, "#12 r3")),
        ("plans", Command(Word.PLANS)),
        ("gaps", Command(Word.GAPS)),
        ("cancel 12", Command(Word.CANCEL, "12")),
        ("retry 12.2", Command(Word.RETRY, "12", 2)),
        ("resume 12", Command(Word.RESUME, "12")),
        ("Resume.", Command(Word.RESUME)),
        ("retry 2", Command(Word.RETRY, None, 2)),
        ("why 12.2", Command(Word.WHY, "12", 2)),
        ("why 0193f3c2-aaaa", Command(Word.WHY, "0193f3c2-aaaa")),
        ("logs 12 2", Command(Word.LOGS, "12", 2)),
        ("logs 12.2", Command(Word.LOGS, "12", 2)),
        ("logs", Command(Word.LOGS)),
    ],
)
def test_command_words_are_read(said: str, command: Command) -> None:
    assert parse(said) == command


@pytest.mark.parametrize(
    "said",
    [
        "",
        "deploy Kuma",
        "status of the nightly backup",
        "cancel the backup",
        "cancel feedback",
        "resume the backup",
        "help me deploy Kuma",
        "plans for Friday",
        "retry",
        "statuses",
    ],
)
def test_sentences_are_no_commands(said: str) -> None:
    assert parse(said) is None


@pytest.mark.parametrize(
    ("slack", "typed"),
    [
        (f"<@{BOT}> deploy Kuma", "deploy Kuma"),
        (f"<@{BOT}|chiffon>: deploy Kuma", "deploy Kuma"),
        (f"please <@{BOT}> deploy Kuma", "please deploy Kuma"),
        ("a &lt;b&gt; &amp;&amp; c", "a <b> && c"),
        ("is &amp;lt; kept", "is &lt; kept"),
        ("check <https://kuma.example/x|the page>", "check https://kuma.example/x"),
        ("check <http://nas.local|nas.local>", "check nas.local"),
        ("check <https://kuma.example>", "check https://kuma.example"),
        ("write <mailto:a@b.example|a@b.example>", "write a@b.example"),
        ("tell <#C123|general>", "tell #general"),
        ("tell <#C123>", "tell #C123"),
        ("ask <@UROBIN>", "ask robin"),
        ("ask <@U404>", "ask U404"),
        ("<!channel> now", "@channel now"),
        ("<!subteam^S1|@admins> now", "@admins now"),
        ("a\u00a0b", "a b"),
        (f"<@{BOT}>\nfirst\nsecond", "first\nsecond"),
    ],
)
def test_what_was_typed_is_found_again(slack: str, typed: str) -> None:
    assert spoken(slack, bot=BOT, names={"UROBIN": "robin"}) == typed


def test_a_name_alone_is_no_mention() -> None:
    assert mentions(f"hey <@{BOT}|chiffon>", BOT)
    assert not mentions(f"hey {BOT} <@{BOT}X>", BOT)


def question(number: int) -> Ambiguity:
    return Ambiguity(id=f"q{number}", kind=AmbiguityKind.MISSING_PARAMETER, question="Which?")


@pytest.mark.parametrize(
    ("text", "open_questions", "given"),
    [
        ("node1", 1, {"q1": "node1"}),
        ("1. node1", 1, {"q1": "1. node1"}),
        ("node1", 2, {"q1": "node1"}),
        ("1. node1\n2) nginx", 2, {"q1": "node1", "q2": "nginx"}),
        ("2: nginx", 2, {"q2": "nginx"}),
        ("9. nginx", 2, {"q1": "9. nginx"}),
    ],
)
def test_replies_answer_by_number_or_the_first(
    text: str, open_questions: int, given: dict[str, str]
) -> None:
    asked = [question(number) for number in range(1, open_questions + 1)]
    assert {each.ambiguity_id: each.text for each in answers_in(text, asked)} == given


async def test_names_of_people_come_into_the_request(scene: Scene) -> None:
    await scene.says("Deploy Kuma for <@U0ALEX> &amp; me")
    await scene.settled()
    [row] = await scene.rows(requests)
    assert row["request_text"] == "Deploy Kuma for Alex Roe & me"


async def test_a_request_is_kept_before_anybody_is_looked_up(scene: Scene) -> None:
    """Names are decoration: while Slack does not say them, the request is safe all the same."""
    await scene.says("plans", ts="99.1")
    await scene.settled()
    held = scene.slack.held["users.info"] = asyncio.Event()
    async with asyncio.timeout(1):
        assert (await scene.says("Deploy Kuma for <@U0ALEX> and <@U0SAM>")).status == 200
    [row] = await scene.rows(requests)
    assert row["request_text"] == "Deploy Kuma for U0ALEX and U0SAM"
    await until(
        lambda: {"U0ALEX", "U0SAM"} <= {each["user"] for each in scene.slack.asked("users.info")},
        what="both, side by side",
    )
    held.set()
    await scene.settled()
    [row] = await scene.rows(requests)
    assert row["request_text"] == "Deploy Kuma for Alex Roe and U0SAM"


async def test_whom_slack_does_not_name_keeps_an_id(scene: Scene) -> None:
    await scene.says("plans", ts="99.1")
    scene.slack.refusals["users.info"] = "user_not_found"
    await scene.says("Deploy Kuma for <@U0ALEX>")
    await scene.settled()
    [row] = await scene.rows(requests)
    assert row["request_text"] == "Deploy Kuma for U0ALEX"
    assert row["status"] != RequestStatus.PENDING


async def test_names_come_into_an_answer(scene: Scene) -> None:
    await scene.says("Restart the service")
    await scene.settled()
    await scene.says("<@U0ALEX>", ts="100.2", thread_ts="100.1")
    await scene.settled()
    [row] = await scene.rows(requests)
    assert "Alex Roe" in str(row["answers"])


async def test_every_word_is_answered_privately(scene: Scene) -> None:
    await scene.planned(KUMA)
    words = ("status", "plans", "gaps", "help", "status 1", "why 1", "logs 1")
    for number, word in enumerate(words):
        assert (await scene.orders(word)).status == 200
        *before, told = scene.slack.asked("chat.postEphemeral")
        assert (told["user"], len(before)) == (ROBIN, number), word
        assert "no plan" not in told["text"], word


async def test_an_unknown_word_gets_usage_privately(scene: Scene) -> None:
    await scene.orders("frobnicate")
    [told] = scene.slack.asked("chat.postEphemeral")
    assert "frobnicate" in told["text"]
    assert await scene.rows(requests) == []


async def test_no_word_at_all_gets_help(scene: Scene) -> None:
    await scene.orders("")
    [told] = scene.slack.asked("chat.postEphemeral")
    assert "How to ask" in told["text"]


async def test_cancel_by_command_is_a_deed(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    await scene.orders(f"cancel {plan.number}")
    assert (await scene.service.get_plan(plan.plan_id)).status is PlanStatus.CANCELLED


async def test_a_guest_cannot_command(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    await scene.orders(f"cancel {plan.number}", person=GUEST)
    assert (await scene.service.get_plan(plan.plan_id)).status is PlanStatus.PENDING_APPROVAL
    assert "Guests" in scene.slack.words("chat.postEphemeral")


async def test_a_guest_cannot_ask(scene: Scene) -> None:
    await scene.says(KUMA, user=GUEST)
    await scene.settled()
    assert await scene.rows(requests) == []
    [told] = scene.slack.asked("chat.postEphemeral")
    assert (told["user"], "Guests" in told["text"]) == (GUEST, True)


async def test_a_guest_who_talks_to_others_is_left_alone(scene: Scene) -> None:
    await scene.event(message("nice weather", user=GUEST))
    await scene.settled()
    assert not scene.slack.asked("chat.postEphemeral")


async def test_a_command_in_a_thread_is_about_its_plan(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    await scene.says("status", ts="100.2", thread_ts="100.1")
    await scene.settled()
    [said] = scene.slack.asked("chat.postMessage")
    assert said["thread_ts"] == "100.1"
    assert f"#{plan.number}" in said["text"]
    assert len(await scene.rows(requests)) == 1


async def test_a_command_by_mention_is_answered_once(scene: Scene) -> None:
    await scene.says("plans", ts="100.2")
    await scene.event(message(f"<@{BOT}> plans", ts="100.2"), retry=1)
    await scene.settled()
    assert len(scene.slack.asked("chat.postMessage")) == 1


async def test_a_bare_mention_gets_help(scene: Scene) -> None:
    await scene.says("")
    await scene.settled()
    assert "How to ask" in scene.slack.words("chat.postMessage")


async def test_a_refused_request_is_said_privately(scene: Scene) -> None:
    assert (await scene.says("x" * 10_000)).status == 200
    await scene.settled()
    assert "10,000 characters" in scene.slack.words("chat.postEphemeral")


async def test_the_shortcut_asks_what_the_message_says(scene: Scene) -> None:
    payload = {
        "type": "message_action",
        "callback_id": ASK_SHORTCUT,
        "user": {"id": ROBIN, "team_id": TEAM},
        "team": {"id": TEAM},
        "channel": {"id": CHANNEL},
        "message": {"ts": "300.1", "text": "Deploy Kuma &amp; wait", "user": "UALEX"},
        "trigger_id": "t",
    }
    for _ in range(2):
        assert (await scene.deliver("interactive", payload)).status == 200
        await scene.settled()
    [row] = await scene.rows(requests)
    assert (row["requester"], row["thread"]) == (ROBIN, "300.1")
    assert row["request_text"] == "Deploy Kuma & wait"
    first, second = (each["text"] for each in scene.slack.asked("chat.postEphemeral"))
    assert "on it" in first
    assert "asked before" in second


async def test_home_shows_the_plans(scene: Scene) -> None:
    plan = await scene.planned(KUMA)
    await scene.event({"type": "app_home_opened", "user": ROBIN, "tab": "home"})
    await scene.event({"type": "app_home_opened", "user": GUEST, "tab": "home"})
    await scene.event({"type": "app_home_opened", "user": ROBIN, "tab": "messages"})
    await scene.settled()
    [published] = scene.slack.asked("views.publish")
    assert published["user_id"] == ROBIN
    assert f"#{plan.number}" in str(published["view"])


async def test_people_are_asked_about_once_a_minute(scene: Scene) -> None:
    for moment in ("1.1", "1.2", "1.3"):
        await scene.says(KUMA, ts=moment)
    assert len(scene.slack.asked("users.info")) == 1


async def test_an_answer_that_the_thread_refuses_is_whispered(scene: Scene) -> None:
    scene.slack.refusals["chat.postMessage"] = "restricted_action"
    await scene.says("help")
    await scene.settled()
    [told] = scene.slack.asked("chat.postEphemeral")
    assert told["user"] == ROBIN
