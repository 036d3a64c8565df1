"""Answers to a command word, mostly shown to one person alone."""

from collections.abc import Iterator, Mapping

from bot import ids
from bot.blocks.message import Message
from bot.blocks.parts import BlockDict, context, fitting, header, message, section
from bot.blocks.rows import plan_line, step_line
from bot.blocks.text import code_block, counted, cut, moment, plan_name, took
from bot.blocks.words import PLAN_WORDS, counts
from orchestrator.domain.views import (
    AuditEvent,
    ExecutionLog,
    Explanation,
    GapList,
    PlanList,
    PlanStatusResult,
    RoutingView,
)
from orchestrator.errors import Error

COMMAND_WORDS: Mapping[str, str] = {
    "status [plan]": "where a plan stands, or what is under way",
    "plans": "the newest plans",
    "cancel <plan>": "stop a plan; what is done stays done",
    "retry <step>": "run a failed step again, as in `retry 12.2`",
    "resume <plan>": "run what failed or was not run; what is done stays done",
    "why <plan or step>": "why a plan or a step is what it is, and went where it went",
    "logs <plan> [step]": "what the steps said",
    "gaps": "what was asked for and nothing here can do",
    "help": "this list",
}
"""Each command word with its arguments, and what it does."""

_LOGS_SHOWN = 4
_LOG_LIMIT = 2_200


def thinking_message() -> Message:
    """Say that a request was taken, where the plan takes longer than a second."""
    text = "On it: I am working out a plan. Nothing runs before it is approved."
    return message(text, section(text))


def error_message(error: Error) -> Message:
    """Say what went wrong, what to do next, and under which id the log tells more."""
    what = cut(error.message, 1_500)
    blocks = [section(what)]
    if error.hint:
        blocks.append(section(cut(error.hint, 1_500)))
    if error.fault_id:
        blocks.append(context(f"Reference for whoever runs Chiffon: `{cut(error.fault_id, 100)}`"))
    return message(" ".join(filter(None, (what, cut(error.hint, 1_500)))), *blocks)


def help_message() -> Message:
    """Explain how to ask, and every command word."""
    text = "How to ask Chiffon, and what it understands"
    return message(
        text,
        header("Chiffon"),
        section("Say what you want. I plan it, show the plan, and run nothing before approval."),
        *ways_to_ask(),
        section(_words()),
        context(
            f"In a thread, mention me with the same words: `{ids.COMMAND}` does not work there."
        ),
    )


def usage_message(said: str) -> Message:
    """Say that a command word is unknown, and which there are."""
    known = f"I do not know `{cut(said, 100)}`." if said.strip() else "Say what I should do."
    return message(
        f"{known} `{ids.COMMAND} help` lists what I know.", section(known), section(_words())
    )


def ways_to_ask() -> list[BlockDict]:
    """Return the four ways to ask."""
    return [
        section(
            "*Four ways to ask*\n"
            "• Mention me in a channel: “@Chiffon restart nginx on node1”\n"
            "• Write to me directly\n"
            "• On any message: More actions, then *Ask Chiffon*\n"
            "• Just write, in a channel that I was set up to listen to"
        )
    ]


def _words() -> str:
    lines = (
        f"• `{ids.COMMAND} {word.replace('<', '&lt;').replace('>', '&gt;')}`: {does}"
        for word, does in COMMAND_WORDS.items()
    )
    return "*Commands*\n" + "\n".join(lines)


def status_message(status: PlanStatusResult) -> Message:
    """Say where a plan and each of its steps stand."""
    if status.error:
        return error_message(status.error)
    head = _head(status)
    lines = [step_line(status.number, task) for task in status.tasks]
    asked = context(f"“{cut(status.request_text, 500)}”")
    return message(head, section(f"*{head}*"), asked, *fitting(lines, "The card shows them all."))


def _head(status: PlanStatusResult) -> str:
    word = PLAN_WORDS[status.status] if status.status else "unknown"
    return f"Plan {plan_name(status.number, status.revision)}: {word}. {counts(status.summary)}."


def plans_message(plans: PlanList) -> Message:
    """List plans, the newest first."""
    if plans.error:
        return error_message(plans.error)
    if not plans.plans:
        text = "No plan yet. Ask for something, or say `help`."
        return message(text, section(text))
    text = f"The newest {counted(len(plans.plans), 'plan')}"
    lines = [plan_line(plan) for plan in plans.plans]
    return message(
        text, section(f"*{text}*"), *fitting(lines, "`chiffon status` in a terminal lists more.")
    )


def why_message(story: Explanation) -> Message:
    """Tell the story of a plan or a step: what was understood, who was chosen, what happened."""
    if story.error:
        return error_message(story.error)
    step = f" step {story.number}.{story.step_number}" if story.step_number else ""
    text = f"Why{step or f' plan #{story.number}'} is what it is"
    rest = f"`chiffon why {story.number}` in a terminal tells all of it."
    return message(text, section(f"*{text}*"), *fitting(list(_story(story)), rest))


def _story(story: Explanation) -> Iterator[str]:
    yield "*Understood*"
    for sentence in story.understood:
        yield f"• {cut(sentence, 1_000)}"
    if story.routing:
        yield "*Who was chosen*"
    for routing in story.routing:
        yield _routing_line(routing)
    sentences = story.model_sentences()
    if sentences:
        yield "*Language models*"
    for sentence in sentences:
        yield f"• {cut(sentence, 1_000)}"
    if story.events:
        yield "*What happened*"
    for event in story.events:
        yield _event_line(event)


def _routing_line(routing: RoutingView) -> str:
    tries = f", attempt {routing.attempt_number}" if routing.attempt_number > 1 else ""
    return f"• Step {routing.step_number}{tries}: {cut(routing.sentence, 1_000)}"


def _event_line(event: AuditEvent) -> str:
    details = ", ".join(f"{key}: {value}" for key, value in event.details.items())
    said = f" ({cut(details, 500)})" if details else ""
    what = cut(event.kind.replace("_", " "), 100)
    return f"• {moment(event.at)}: {what}, by {cut(event.actor, 100)}{said}"


def logs_message(status: PlanStatusResult, step: int | None = None) -> Message:
    """Show the end of what the newest attempts said, of one step or of all."""
    if status.error:
        return error_message(status.error)
    wanted = [log for log in status.execution_logs if step in {None, log.step_number}]
    newest = {log.step_number: log for log in wanted}
    name = f"#{status.number}" if step is None else f"#{status.number} step {step}"
    if not newest:
        text = f"Plan {name} has said nothing yet."
        return message(text, section(text))
    logs = [newest[number] for number in sorted(newest)][-_LOGS_SHOWN:]
    text = f"What plan {name} said"
    blocks = [block for log in logs for block in _log_blocks(status.number, log)]
    if len(logs) < len(newest):
        words = f"The last {len(logs)} of {len(newest)} steps; name a step for another one."
        blocks.append(context(words))
    blocks.append(
        context(f"All of it, in a terminal: `chiffon plan show {status.number} --output`")
    )
    return message(text, section(f"*{text}*"), *blocks)


def _log_blocks(number: int, log: ExecutionLog) -> Iterator[BlockDict]:
    spent = f" in {took(log.duration_seconds)}" if log.duration_seconds is not None else ""
    code = f", exit code {log.exit_code}" if log.exit_code is not None else ""
    step = f"{number}.{log.step_number}"
    reason = f": {cut(log.reason, 300)}" if log.reason else ""
    what = cut(log.status.replace("_", " "), 50)
    yield section(f"*Step {step}*, attempt {log.attempt_number}: {what}{spent}{code}{reason}")
    if log.output.strip():
        yield section(code_block(log.output, _LOG_LIMIT))
    else:
        yield context("It said nothing.")


def gaps_message(gaps: GapList) -> Message:
    """List what was asked for and nothing here can do."""
    if gaps.error:
        return error_message(gaps.error)
    if not gaps.gaps:
        text = "Nothing was asked for that could not be done."
        return message(text, section(text))
    text = "Asked for, and nothing here can do it"
    lines = [
        f"• {counted(gap.times, 'time')}: “{cut(gap.text, 300)}”, last {moment(gap.last_asked_at)}"
        for gap in gaps.gaps
    ]
    return message(text, section(f"*{text}*"), *fitting(lines, "Those were asked for less often."))
