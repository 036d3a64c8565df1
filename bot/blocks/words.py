"""Statuses and risks in words, each with a sign; never a sign or a colour alone."""

from collections.abc import Mapping

from bot.blocks.text import cut, inline, took
from orchestrator.domain.lifecycle import PlanStatus, TaskStatus
from orchestrator.domain.views import TaskState

PLAN_WORDS: Mapping[PlanStatus, str] = {
    PlanStatus.PENDING_APPROVAL: "waiting for approval",
    PlanStatus.APPROVED: "approved, about to start",
    PlanStatus.EXECUTING: "at work",
    PlanStatus.WAITING: "waiting for a decision about a step",
    PlanStatus.COMPLETED: "done",
    PlanStatus.FAILED: "failed",
    PlanStatus.REJECTED: "rejected",
    PlanStatus.CANCELLED: "cancelled",
    PlanStatus.EXPIRED: "expired",
    PlanStatus.SUPERSEDED: "replaced by a newer revision",
}

TASK_WORDS: Mapping[TaskStatus, tuple[str, str]] = {
    TaskStatus.PENDING: ("○", "waiting"),
    TaskStatus.HELD: ("–", "held"),
    TaskStatus.DISPATCHED: ("○", "handed over"),
    TaskStatus.EXECUTING: ("▶", "at work"),
    TaskStatus.COMPLETED: ("✓", "done"),
    TaskStatus.FAILED: ("✗", "failed"),
    TaskStatus.SKIPPED: ("–", "not run"),
    TaskStatus.CANCELLED: ("–", "cancelled"),
    TaskStatus.OUTCOME_UNKNOWN: ("?", "outcome unknown"),
}

RISK_WORDS: Mapping[str, str] = {
    "none": "none: it only looks, nothing changes",
    "low": "low: a small change that is easily undone",
    "medium": "medium: changes things that can be put back",
    "high": "high: what it changes or deletes may not come back",
}

_COUNTED = (
    (("completed",), "done"),
    (("executing",), "at work"),
    (("dispatched",), "handed over"),
    (("waiting",), "waiting"),
    (("failed",), "failed or not run"),
)


def risk_words(risk: str) -> str:
    """Return a risk and what it means."""
    return RISK_WORDS.get(risk, f"{inline(risk)}: unknown, take it for high")


def counts(summary: Mapping[str, int]) -> str:
    """Return how many steps are where: `2 of 5 steps done, 1 at work, 2 waiting`."""
    total = summary.get("total", 0)
    done = summary.get("completed", 0)
    parts = [f"{done} of {total} step{'' if total == 1 else 's'} done"]
    for keys, word in _COUNTED[1:]:
        number = sum(summary.get(key, 0) for key in keys)
        if number:
            parts.append(f"{number} {word}")
    return ", ".join(parts)


def task_words(task: TaskState, *, reason_limit: int, whole: str) -> str:
    """Return where a step stands: `✓ done in 3.0 s`, `✗ failed: no space left`.

    Args:
        task: Where it stands.
        reason_limit: How many units of its reason are shown.
        whole: What to say where the reason was cut: where it is shown whole.
    """
    sign, word = TASK_WORDS[task.status]
    line = f"{sign} {word}"
    if task.status is TaskStatus.EXECUTING and task.progress is not None:
        line += f", {task.progress} %"
    if task.status in {TaskStatus.COMPLETED, TaskStatus.FAILED} and task.duration_seconds:
        line += f" in {took(task.duration_seconds)}"
    if task.agent_name and task.status in _WITH_AGENT:
        line += f" on {cut(task.agent_name, 50)}"
    if task.reason and task.status is not TaskStatus.COMPLETED:
        shown = cut(task.reason, reason_limit)
        line += f": {shown}" + (f" ({whole})" if shown != inline(task.reason) else "")
    return line


_WITH_AGENT = frozenset(
    {
        TaskStatus.DISPATCHED,
        TaskStatus.EXECUTING,
        TaskStatus.COMPLETED,
        TaskStatus.FAILED,
        TaskStatus.OUTCOME_UNKNOWN,
    }
)
