import html
import itertools
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import ids
from bot.blocks.card import plan_card
from bot.blocks.message import Message
from bot.blocks.parts import MAX_BLOCKS
from bot.blocks.replies import texts_in
from bot.blocks.text import exact
from bot.local_slack.validation import problems_of_message
from orchestrator.domain.approval import Policy
from orchestrator.domain.lifecycle import PlanStatus, TaskStatus
from orchestrator.domain.views import Phrase
from tests.bot.blocks.samples import (
    DECIDED,
    HOSTILE,
    NOW,
    action_ids,
    card,
    elements_of,
    payload,
    read,
    size,
    task,
)

TRUSTED = {"<@U0ROBIN>", "<@U0ADMIN>"}


def check(messages: tuple[Message, ...]) -> None:
    for message in messages:
        assert problems_of_message(payload(message), update=True) == []
        assert len(message.blocks) <= MAX_BLOCKS
        assert size(message) <= 12_000
        commands = re.findall(r"<[^>]*>", json.dumps(payload(message), ensure_ascii=False))
        assert [each for each in commands if each not in TRUSTED and "!date^" not in each] == []


def code_of(messages: tuple[Message, ...]) -> str:
    """All code spans, joined: what a long parameter was split into. The request has none."""
    texts = [text for it in messages for text in texts_in(list(it.blocks))]
    steps = [html.unescape(text) for text in texts if not text.startswith(">")]
    return "".join(span for text in steps for span in re.findall(r"`([^`]*)`", text))


@pytest.mark.parametrize("status", PlanStatus)
@pytest.mark.parametrize("steps", [1, 2, 17, 60, 200])
def test_a_card_of_any_size_and_state_is_within_slacks_limits_and_complete(
    steps: int, status: PlanStatus
) -> None:
    tasks = tuple(task(number) for number in range(1, steps + 1))
    messages = plan_card(card(tasks, status))
    check(messages)
    text = read(*messages)
    for each in tasks:
        assert f"*{each.step_number}. {each.name}*" in text
        for key, value in each.parameters.items():
            assert f"`{key} = {json.dumps(value)}`" in text


@pytest.mark.parametrize("length", [100, 2_900, 3_100, 9_999, 40_000])
@pytest.mark.parametrize("filling", ["x", "&", "`", "\U0001f600", "\u202e", "\n", HOSTILE])
def test_a_long_or_hostile_parameter_is_shown_whole_and_does_nothing(
    length: int, filling: str
) -> None:
    value = (filling * length)[:length]
    shown = card((task(1, parameters={"text": value}, name=HOSTILE, source_words=HOSTILE),))
    messages = plan_card(shown)
    check(messages)
    joined = code_of(messages)
    found = json.JSONDecoder().raw_decode(joined, joined.index("text = ") + len("text = "))[0]
    assert found == value
    assert "`" not in exact(value)


PAIRS = tuple(itertools.product(PlanStatus, TaskStatus))
# Of a long plan, which costs, each state once.
SOME = tuple(zip(PlanStatus, itertools.cycle(TaskStatus), strict=False))


@pytest.mark.parametrize(
    ("steps", "status", "task_status"),
    [*((1, *pair) for pair in PAIRS), *((45, *pair) for pair in SOME)],
)
def test_whatever_the_state_the_number_of_messages_stays(
    steps: int, status: PlanStatus, task_status: TaskStatus
) -> None:
    tasks = tuple(task(number, notes=("&" * 400,)) for number in range(1, steps + 1))
    fresh = plan_card(card(tasks))
    later = plan_card(
        card(
            tasks,
            status,
            task_status=task_status,
            reason="<" * 5_000,
            notes=HOSTILE * 100,
            policy=Policy.ONLY_APPROVER,
            approvers=tuple(f"U0ADMIN{number}" for number in range(300)),
        ).model_copy(update={"phrases": (Phrase(capability="x" * 64, text=HOSTILE * 3),) * 9})
    )
    assert len(later) == len(fresh)
    for message in later:
        assert problems_of_message(payload(message), update=True) == []
        assert size(message) <= 12_000


texts = st.text(max_size=300) | st.sampled_from([HOSTILE, HOSTILE * 20])
names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
drawn_tasks = st.builds(
    lambda name, words, values, notes, risk: {
        "name": name or "step",
        "source_words": words,
        "parameters": values,
        "notes": notes,
        "risk": risk,
    },
    texts,
    texts,
    st.dictionaries(names, texts | st.integers(), max_size=4),
    st.lists(texts, max_size=2).map(tuple),
    st.sampled_from(["none", "low", "medium", "high", "odd"]),
)


@settings(max_examples=30)
@given(
    st.lists(drawn_tasks, min_size=1, max_size=6),
    st.sampled_from(PlanStatus),
    st.sampled_from(TaskStatus),
    texts,
    st.lists(texts, max_size=3).map(tuple),
)
def test_any_plan_is_shown_whole_within_the_limits_in_as_many_messages_as_before(
    drawn: list[dict[str, Any]],
    status: PlanStatus,
    task_status: TaskStatus,
    text: str,
    out_of_scope: tuple[str, ...],
) -> None:
    tasks = tuple(task(number, **each) for number, each in enumerate(drawn, start=1))
    said: dict[str, Any] = {"request_text": text or "x", "out_of_scope": out_of_scope}
    messages = plan_card(card(tasks, status, task_status=task_status, reason=text, **said))
    check(messages)
    assert len(messages) == len(plan_card(card(tasks, **said)))
    joined = code_of(messages)
    for each in tasks:
        for key, value in each.parameters.items():
            shown = json.dumps(value, ensure_ascii=False)
            assert key in joined
            if shown.isascii() and shown.isprintable() and not {"`", "\\"} & set(shown):
                assert f"{key} = {shown}" in joined


def test_buttons_stand_in_the_last_message_alone_and_name_what_was_shown() -> None:
    messages = plan_card(card(tuple(task(number) for number in range(1, 61))))
    assert len(messages) > 1
    *before, last = [action_ids(message) for message in messages]
    assert before == [[]] * len(before)
    assert last == [ids.APPROVE, ids.REJECT, ids.CANCEL, ids.NOT_MEANT]
    buttons = elements_of(messages[-1].blocks[-1])
    for element in (each for each in buttons if each["action_id"] != ids.NOT_MEANT):
        button = ids.PlanButton.decoded(element["value"])
        assert button is not None
        assert button.digest == "a" * 64


@pytest.mark.parametrize(
    ("status", "buttons"),
    [
        (
            PlanStatus.PENDING_APPROVAL,
            [ids.APPROVE, ids.REJECT, ids.CANCEL, ids.NOT_MEANT],
        ),
        (PlanStatus.APPROVED, [ids.CANCEL]),
        (PlanStatus.EXECUTING, [ids.CANCEL]),
        (PlanStatus.WAITING, [ids.CANCEL]),
        (PlanStatus.FAILED, [ids.RESUME]),
        (PlanStatus.COMPLETED, []),
        (PlanStatus.REJECTED, []),
        (PlanStatus.CANCELLED, []),
        (PlanStatus.EXPIRED, []),
        (PlanStatus.SUPERSEDED, []),
    ],
)
def test_a_card_offers_what_its_state_allows(status: PlanStatus, buttons: list[str]) -> None:
    (message,) = plan_card(card((task(1),), status))
    assert action_ids(message) == buttons


def test_nobody_named_means_that_it_can_be_dropped_alone_and_a_way_out() -> None:
    (message,) = plan_card(card((task(1),), approvers=()))
    assert action_ids(message) == [ids.CANCEL, ids.NOT_MEANT]
    assert "CHIFFON_ADMINS" in read(message)


@pytest.mark.parametrize(("risk", "asks"), [("none", False), ("medium", False), ("high", True)])
def test_only_high_risk_asks_twice(risk: str, asks: bool) -> None:
    (message,) = plan_card(card((task(1), task(2, risk=risk))))
    approve = next(iter(elements_of(message.blocks[-1])))
    assert ("confirm" in approve) is asks


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (PlanStatus.PENDING_APPROVAL, "Nothing of it has run"),
        (PlanStatus.EXECUTING, "what runs is told to stop"),
    ],
)
def test_cancel_asks_twice_and_says_what_it_does(status: PlanStatus, said: str) -> None:
    (message,) = plan_card(card((task(1),), status))
    buttons = elements_of(message.blocks[-1])
    cancel = next(each for each in buttons if each["action_id"] == ids.CANCEL)
    assert said in json.dumps(cancel["confirm"])


@pytest.mark.parametrize("status", sorted(DECIDED))
def test_a_decided_card_names_who_and_when(status: PlanStatus) -> None:
    (message,) = plan_card(card((task(1),), status))
    assert f"Approved by <@U0ADMIN> at <!date^{int(NOW.timestamp())}^" in read(message)


def test_a_rejection_gives_its_reason_and_an_only_approver_is_named_as_such() -> None:
    (rejected,) = plan_card(card((task(1),), PlanStatus.REJECTED, notes="not on a Friday"))
    assert "Rejected by <@U0ADMIN>" in read(rejected)
    assert "“not on a Friday”" in read(rejected)
    (alone,) = plan_card(card((task(1),), PlanStatus.APPROVED, policy=Policy.ONLY_APPROVER))
    assert "nobody else looked" in read(alone)


@pytest.mark.parametrize("status", [PlanStatus.REJECTED, PlanStatus.CANCELLED, PlanStatus.EXPIRED])
def test_a_plan_that_was_never_approved_says_that_nothing_was_run(status: PlanStatus) -> None:
    (message,) = plan_card(card((task(1), task(2)), status))
    assert "None of 2 steps was run" in read(message)
    assert "○ waiting" not in read(message)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (TaskStatus.PENDING, "○ waiting"),
        (TaskStatus.EXECUTING, "▶ at work, 40 % on local-infra"),
        (TaskStatus.COMPLETED, "✓ done in 3.0 s on local-infra"),
        (TaskStatus.FAILED, "✗ failed in 3.0 s on local-infra: no space left"),
        (TaskStatus.OUTCOME_UNKNOWN, "? outcome unknown"),
    ],
)
def test_each_step_says_in_words_where_it_stands(status: TaskStatus, words: str) -> None:
    reason = "no space left" if status is TaskStatus.FAILED else None
    shown = card((task(1),), PlanStatus.EXECUTING, task_status=status, reason=reason)
    assert words in read(*plan_card(shown))


def test_the_text_for_screen_readers_says_which_plan_where_it_stands_and_how_far() -> None:
    shown = card((task(1), task(2)), PlanStatus.EXECUTING, task_status=TaskStatus.COMPLETED)
    (message,) = plan_card(shown)
    assert message.text.startswith("Plan #12: at work. 2 of 2 steps done.")


def test_an_order_that_is_not_simply_one_after_the_other_is_told() -> None:
    tasks = (task(1), task(2), task(3, depends_on=()), task(4, depends_on=(1, 3)))
    text = read(*plan_card(card((*tasks, task(5, depends_on=(1, 2, 3, 4))))))
    assert text.count("Waits for") == 3
    for words in ("Waits for no other step", "Waits for steps 1 and 3", "Waits for steps 1 to 4"):
        assert words in text


def test_what_was_left_out_noted_or_goes_outside_is_told() -> None:
    said = card((task(1),), out_of_scope=("water the plants",), will_use_external_ai=True)
    text = read(*plan_card(said))
    assert "“water the plants”" in text
    assert "external language model" in text


def test_what_was_corrected_may_be_remembered_and_then_is_said() -> None:
    phrase = Phrase(capability="service.restart", text="kick <!channel> it")
    for status in (PlanStatus.PENDING_APPROVAL, PlanStatus.COMPLETED):
        fresh = card((task(1),), status).model_copy(update={"phrases": (phrase,)})
        (offered,) = plan_card(fresh)
        check((offered,))
        assert action_ids(offered)[-1] == ids.REMEMBER
        known = (phrase.model_copy(update={"remembered": True}),)
        (later,) = plan_card(fresh.model_copy(update={"phrases": known}))
        check((later,))
        assert ids.REMEMBER not in action_ids(later)
        assert "Remembered: “kick &lt;!channel&gt; it” means service.restart." in str(later.blocks)
