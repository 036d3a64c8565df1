"""A plan as people see it before and after they decide: whole, over as many messages as it takes.

How a plan is split depends on the plan alone, never on where it stands: each part keeps room for
the most that a state may add, so that a change of state edits the same messages. The buttons
stand in the last message, so that nobody can approve what has not been shown.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from slackblocks import Button

from bot import ids
from bot.blocks.message import Message
from bot.blocks.parts import (
    MAX_BLOCKS,
    MAX_MESSAGE,
    MAX_SECTION,
    BlockDict,
    actions,
    asking,
    button,
    context,
    divider,
    header,
    message,
    packed,
    section,
)
from bot.blocks.text import (
    counted,
    cut,
    inline,
    listed,
    measure,
    moment,
    parameter,
    person,
    plan_name,
    quoted,
    wrapped,
)
from bot.blocks.words import PLAN_WORDS, counts, risk_words, task_words
from orchestrator.domain.approval import Policy
from orchestrator.domain.conversation import Card
from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.domain.plan import WorkTask
from orchestrator.domain.request import CANNOT_WAIT

_STATE_ROOM = 320  # what the line about a step's state may take
_REASON_LIMIT = 160
_TOP_ROOM = 500
_FOOT_ROOM = 5_300
_FOOT_BLOCKS = 8
_NOTES_LIMIT = 1_800
_APPROVERS_SHOWN = 20
_NAME_CHARACTERS = 30
_PHRASE = 200
_PHRASES_SHOWN = 5
_UNDECIDED = PlanStatus.PENDING_APPROVAL
_CANCELLABLE = {PlanStatus.APPROVED, PlanStatus.EXECUTING, PlanStatus.WAITING}


@dataclass(frozen=True)
class _Part:
    """Blocks that stay together: what they take at most in any state, and how to draw them."""

    room: int
    blocks: int
    draw: Callable[[Card], Sequence[BlockDict]]


def plan_card(card: Card) -> tuple[Message, ...]:
    """Return the messages that show a plan and where it stands."""
    pages = _pages(list(_parts(card)))
    return tuple(
        message(_spoken(card, page, len(pages)), *_drawn(card, parts, page, len(pages)))
        for page, parts in enumerate(pages, start=1)
    )


def _pages(parts: Sequence[_Part]) -> list[list[_Part]]:
    pages: list[list[_Part]] = [[]]
    room, blocks = _TOP_ROOM, 1
    for part in parts:
        if room + part.room > MAX_MESSAGE or blocks + part.blocks > MAX_BLOCKS:
            pages.append([])
            room, blocks = _TOP_ROOM, 1
        pages[-1].append(part)
        room += part.room
        blocks += part.blocks
    return pages


def _drawn(card: Card, parts: Sequence[_Part], page: int, pages: int) -> Iterator[BlockDict]:
    if page > 1:
        name = plan_name(card.plan.number, card.plan.revision)
        yield context(f"Plan {name}, part {page} of {pages}")
    for part in parts:
        yield from part.draw(card)


def _spoken(card: Card, page: int, pages: int) -> str:
    plan = card.plan
    part = f" Part {page} of {pages}." if pages > 1 else ""
    name = plan_name(plan.number, plan.revision)
    request = cut(plan.request_text, 200)
    return f"Plan {name}: {PLAN_WORDS[_status(card)]}. {_counts(card)}.{part} Request: {request}"


def _status(card: Card) -> PlanStatus:
    return card.state.status or card.plan.status


def _was_never_approved(card: Card) -> bool:
    """Say whether no step of it can have run, so that there is no progress to show."""
    return card.plan.approved_at is None


def _counts(card: Card) -> str:
    if _was_never_approved(card):
        steps = counted(len(card.plan.tasks), "step")
        return steps if _status(card) is _UNDECIDED else f"None of {steps} was run"
    return counts(card.state.summary)


def _parts(card: Card) -> Iterator[_Part]:
    yield _Part(_TOP_ROOM, 2, _head)
    plan = card.plan
    yield from _fixed(packed(quoted(plan.request_text, MAX_SECTION)))
    asked = f"Asked by {person(plan.requester)}"
    yield _Part(measure(asked), 1, lambda _: [context(asked)])
    yield _Part(0, 1, lambda _: [divider()])
    previous = (None, *(task.step_number for task in plan.tasks))
    for before, task in zip(previous, plan.tasks, strict=False):
        yield from _step(task, before)
    yield from _fixed(packed(list(_remarks(card))))
    yield _Part(_FOOT_ROOM, _FOOT_BLOCKS, _foot)


def _fixed(paragraphs: Sequence[str]) -> Iterator[_Part]:
    for paragraph in paragraphs:
        yield _Part(measure(paragraph), 1, _always(section(paragraph)))


def _always(block: BlockDict) -> Callable[[Card], Sequence[BlockDict]]:
    return lambda _: [block]


def _head(card: Card) -> list[BlockDict]:
    plan = card.plan
    revision = f" (revision {plan.revision})" if plan.revision > 1 else ""
    status = PLAN_WORDS[_status(card)].capitalize()
    return [
        header(f"Plan #{plan.number}{revision}"),
        section(f"*{status}.* {_counts(card)}."),
    ]


# --- one step -----------------------------------------------------------------------------------


def _step(task: WorkTask, before: int | None) -> Iterator[_Part]:
    """Yield one step: its first paragraph ends with where it stands."""
    first, *others = packed(list(_step_lines(task, before)), first=MAX_SECTION - _STATE_ROOM)

    def draw(card: Card) -> list[BlockDict]:
        return [section(f"{first}{_state_line(card, task)}")]

    yield _Part(measure(first) + _STATE_ROOM, 1, draw)
    yield from _fixed(others)


def _state_line(card: Card, task: WorkTask) -> str:
    if _was_never_approved(card):
        return ""
    for state in card.state.tasks:
        if state.task_id == task.task_id:
            whole = f"whole: `why {card.plan.number}.{task.step_number}`"
            return f"\n{task_words(state, reason_limit=_REASON_LIMIT, whole=whole)}"
    return ""


def _step_lines(task: WorkTask, before: int | None) -> Iterator[str]:
    limit = MAX_SECTION - _STATE_ROOM - 100
    name, *rest = wrapped(task.name, limit)
    yield f"*{task.step_number}. {name}*"
    yield from rest
    for key, value in sorted(task.parameters.items()):
        first, *others = parameter(key, value, limit)
        yield f"• {first}"
        yield from others
    yield from wrapped(_place(task), limit)
    yield f"Risk {risk_words(task.risk)}"
    if order := _order(task, before):
        yield order
    if task.source_words:
        words = f"Understood from “{task.source_words}” ({task.confidence:.0%} sure)"
        yield from wrapped(words, limit)
    for note in task.notes:
        yield from wrapped(f"Note: {note}", limit)


def _place(task: WorkTask) -> str:
    target = f" on {task.target}," if task.target else ""
    model = f", with a language model ({task.model_tier})" if task.reasoning else ""
    return f"Runs {task.capability}{target} by an agent of the pool {task.agent_type}{model}"


def _order(task: WorkTask, before: int | None) -> str:
    """Return what it waits for, unless that is simply the step before."""
    waits = sorted(task.depends_on)
    if waits == ([] if before is None else [before]):
        return ""
    if not waits:
        return "Waits for no other step"
    follows = len(waits) > 2 and all(after == first + 1 for first, after in pairwise(waits))  # noqa: PLR2004 - from three on a span is shorter
    steps = f"{waits[0]} to {waits[-1]}" if follows else listed(map(str, waits))
    return f"Waits for step{'s' if len(waits) > 1 else ''} {steps}"


# --- below the steps ----------------------------------------------------------------------------


def _remarks(card: Card) -> Iterator[str]:
    plan = card.plan
    for words in plan.out_of_scope:
        why = CANNOT_WAIT if words in plan.deferred else "Nothing here can do that."
        yield from wrapped(f"Left out: “{words}”. {why}", MAX_SECTION)
    if plan.will_use_external_ai:
        yield "Calls for an external language model; a note says what is sent where."
    for note in plan.notes:
        yield from wrapped(f"Note: {note}", MAX_SECTION)


def _foot(card: Card) -> list[BlockDict]:
    status = _status(card)
    if status is _UNDECIDED:
        return _undecided(card)
    blocks = [divider(), section(_decision(card))]
    if card.policy == Policy.ONLY_APPROVER and card.plan.approved_at:
        blocks.append(context("The approver asked for it too: nobody else looked at this plan."))
    if status in _CANCELLABLE:
        blocks.append(actions(_cancel_button(card)))
    blocks += _phrases(card)
    if status is PlanStatus.FAILED:
        blocks.append(context("Resume runs what failed or was not run; what is done stays done."))
        blocks.append(actions(button("Resume", ids.RESUME, _value(card), style="primary")))
    return blocks


def _undecided(card: Card) -> list[BlockDict]:
    if not card.approvers:
        words = (
            "*Nothing can be approved:* nobody is named who may. Name someone in CHIFFON_ADMINS "
            "(their Slack member id) and start Chiffon again; this plan waits."
        )
        return [
            divider(),
            section(words),
            context(_until(card)),
            # Whoever asked may always drop it, or say better what was meant.
            actions(_cancel_button(card), _not_meant_button(card)),
        ]
    return [
        divider(),
        context(f"{_who_may(card)} {_until(card)}"),
        actions(
            _approve_button(card),
            button("Reject", ids.REJECT, _value(card), style="danger"),
            _cancel_button(card),
            _not_meant_button(card),
        ),
        *_phrases(card),
    ]


def _phrases(card: Card) -> list[BlockDict]:
    """Offer to remember what was corrected; say what is remembered."""
    if not card.phrases:
        return []
    lines = [
        f"“{cut(each.text, _PHRASE)}” means {inline(each.capability)}"
        for each in card.phrases[:_PHRASES_SHOWN]
    ]
    if all(each.remembered for each in card.phrases):
        return [context(f"Remembered: {'; '.join(lines)}.")]
    several = len(card.phrases) > 1
    return [
        context(f"{'; '.join(lines)}, whoever asked says. An approver may have that remembered."),
        actions(
            button(
                "Remember these phrases" if several else "Remember this phrase",
                ids.REMEMBER,
                _value(card),
            )
        ),
    ]


def _who_may(card: Card) -> str:
    risky = any(task.risk not in {"none", "low"} for task in card.plan.tasks)
    others = [name for name in card.approvers if name != card.plan.requester]
    may = others if risky and len(card.approvers) > 1 else list(card.approvers)
    shown = [person(name[:_NAME_CHARACTERS]) for name in may[:_APPROVERS_SHOWN]]
    if len(may) > len(shown):
        shown.append(f"{len(may) - len(shown)} more")
    own = ""
    if len(may) < len(card.approvers):
        own = (
            f" {person(card.plan.requester)} asked for it and may not: it is of more than low risk."
        )
    return f"Nothing runs before approval. May decide: {listed(shown, last='or')}.{own}"


def _until(card: Card) -> str:
    expires = card.plan.expires_at
    return f"It can be approved until {moment(expires)}." if expires else "It does not expire."


def _decision(card: Card) -> str:
    plan, status = card.plan, _status(card)
    if status is PlanStatus.SUPERSEDED:
        return "A newer revision took the place of this one. Nothing of this one runs."
    deed = _deed(card)
    if deed is None:
        return "Nobody decided in time, so nothing was run. Ask again to have it planned anew."
    line = f"{deed} by {person(plan.decided_by)} at {moment(card.decided_at or plan.approved_at)}"
    if card.decision_notes:
        shown = cut(card.decision_notes, _NOTES_LIMIT)
        whole = "" if shown == inline(card.decision_notes) else f" (whole: `why {plan.number}`)"
        line += f": “{shown}”{whole}"
    if status is PlanStatus.EXPIRED:
        line += "\nIt did not start in time and has expired."
    return line


def _deed(card: Card) -> str | None:
    """Return what was decided; None where nobody did."""
    status = _status(card)
    if status is PlanStatus.REJECTED:
        return "Rejected"
    if card.plan.approved_at is not None:
        return "Approved"
    if status is PlanStatus.EXPIRED:
        return None
    return "Cancelled" if status is PlanStatus.CANCELLED else "Approved"


# --- buttons ------------------------------------------------------------------------------------


def _value(card: Card) -> str:
    return ids.PlanButton(plan=card.plan.plan_id, digest=card.plan.digest).encoded()


def _approve_button(card: Card) -> Button:
    number = card.plan.number
    confirm = None
    if any(task.risk not in {"none", "low", "medium"} for task in card.plan.tasks):
        confirm = asking(
            f"Approve plan #{number}?",
            "At least one step is of high risk: what it changes or deletes may not come back.",
            "Approve",
            "Look again",
            "danger",
        )
    return button("Approve", ids.APPROVE, _value(card), style="primary", confirm=confirm)


def _not_meant_button(card: Card) -> Button:
    value = ids.RequestButton(request=card.plan.request_id).encoded()
    return button("Not what I meant", ids.NOT_MEANT, value)


def _cancel_button(card: Card) -> Button:
    """Offer to drop a plan. Before the decision it must not look like Reject beside it."""
    undecided = _status(card) is _UNDECIDED
    confirm = asking(
        f"Cancel plan #{card.plan.number}?",
        "Nothing of it has run, and nothing of it will."
        if undecided
        else "What has not started never will; what runs is told to stop. What is done stays done.",
        "Cancel the plan",
        "Keep it" if undecided else "Go on",
        "danger",
    )
    style: Literal["danger"] | None = None if undecided else "danger"
    return button("Cancel", ids.CANCEL, _value(card), style=style, confirm=confirm)
