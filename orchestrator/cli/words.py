"""Statuses, amounts and foreign text in words for people."""

import json
from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue
from rich.text import Text

from orchestrator.domain.lifecycle import PlanStatus, TaskStatus
from orchestrator.domain.plan import ResourceNeed
from orchestrator.domain.text import visible

PLAN_WORDS: Mapping[PlanStatus, tuple[str, str]] = {
    PlanStatus.PENDING_APPROVAL: ("waits for approval", "yellow"),
    PlanStatus.APPROVED: ("approved", "cyan"),
    PlanStatus.EXECUTING: ("at work", "cyan"),
    PlanStatus.WAITING: ("waits for a decision", "yellow"),
    PlanStatus.COMPLETED: ("done", "green"),
    PlanStatus.FAILED: ("failed", "red"),
    PlanStatus.REJECTED: ("rejected", "red"),
    PlanStatus.CANCELLED: ("cancelled", "red"),
    PlanStatus.EXPIRED: ("expired", "red"),
    PlanStatus.SUPERSEDED: ("replaced by a newer revision", "yellow"),
}
"""Each plan status in words, and the colour it is shown in."""

TASK_WORDS: Mapping[TaskStatus, tuple[str, str]] = {
    TaskStatus.PENDING: ("waits", "dim"),
    TaskStatus.HELD: ("held", "bold yellow"),
    TaskStatus.DISPATCHED: ("handed over", "cyan"),
    TaskStatus.EXECUTING: ("at work", "cyan"),
    TaskStatus.COMPLETED: ("done", "green"),
    TaskStatus.FAILED: ("failed", "red"),
    TaskStatus.SKIPPED: ("not run", "yellow"),
    TaskStatus.CANCELLED: ("cancelled", "yellow"),
    TaskStatus.OUTCOME_UNKNOWN: ("outcome unknown", "yellow"),
}
"""Each task status in words, and the colour it is shown in."""


def shown(text: str, style: str = "") -> Text:
    """Return what somebody wrote, with whatever hides or steers in it made visible."""
    return Text(visible(text), style=style, overflow="fold")


def plan_word(status: PlanStatus | None) -> Text:
    """Return a plan's status in words."""
    words, colour = PLAN_WORDS[status] if status else ("unknown", "")
    return Text(words, style=colour)


def task_word(status: TaskStatus) -> Text:
    """Return a task's status in words."""
    words, colour = TASK_WORDS[status]
    return Text(words, style=colour)


def exactly(value: JsonValue) -> str:
    """Return a parameter's value as JSON: `"80"` and `80` are not the same."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def took(seconds: float | None) -> str:
    """Return a duration: `0.8 s`, `2 min 5 s`."""
    if seconds is None:
        return ""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def amounts(need: ResourceNeed) -> str:
    """Return what a step needs: `1 core, 64 MiB memory, about 20 s`."""
    parts = [
        f"{need.cpu_cores:g} core{'' if need.cpu_cores == 1 else 's'}" if need.cpu_cores else "",
        f"{need.memory_mb} MiB memory" if need.memory_mb else "",
        f"{need.gpu_vram_mb} MiB GPU memory" if need.gpu_vram_mb else "",
        f"about {need.duration_seconds} s" if need.duration_seconds else "",
    ]
    return ", ".join(filter(None, parts)) or "nothing worth naming"


def moment(at: datetime | None, form: str = "%Y-%m-%d %H:%M %Z") -> str:
    """Return a time in this machine's zone."""
    return at.astimezone().strftime(form).strip() if at else ""


def short(text: str, longest: int = 60) -> str:
    """Return the beginning of a text on one line, for lists; never for what is approved."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
