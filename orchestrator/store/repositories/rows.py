"""Rows as the domain's values."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from sqlalchemy import RowMapping

from orchestrator.domain.attempt import Attempt
from orchestrator.domain.lifecycle import AttemptStatus, PlanStatus
from orchestrator.domain.plan import WorkPlan, WorkTask
from orchestrator.domain.views import Identity
from orchestrator.store.held import Approval, StoredPlan

Row: TypeAlias = Mapping[str, Any] | RowMapping
_APPROVAL = tuple(Approval.model_fields)
_TASK = tuple(WorkTask.model_fields.keys() - {"task_id"})
_ATTEMPT = tuple(Attempt.model_fields.keys() - {"attempt_id"})


def approval_of(row: Row) -> Approval:
    """Read a row of `approvals`."""
    return Approval.model_validate({name: row[name] for name in _APPROVAL})


def task_of(row: Row) -> WorkTask:
    """Read a row of `tasks`."""
    return WorkTask.model_validate({"task_id": row["id"], **{name: row[name] for name in _TASK}})


def attempt_of(row: Row) -> Attempt:
    """Read a row of `attempts`."""
    values = {name: row[name] for name in _ATTEMPT}
    values["status"] = AttemptStatus(values["status"])
    return Attempt.model_validate({"attempt_id": row["id"], **values})


def stored_plan(row: Row, steps: Iterable[Row], asked: Row) -> StoredPlan:
    """Read a row of `plans`, with those of its tasks and of its request."""
    plan = WorkPlan(
        plan_id=row["id"],
        request_id=row["request_id"],
        number=row["number"],
        revision=row["revision"],
        status=PlanStatus(row["status"]),
        tasks=tuple(task_of(step) for step in steps),
        human_readable_summary=row["summary"],
        complexity_level=row["complexity"],
        will_use_external_ai=row["will_use_external_ai"],
        notes=tuple(row["notes"]),
        digest=row["digest"],
        requester=asked["requester"],
        created_at=row["created_at"],
        approved_at=row["approved_at"],
        expires_at=row["expires_at"],
    )
    return StoredPlan(
        plan=plan,
        request_text=asked["request_text"],
        requester=Identity(person=asked["requester"], team=asked["team"]),
        correlation_id=asked["correlation_id"],
        channel=asked["channel"],
        thread=asked["thread"],
        start_before=row["start_before"],
    )
