"""What the thread tells: questions, what happened to a step, how the plan ended."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from bot import ids
from bot.blocks.message import Message
from bot.blocks.parts import (
    MAX_LABEL,
    MAX_MENU_VALUE,
    MAX_MESSAGE,
    MAX_SECTION,
    BlockDict,
    actions,
    button,
    context,
    fitting,
    menu,
    message,
    section,
)
from bot.blocks.text import (
    code_block,
    cut,
    escaped,
    inline,
    measure,
    person,
    plan_name,
    took,
)
from bot.blocks.words import PLAN_WORDS, TASK_WORDS
from orchestrator.domain.conversation import Notice, NoticeKind
from orchestrator.domain.lifecycle import PlanStatus, TaskStatus
from orchestrator.domain.request import CANNOT_WAIT, Ambiguity

OUTPUT_SHOWN = 2_000  # characters of a step's output that a reply shows: its end

_REASON_LIMIT = 2_500
_BUTTONS = 5
_DIRECT = "D"  # how the ids of direct conversations begin
_MENU_OPTIONS = 100
_QUESTION_BLOCKS = 40
_QUESTION_LIMIT = 1_200
_ANSWERED_SHOWN = 10
_UNDERSTOOD_ROOM = 1_500
_OPTIONS_ROOM = 2_000
_LABELS_ROOM = 5_000


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Question(_Content):
    ambiguities: tuple[Ambiguity, ...]
    understood: tuple[str, ...] = ()


class _OutOfScope(_Content):
    out_of_scope: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()


class _Failure(_Content):
    reason: str = ""
    hint: str = ""


class _Step(_Content):
    step_number: int
    name: str = ""
    task_id: str = ""
    reason: str | None = None
    agent_name: str | None = None
    attempt_number: int | None = None
    exit_code: int | None = None
    duration_seconds: float | None = None
    output: str | None = None
    output_characters: int | None = None
    from_agent: str | None = None
    to_agent: str | None = None


class _EndedStep(_Content):
    step_number: int
    name: str = ""
    status: TaskStatus
    duration_seconds: float | None = None
    reason: str | None = None


class _Ended(_Content):
    status: PlanStatus
    duration_seconds: float | None = None
    steps: tuple[_EndedStep, ...] = ()


def reply(notice: Notice) -> Message:
    """Return the reply that a notice asks for."""
    return _BUILDERS[notice.kind](notice)


def stopped_message(number: int, who: str) -> Message:
    """Say who stopped a plan."""
    text = (
        f"Stopped by {person(who)}: plan {plan_name(number)} is cancelled. "
        "What has not started never will; what is done stays done."
    )
    return message(text, section(text))


def answered_message(questions: Sequence[Ambiguity], given: Mapping[str, str], who: str) -> Message:
    """Return what takes the place of a question that was answered by a reply: no buttons.

    Args:
        questions: what was asked.
        given: the answers, by question.
        who: the person who gave them.
    """
    blocks: list[BlockDict] = []
    for question in questions[:_ANSWERED_SHOWN]:
        blocks.append(section(f"*{cut(question.question, 500)}*"))
        answer = given.get(question.id)
        said = f"{person(who)} answered *{cut(answer, 300)}*" if answer else "Asked again below."
        blocks.append(context(said))
    return message(f"Answered: {cut(questions[0].question, 500)}", *blocks)


def shows_all_output(notice: Notice) -> bool:
    """Say whether the reply shows all that the step said; else the rest belongs in a file."""
    said, characters = notice.content.get("output"), notice.content.get("output_characters")
    if not isinstance(said, str) or not isinstance(characters, int):
        return True
    return characters <= min(len(said), OUTPUT_SHOWN)


# --- before there is a plan ---------------------------------------------------------------------


def _question(notice: Notice) -> Message:
    asked = _Question.model_validate(notice.content)
    return question_message(
        notice.request_id, asked.ambiguities, asked.understood, channel=notice.channel
    )


def question_message(
    request_id: str,
    ambiguities: tuple[Ambiguity, ...],
    understood: tuple[str, ...] = (),
    *,
    channel: str,
) -> Message:
    """Ask what is unclear, with likely answers to pick; also for who asks again what is open."""
    blocks: list[BlockDict] = []
    if understood:
        lines = ["So far I understood:", *(f"• {cut(line, 300)}" for line in understood)]
        blocks += fitting(lines, "The plan will show all of it.", total=_UNDERSTOOD_ROOM)
    room = MAX_MESSAGE - _UNDERSTOOD_ROOM
    shown = 0
    for ambiguity in ambiguities:
        asked = list(_asked(request_id, ambiguity))
        room -= _room(asked)
        if shown and (room < 0 or len(blocks) + len(asked) > _QUESTION_BLOCKS):
            break
        blocks += asked
        shown += 1
    if shown < len(ambiguities):
        blocks.append(context(f"{len(ambiguities) - shown} more to ask after this."))
    blocks.append({**context(_how_to_answer(ambiguities, channel)), "block_id": ids.HOW_TO_ANSWER})
    blocks.append({**not_meant(request_id), "block_id": ids.NOT_MEANT})
    first = inline(ambiguities[0].question) if ambiguities else "What do you mean?"
    return message(f"A question before I can plan: {first}", *blocks)


def _how_to_answer(ambiguities: tuple[Ambiguity, ...], channel: str) -> str:
    """Say how; in a channel a reply without a mention need not reach the bot."""
    pickable = any(ambiguity.options for ambiguity in ambiguities)
    if channel.startswith(_DIRECT):
        own = "reply here with your own words" if pickable else "Reply here with your answer"
    else:
        own = "reply here and mention me" if pickable else "Reply here and mention me"
        own += ": `@chiffon` and your answer"
    return f"Pick an answer, or {own}." if pickable else f"{own}."


def _asked(request_id: str, ambiguity: Ambiguity) -> Iterator[BlockDict]:
    yield section(f"*{cut(ambiguity.question, _QUESTION_LIMIT)}*")
    options = list(_offered(ambiguity.options))
    if any(len(option) > MAX_LABEL for option in options):
        lines = [f"• {cut(option, 500)}" for option in options]
        yield from fitting(lines, "The menu has them all.", total=_OPTIONS_ROOM)
    values = [
        ids.AnswerButton(request=request_id, ambiguity=ambiguity.id, option=number).encoded()
        for number in range(len(options))
    ]
    if not options:
        return
    if len(options) <= _BUTTONS:
        yield actions(
            *(
                button(option, f"{ids.ANSWER}:{number}", values[number])
                for number, option in enumerate(options)
            )
        )
    elif max(map(len, values)) <= MAX_MENU_VALUE:
        pairs = list(zip(options, values, strict=True))
        yield actions(menu("Pick an answer", ids.ANSWER_MENU, pairs))
    else:
        lines = [f"• {cut(option, 200)}" for option in options]
        yield from fitting(lines, "Any of them will do.", total=_OPTIONS_ROOM)


def _offered(options: Sequence[str]) -> Iterator[str]:
    """Yield as many options as a menu and its message can hold."""
    room = _LABELS_ROOM
    for option in options[:_MENU_OPTIONS]:
        room -= min(MAX_LABEL, measure(escaped(option)))
        if room >= 0:
            yield option


def _room(blocks: list[BlockDict]) -> int:
    """Return what blocks take: every text in them."""
    return sum(measure(text) for block in blocks for text in texts_in(block))


def texts_in(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield every text that is shown anywhere within blocks."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "text" and isinstance(inner, str):
                yield inner
            else:
                yield from texts_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_in(inner)


def _out_of_scope(notice: Notice) -> Message:
    content = _OutOfScope.model_validate(notice.content)
    found = out_of_scope_message(content.out_of_scope, content.offers, deferred=content.deferred)
    return message(found.text, *found.blocks, not_meant(notice.request_id))


def not_meant(request_id: str) -> BlockDict:
    """Let whoever asked say which capability was meant."""
    value = ids.RequestButton(request=request_id).encoded()
    return actions(button("Not what I meant", ids.NOT_MEANT, value))


def out_of_scope_message(
    out_of_scope: tuple[str, ...], offers: tuple[str, ...], *, deferred: tuple[str, ...] = ()
) -> Message:
    """Say in one sentence that nothing can be done, and what could."""
    said = cut("; ".join(out_of_scope), 600)
    sentence = f"I cannot do that: “{said}”." if said else "I cannot do that."
    if deferred:
        sentence = f"{sentence} {CANNOT_WAIT}"
    noted = " It is noted, so that the people who run me can see it."
    waits = bool(deferred) and {*out_of_scope} <= {*deferred}  # that is no gap of the catalogue
    blocks = [section(sentence if waits else f"{sentence}{noted}")]
    if offers:
        lines = ["What I can do:", *(f"• {cut(offer, 300)}" for offer in offers)]
        blocks += fitting(lines, "Say `help` for more.")
    return message(sentence, *blocks)


def _request_failed(notice: Notice) -> Message:
    failure = _Failure.model_validate(notice.content)
    sentence = f"I could not plan this: {cut(failure.reason, _REASON_LIMIT) or 'a fault'}"
    blocks = [section(sentence), context("Nothing was planned and nothing was run.")]
    if failure.hint:
        blocks.append(section(cut(failure.hint, _REASON_LIMIT)))
    return message(sentence, *blocks)


# --- what happened to a step --------------------------------------------------------------------


def _step_of(notice: Notice) -> tuple[_Step, str]:
    step = _Step.model_validate(notice.content)
    return step, f"Step {notice.number or 0}.{step.step_number} {cut(step.name, 200)}"


def _completed(notice: Notice) -> Message:
    step, name = _step_of(notice)
    sentence = f"✓ {name}: done{_spent(step)}"
    return message(sentence, section(sentence), *_output(notice, step))


def _failed(notice: Notice) -> Message:
    step, name = _step_of(notice)
    code = f", exit code {step.exit_code}" if step.exit_code is not None else ""
    reason = cut(step.reason or "no reason was given", _REASON_LIMIT)
    sentence = f"✗ {name}: failed{_spent(step)}{code}: {reason}"
    blocks = [section(sentence), *_output(notice, step)]
    if step.task_id and notice.plan_id:
        retry = button("Retry", ids.RETRY, _task_value(notice, step), style="primary")
        blocks.append(actions(retry))
    return message(sentence, *blocks)


def _rerouted(notice: Notice) -> Message:
    step, name = _step_of(notice)
    origin = f" from {cut(step.from_agent, 100)}" if step.from_agent else ""
    target = f" to {cut(step.to_agent, 100)}" if step.to_agent else " to another agent"
    reason = f": {cut(step.reason, _REASON_LIMIT)}" if step.reason else ""
    sentence = f"→ {name}: moved{origin}{target}{reason}"
    return message(sentence, section(sentence))


def _held(notice: Notice) -> Message:
    step, name = _step_of(notice)
    reason = cut(step.reason or "a limit is spent", _REASON_LIMIT)
    sentence = f"{person(notice.requester)} – {name}: held. {reason}"
    return message(
        sentence,
        section(f"{sentence}\nIt is not tried before somebody who may approve says so."),
        actions(button("Try again", ids.RETRY, _task_value(notice, step), style="primary")),
    )


def _waits(notice: Notice) -> Message:
    content = _Failure.model_validate(notice.content)
    sentence = (
        f"Plan {plan_name(notice.number or 0)} is approved and queued: agents cannot be reached "
        "at the moment. Its steps go out by themselves as soon as they can."
    )
    return message(sentence, section(sentence), context(cut(content.reason, _REASON_LIMIT)))


def _unknown(notice: Notice) -> Message:
    step, name = _step_of(notice)
    reason = f" {cut(step.reason, _REASON_LIMIT - 400)}" if step.reason else ""
    sentence = f"? {name}: outcome unknown{_spent(step)}.{reason}"
    value = _task_value(notice, step)
    return message(
        f"{person(notice.requester)} {sentence}",
        section(
            f"{sentence}\nIt may or may not have happened. {person(notice.requester)}: look at "
            "what it changes, then say what became of it."
        ),
        *_output(notice, step),
        actions(
            button("Retry", ids.RETRY, value),
            button("Mark done", ids.MARK_DONE, value),
            button("Mark failed", ids.MARK_FAILED, value, style="danger"),
        ),
    )


def _task_value(notice: Notice, step: _Step) -> str:
    return ids.TaskButton(plan=notice.plan_id or "", task=step.task_id).encoded()


def _spent(step: _Step) -> str:
    spent = f" in {took(step.duration_seconds)}" if step.duration_seconds is not None else ""
    where = f" on {cut(step.agent_name, 100)}" if step.agent_name else ""
    again = step.attempt_number or 1
    return f"{spent}{where}" + (f" (attempt {again})" if again > 1 else "")


def _output(notice: Notice, step: _Step) -> Iterator[BlockDict]:
    if not (step.output or "").strip():
        return
    said = (step.output or "")[-OUTPUT_SHOWN:]
    shown = code_block(said, MAX_SECTION)
    yield section(shown)
    whole = escaped(said.strip("\n")) in shown.replace("\u200b", "")
    if not whole or not shows_all_output(notice):
        total = max(step.output_characters or 0, len(said))
        yield context(
            f"The end of {total:,} characters. All of it, in a terminal: "
            f"`chiffon plan show {notice.number or 0} --output`"
        )


# --- the end ------------------------------------------------------------------------------------


def _ended(notice: Notice) -> Message:
    content = _Ended.model_validate(notice.content)
    done = sum(step.status is TaskStatus.COMPLETED for step in content.steps)
    spent = f" after {took(content.duration_seconds)}" if content.duration_seconds else ""
    name = plan_name(notice.number or 0)
    sentence = (
        f"Plan {name} {_ENDS.get(content.status, PLAN_WORDS[content.status])}{spent}: "
        f"{done} of {len(content.steps)} steps done."
    )
    lines = [_ended_line(step) for step in content.steps]
    return message(sentence, section(f"*{sentence}*"), *fitting(lines, "The card shows them all."))


_ENDS: Mapping[PlanStatus, str] = {
    PlanStatus.COMPLETED: "is done",
    PlanStatus.FAILED: "has failed",
    PlanStatus.CANCELLED: "was cancelled",
    PlanStatus.EXPIRED: "has expired",
    PlanStatus.REJECTED: "was rejected",
}


def _ended_line(step: _EndedStep) -> str:
    sign, word = TASK_WORDS[step.status]
    spent = f" in {took(step.duration_seconds)}" if step.duration_seconds is not None else ""
    failed = step.reason and step.status is not TaskStatus.COMPLETED
    reason = f": {cut(step.reason or '', 200)}" if failed else ""
    return f"{sign} {step.step_number}. {cut(step.name, 120)}: {word}{spent}{reason}"


_BUILDERS: Mapping[NoticeKind, Callable[[Notice], Message]] = {
    NoticeKind.QUESTION: _question,
    NoticeKind.OUT_OF_SCOPE: _out_of_scope,
    NoticeKind.REQUEST_FAILED: _request_failed,
    NoticeKind.TASK_COMPLETED: _completed,
    NoticeKind.TASK_FAILED: _failed,
    NoticeKind.TASK_REROUTED: _rerouted,
    NoticeKind.TASK_HELD: _held,
    NoticeKind.DISPATCH_WAITS: _waits,
    NoticeKind.OUTCOME_UNKNOWN: _unknown,
    NoticeKind.PLAN_ENDED: _ended,
}
