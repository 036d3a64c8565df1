from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import JsonValue

from bot import ids
from bot.blocks import answers
from bot.blocks.message import Message
from bot.blocks.parts import MAX_TEXT_BYTES, message
from bot.blocks.replies import answered_message, reply, shows_all_output, stopped_message
from bot.blocks.text import escaped, person, took
from bot.blocks.views import home_view, reject_view
from bot.local_slack.validation import problems_of_message, problems_of_view
from orchestrator.domain.conversation import NoticeKind
from orchestrator.domain.digest import ModelTier
from orchestrator.domain.fallback import FallbackChoice, FallbackReason
from orchestrator.domain.lifecycle import PlanStatus, TaskStatus
from orchestrator.domain.request import CANNOT_WAIT, Ambiguity
from orchestrator.domain.views import (
    AuditEvent,
    ExecutionLog,
    Explanation,
    FallbackView,
    GapList,
    GapView,
    PlanList,
    PlanListItem,
    PlanStatusResult,
    RoutingView,
)
from orchestrator.errors import Error, ErrorCode
from tests.bot.blocks.samples import (
    HOSTILE,
    NOW,
    action_ids,
    elements_of,
    notice,
    payload,
    read,
    size,
    state,
    task,
)


def check(shown: Message) -> None:
    assert problems_of_message(payload(shown), update=True) == []
    assert size(shown) <= 12_000
    raw = str(payload(shown))
    assert not any(each in raw for each in ("<!channel>", "<@U0ATTACK>", "<https:"))


def ambiguity(*options: str, question: str = "Which node?", name: str = "1-node") -> JsonValue:
    return {
        "id": name,
        "kind": "missing_parameter",
        "question": question,
        "options": list(options),
    }


def question(*ambiguities: JsonValue) -> Message:
    content: dict[str, JsonValue] = {"ambiguities": list(ambiguities), "understood": ["restart"]}
    return reply(notice(NoticeKind.QUESTION, content))


def step(**changes: JsonValue) -> dict[str, JsonValue]:
    return {
        "step_number": 2,
        "name": "Restart nginx",
        "task_id": "01938a2e-0000-7000-8000-000000000222",
        "reason": "",
        "attempt_number": 1,
        "agent_name": "local-infra",
        "exit_code": 0,
        "duration_seconds": 3.0,
        "output": "all good",
        "output_characters": 8,
        **changes,
    }


@pytest.mark.parametrize("count", [1, 5])
def test_a_few_likely_answers_are_buttons_that_name_question_and_option(count: int) -> None:
    options = [f"node{number}" for number in range(count)]
    shown = question(ambiguity(*options))
    check(shown)
    answers = [f"{ids.ANSWER}:{number}" for number in range(count)]
    assert action_ids(shown) == [*answers, ids.NOT_MEANT]
    actions, _ = [block for block in shown.blocks if block["type"] == "actions"]
    for number, element in enumerate(elements_of(actions)):
        carried = ids.AnswerButton.decoded(element["value"])
        assert carried is not None
        assert (carried.ambiguity, carried.option) == ("1-node", number)


@pytest.mark.parametrize(
    ("channel", "options", "said"),
    [
        ("D0ROBIN", ("node1",), "Pick an answer, or reply here with your own words."),
        ("D0ROBIN", (), "Reply here with your answer."),
        (
            "C0OPS",
            ("node1",),
            "Pick an answer, or reply here and mention me: `@chiffon` and your answer.",
        ),
        ("C0OPS", (), "Reply here and mention me: `@chiffon` and your answer."),
        ("G0OPS", (), "Reply here and mention me: `@chiffon` and your answer."),
    ],
)
def test_a_question_in_a_channel_asks_to_be_answered_with_a_mention(
    channel: str, options: tuple[str, ...], said: str
) -> None:
    content: dict[str, JsonValue] = {"ambiguities": [ambiguity(*options)], "understood": []}
    shown = reply(notice(NoticeKind.QUESTION, content, channel=channel))
    check(shown)
    assert said in read(shown)


@pytest.mark.parametrize(("count", "offered"), [(6, 6), (100, 100), (250, 100)])
def test_many_likely_answers_are_a_menu(count: int, offered: int) -> None:
    shown = question(ambiguity(*(f"node{number}" for number in range(count))))
    check(shown)
    assert action_ids(shown) == [ids.ANSWER_MENU, ids.NOT_MEANT]
    actions, _ = [block for block in shown.blocks if block["type"] == "actions"]
    values: Any = [option["value"] for option in actions["elements"][0]["options"]]
    assert len(values) == offered
    assert all(ids.AnswerButton.decoded(value) for value in values)


def test_an_answer_that_is_cut_on_its_button_is_whole_above_it() -> None:
    long = "the node that stands in the cellar next to the washing machine, on the left, behind it"
    assert f"• {long}" in read(question(ambiguity(long, "node2")))


@pytest.mark.parametrize(
    "asked",
    [
        [ambiguity(question="What for?")],
        [ambiguity(*[HOSTILE] * 5, question=HOSTILE)],
        [ambiguity(*[HOSTILE] * 90, question=HOSTILE * 40, name="n" * 120)],
        [ambiguity("a", "b", question=f"Question {number}?") for number in range(60)],
        [ambiguity(*"abcdefgh", question="x" * 4_000) for _ in range(20)],
    ],
)
def test_any_question_can_be_posted(asked: list[JsonValue]) -> None:
    check(question(*asked))


@pytest.mark.parametrize(
    "output", ["", "all good", "```\n<!channel>\n``````", "&" * 2_000, HOSTILE]
)
@pytest.mark.parametrize(
    "kind",
    [
        NoticeKind.TASK_COMPLETED,
        NoticeKind.TASK_FAILED,
        NoticeKind.TASK_REROUTED,
        NoticeKind.OUTCOME_UNKNOWN,
        NoticeKind.TASK_HELD,
    ],
)
def test_what_a_step_said_is_shown_and_cannot_break_out(kind: NoticeKind, output: str) -> None:
    content = step(output=output, output_characters=len(output), name=HOSTILE, reason=HOSTILE * 50)
    shown = reply(notice(kind, content))
    check(shown)
    for block in shown.blocks:
        text = block.get("text", {}).get("text", "")
        if text.startswith("```"):
            assert "```" not in text[3:-3]


def test_a_failed_step_says_why_and_offers_retry() -> None:
    shown = reply(notice(NoticeKind.TASK_FAILED, step(reason="no space left", exit_code=28)))
    assert "Step 12.2 Restart nginx: failed in 3.0 s on local-infra, exit code 28" in read(shown)
    assert "no space left" in read(shown)
    assert action_ids(shown) == [ids.RETRY]


def test_an_unknown_outcome_asks_whoever_asked_for_one_of_three() -> None:
    shown = reply(notice(NoticeKind.OUTCOME_UNKNOWN, step(reason="the agent fell silent")))
    assert "<@U0ROBIN>" in read(shown)
    assert action_ids(shown) == [ids.RETRY, ids.MARK_DONE, ids.MARK_FAILED]
    (actions,) = [block for block in shown.blocks if block["type"] == "actions"]
    for element in elements_of(actions):
        carried = ids.TaskButton.decoded(element["value"])
        assert carried is not None
        assert carried.task == step()["task_id"]


def test_a_step_that_moved_says_from_where_to_where_and_why() -> None:
    moved = step(from_agent="node-a", to_agent="node-b", reason="node-a died")
    text = read(reply(notice(NoticeKind.TASK_REROUTED, moved)))
    assert "moved from node-a to node-b: node-a died" in text


def test_a_plan_that_waits_for_the_broker_says_that_it_goes_on_by_itself() -> None:
    shown = reply(notice(NoticeKind.DISPATCH_WAITS, {"reason": HOSTILE}))
    check(shown)
    assert "approved and queued" in read(shown)
    assert "by themselves" in read(shown)


def test_only_the_end_of_long_output_is_shown_and_said_so() -> None:
    owed = notice(
        NoticeKind.TASK_COMPLETED, step(output="x" * 1_999 + "!", output_characters=53_210)
    )
    assert not shows_all_output(owed)
    assert "The end of 53,210 characters" in read(reply(owed))
    assert "x!" in read(reply(owed))
    assert shows_all_output(notice(NoticeKind.TASK_COMPLETED, step()))


@pytest.mark.parametrize("steps", [1, 200])
@pytest.mark.parametrize("status", PlanStatus)
def test_the_end_of_a_plan_sums_up_each_step_with_its_duration(
    steps: int, status: PlanStatus
) -> None:
    ended: list[JsonValue] = [
        {
            "step_number": number,
            "name": f"Restart service-{number}",
            "status": "failed" if number == 2 else "completed",
            "duration_seconds": 61.0,
            "reason": "no space left" if number == 2 else None,
        }
        for number in range(1, steps + 1)
    ]
    content: dict[str, JsonValue] = {
        "status": status.value,
        "duration_seconds": 125.0,
        "steps": ended,
    }
    shown = reply(notice(NoticeKind.PLAN_ENDED, content))
    check(shown)
    assert "after 2 min 5 s" in shown.text
    assert "1. Restart service-1: done in 1 min 1 s" in read(shown)
    if steps > 1:
        assert "2. Restart service-2: failed in 1 min 1 s: no space left" in read(shown)


def test_what_cannot_be_done_is_said_with_what_can() -> None:
    content: dict[str, JsonValue] = {"out_of_scope": ["water the plants"], "offers": ["restart"]}
    shown = reply(notice(NoticeKind.OUT_OF_SCOPE, content))
    check(shown)
    assert "I cannot do that: “water the plants”." in read(shown)
    assert "• restart" in read(shown)


def test_what_was_to_wait_is_left_out_with_the_reason() -> None:
    later = "reboot db1 tomorrow"
    content: dict[str, JsonValue] = {"out_of_scope": [later], "deferred": [later], "offers": []}
    shown = reply(notice(NoticeKind.OUT_OF_SCOPE, content))
    check(shown)
    assert f"I cannot do that: “{later}”. {CANNOT_WAIT}" in read(shown)
    assert "It is noted" not in read(shown)


def test_a_request_that_came_to_nothing_says_why_and_what_next() -> None:
    shown = reply(notice(NoticeKind.REQUEST_FAILED, {"reason": "a fault", "hint": "Ask again."}))
    check(shown)
    assert "a fault" in read(shown)
    assert "Ask again." in read(shown)


def status_of(steps: int, text: str = "restart") -> PlanStatusResult:
    return PlanStatusResult(
        number=12,
        status=PlanStatus.EXECUTING,
        request_text=text,
        tasks=tuple(state(task(number), TaskStatus.FAILED, text) for number in range(1, steps + 1)),
        summary={"total": steps, "failed": steps},
        execution_logs=tuple(
            ExecutionLog(
                step_number=number,
                task_id="t",
                attempt_id="a",
                attempt_number=1,
                agent_id="local",
                work_type="w",
                status="failed",
                output=text * 100,
                reason=text,
            )
            for number in range(1, steps + 1)
        ),
    )


def plans_of(count: int) -> PlanList:
    item = PlanListItem(
        plan_id="p",
        number=12,
        revision=2,
        status=PlanStatus.EXECUTING,
        request_text=HOSTILE * 10,
        requester=HOSTILE,
        created_at=NOW,
        steps=5,
        completed=2,
    )
    return PlanList(plans=(item,) * count)


def story(count: int) -> Explanation:
    routing = RoutingView(
        step_number=1, task_id="t", attempt_number=2, sentence=HOSTILE * 5, at=NOW
    )
    choice = FallbackView(
        decision=FallbackChoice.USE_LOCAL,
        reason=FallbackReason.LOCAL_SUFFICIENT,
        tier=ModelTier.LOCAL,
        at=NOW,
    )
    event = AuditEvent(sequence=1, kind="plan_made", actor="U0ROBIN", at=NOW, details={"a": "<b>"})
    return Explanation(
        number=12,
        understood=(HOSTILE,) * count,
        routing=(routing,) * count,
        fallback=(choice,),
        events=(event,) * count,
    )


GAP = GapView(text=HOSTILE * 20, times=3, last_asked_at=NOW)
FAULT = Error(code=ErrorCode.NOT_FOUND, message=HOSTILE * 100, hint=HOSTILE, fault_id="f-1")


@pytest.mark.parametrize(
    "shown",
    [
        answers.thinking_message(),
        answers.help_message(),
        answers.usage_message(HOSTILE * 100),
        answers.usage_message(""),
        answers.error_message(FAULT),
        answers.status_message(status_of(1)),
        answers.status_message(status_of(200, HOSTILE)),
        answers.status_message(PlanStatusResult(error=FAULT)),
        answers.plans_message(PlanList()),
        answers.plans_message(plans_of(100)),
        answers.why_message(Explanation(number=1)),
        answers.why_message(story(200)),
        answers.logs_message(status_of(0)),
        answers.logs_message(status_of(200, HOSTILE)),
        answers.logs_message(status_of(3, HOSTILE), 2),
        answers.gaps_message(GapList()),
        answers.gaps_message(GapList(gaps=(GAP,) * 100)),
    ],
    ids=lambda shown: shown.text[:30],
)
def test_every_answer_can_be_posted_and_says_something_aloud(shown: Message) -> None:
    check(shown)
    assert shown.text.strip()


def test_logs_of_one_step_show_that_step_alone() -> None:
    text = read(answers.logs_message(status_of(3), 2))
    assert "*Step 12.2*" in text
    assert "*Step 12.1*" not in text


def test_help_and_usage_name_every_word_and_help_the_four_ways_to_ask() -> None:
    words = ("status", "plans", "cancel", "retry", "resume", "why", "logs", "gaps", "help")
    for shown in (answers.help_message(), answers.usage_message("dance")):
        assert all(f"/chiffon {word}" in read(shown) for word in words)
    assert "`dance`" in read(answers.usage_message("dance"))
    assert "Four ways to ask" in read(answers.help_message())


def test_an_error_says_what_happened_what_next_and_the_reference() -> None:
    error = Error(code=ErrorCode.INTERNAL_ERROR, message="It broke.", hint="Retry.", fault_id="f-7")
    text = read(answers.error_message(error))
    assert all(words in text for words in ("It broke.", "Retry.", "f-7"))


def test_the_modal_asks_for_a_reason_and_carries_what_was_shown() -> None:
    button = ids.PlanButton(plan="p" * 36, digest="d" * 64)
    view = reject_view(button, 1_234_567_890)
    assert problems_of_view(view) == []
    assert view["callback_id"] == ids.REJECT_VIEW
    assert ids.PlanButton.decoded(view["private_metadata"]) == button
    (asked,) = [block for block in view["blocks"] if block["type"] == "input"]
    assert (asked["block_id"], asked["element"]["action_id"]) == (
        ids.REASON_BLOCK,
        ids.REASON_INPUT,
    )


@pytest.mark.parametrize("count", [0, 1, 100])
def test_the_home_tab_can_be_shown(count: int) -> None:
    assert problems_of_view(home_view(plans_of(count))) == []


def test_names_are_mentions_only_where_they_are_slack_ids() -> None:
    assert person("U0ROBIN") == "<@U0ROBIN>"
    assert person("robin <!here>") == "robin &lt;!here&gt;"
    assert person(None) == "somebody"


def test_escaping_leaves_nothing_that_slack_would_act_on() -> None:
    assert escaped("<!channel> & \u202e") == "&lt;!channel&gt; &amp; &lt;U+202E&gt;"


@pytest.mark.parametrize("unit", ["&amp;", "<@U0ROBIN>", "é", "x"])
def test_a_text_is_cut_to_its_bytes_without_cutting_a_mention_or_an_entity(unit: str) -> None:
    cut = message(unit * 2_000).text
    assert len(cut.encode()) <= MAX_TEXT_BYTES
    assert cut.removesuffix("…").replace(unit, "") == ""


def test_durations_read_like_durations() -> None:
    assert [took(0.82), took(125), took(None)] == ["0.8 s", "2 min 5 s", ""]


def test_times_are_shown_in_each_readers_zone() -> None:
    at = datetime(2026, 11, 22, 21, 30, tzinfo=UTC)
    gap = GapView(text="x", times=1, last_asked_at=at)
    text = read(answers.gaps_message(GapList(gaps=(gap,))))
    stamp = int(at.timestamp())
    shown = f"<!date^{stamp}^{{date_short_pretty}} at {{time}}|2026-11-22 21:30 UTC>"
    assert shown in text


@pytest.mark.parametrize("number", [1, 3, 40])
@pytest.mark.parametrize("filling", ["node1", HOSTILE, "&" * 2_000], ids=["plain", "hostile", "&"])
def test_a_question_that_was_answered_is_shown_without_buttons(number: int, filling: str) -> None:
    asked = [
        Ambiguity.model_validate(ambiguity(filling, question=filling, name=f"{each}"))
        for each in range(number)
    ]
    shown = answered_message(asked, {"0": filling}, "U0ROBIN")
    check(shown)
    assert action_ids(shown) == []
    assert "<@U0ROBIN> answered" in read(shown)
    assert ("Asked again below." in read(shown)) == (number > 1)


def test_who_stopped_a_plan_is_said() -> None:
    shown = stopped_message(12, "U0ROBIN")
    check(shown)
    assert "Stopped by <@U0ROBIN>: plan #12" in read(shown)


def test_a_held_step_says_why_and_goes_on_by_a_click() -> None:
    shown = reply(notice(NoticeKind.TASK_HELD, step(reason="The budget is spent: raise it.")))
    check(shown)
    assert action_ids(shown) == [ids.RETRY]
    assert "held. The budget is spent: raise it." in read(shown)
    assert "not tried before somebody who may approve says so" in read(shown)
