"""Plans, their tasks, the decisions about them, and the catalogue entries they bind to."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import RowMapping, func, insert, select, update

from orchestrator.domain.ids import new_id
from orchestrator.domain.lifecycle import (
    PLAN_MOVES,
    TASK_MOVES,
    PlanStatus,
    TaskStatus,
    sources_of,
)
from orchestrator.domain.plan import WorkPlan, WorkTask
from orchestrator.domain.value import Value
from orchestrator.domain.views import Identity, PlanListItem
from orchestrator.errors import ErrorCode, Refused
from orchestrator.store.session import Session, one_of
from orchestrator.store.tables import (
    OPEN_PLANS,
    PLANS_UNDER_WAY,
    approvals,
    catalogue_entries,
    counters,
    plans,
    requests,
    tasks,
)

_NUMBER = re.compile(r"^#?(?P<number>[0-9]{1,9})(?:\s*r(?P<revision>[0-9]{1,6}))?$")
_PREFIX = re.compile(r"^[0-9a-f-]{6,36}$")


class Approval(Value):
    """One decision about one revision."""

    plan_id: str
    revision: int
    digest: str
    decision: str
    team: str
    person: str
    notes: str | None = None
    policy: str
    decided_at: datetime


class StoredPlan(Value):
    """A plan with whose request it answers."""

    plan: WorkPlan
    request_text: str
    requester: Identity
    correlation_id: str
    channel: str | None = None
    thread: str | None = None
    start_before: datetime | None = None


class Plans:
    """Verbs on `plans`, `tasks`, `approvals`, `catalogue_entries` and the plan counter."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def next_number(self) -> int:
        """Return the next short number; concurrent takers wait for each other."""
        bump = (
            update(counters)
            .where(counters.c.name == "plan")
            .values(value=counters.c.value + 1)
            .returning(counters.c.value)
        )
        return int(await self._session.scalar(bump))

    async def add(self, plan: WorkPlan, expires_at: datetime) -> None:
        """Store a plan and its tasks."""
        await self._session.execute(
            insert(plans).values(
                id=plan.plan_id,
                request_id=plan.request_id,
                number=plan.number,
                revision=plan.revision,
                status=plan.status,
                digest=plan.digest,
                summary=plan.human_readable_summary,
                complexity=plan.complexity_level,
                will_use_external_ai=plan.will_use_external_ai,
                notes=list(plan.notes),
                created_at=plan.created_at,
                expires_at=expires_at,
            )
        )
        await self._session.execute(
            insert(tasks).values([self._task_row(plan.plan_id, task) for task in plan.tasks])
        )

    def _task_row(self, plan_id: str, task: WorkTask) -> dict[str, object]:
        fields = task.model_dump(mode="json", exclude={"task_id"})
        return {
            **fields,
            "id": task.task_id,
            "plan_id": plan_id,
            "reason": None,
            "updated_at": self._session.now,
        }

    async def find(self, reference: str) -> str | None:
        """Return the plan id that a person means: a number, `#12 r3`, a UUID or its beginning.

        Raises:
            Refused: it is the beginning of several plans' ids.
        """
        asked = reference.strip().lower()
        numbered = _NUMBER.match(asked)
        if numbered is not None:
            return await self._by_number(int(numbered["number"]), numbered["revision"])
        if not _PREFIX.match(asked):
            return None
        statement = (
            select(plans.c.id)
            .where(plans.c.id >= asked, plans.c.id < asked + "g", plans.c.id.startswith(asked))
            .limit(2)
        )  # the bounds use the key; ids are hexadecimal, so all that begin so come before "g"
        found = await self._session.rows(statement)
        if len(found) > 1:
            message = f"The ids of several plans begin with {asked}."
            raise Refused(ErrorCode.NOT_FOUND, message, "Give more of it, or the plan's number.")
        return str(found[0]["id"]) if found else None

    async def _by_number(self, number: int, revision: str | None) -> str | None:
        statement = select(plans.c.id).where(plans.c.number == number)
        if revision is not None:
            statement = statement.where(plans.c.revision == int(revision))
        newest = statement.order_by(plans.c.revision.desc()).limit(1)
        found = await self._session.scalar(newest)
        return None if found is None else str(found)

    async def newest_of(self, request_id: str) -> str | None:
        """Return the newest revision of a request's plan."""
        statement = (
            select(plans.c.id)
            .where(plans.c.request_id == request_id)
            .order_by(plans.c.revision.desc())
            .limit(1)
        )
        found = await self._session.scalar(statement)
        return None if found is None else str(found)

    async def get(self, plan_id: str) -> StoredPlan | None:
        """Return a plan with its tasks as they stand."""
        return await self._load(plan_id, lock=False)

    async def locked(self, plan_id: str) -> StoredPlan | None:
        """Return a plan and keep others from changing it or adding to its story."""
        return await self._load(plan_id, lock=True)

    async def _load(self, plan_id: str, *, lock: bool) -> StoredPlan | None:
        statement = select(plans).where(plans.c.id == plan_id)
        if lock:
            statement = self._session.dialect.locked(statement)
        row = await self._session.one(statement)
        if row is None:
            return None
        steps = await self._session.rows(
            select(tasks).where(tasks.c.plan_id == plan_id).order_by(tasks.c.step_number)
        )
        asked = await self._session.one(select(requests).where(requests.c.id == row["request_id"]))
        if asked is None:  # the foreign key forbids it
            return None
        return _stored_plan(row, steps, asked)

    async def move(self, plan_id: str, target: PlanStatus, **values: object) -> None:
        """Move a plan.

        Raises:
            Conflict: the lifecycle has no such move from where it stands.
        """
        ends = not PLAN_MOVES[target] or target in {PlanStatus.FAILED, PlanStatus.EXPIRED}
        ended_at = self._session.now if ends else None
        await self._session.must_move(
            plans, plan_id, sources_of(PLAN_MOVES, target), target, ended_at=ended_at, **values
        )

    async def move_task(self, task_id: str, target: TaskStatus, reason: str | None = None) -> bool:
        """Move a task; say whether it was where the lifecycle lets the move start."""
        return await self._session.move(
            tasks,
            task_id,
            sources_of(TASK_MOVES, target),
            target,
            reason=reason,
            updated_at=self._session.now,
        )

    async def open_round(self, task_id: str) -> bool:
        """Give a failed, skipped or unknown task a new budget of attempts, for a person's Retry."""
        again = {TaskStatus.FAILED, TaskStatus.SKIPPED, TaskStatus.OUTCOME_UNKNOWN}
        return await self._session.move(
            tasks,
            task_id,
            again,
            TaskStatus.PENDING,
            reason=None,
            round=tasks.c.round + 1,
            updated_at=self._session.now,
        )

    async def task_reasons(self, plan_id: str) -> dict[str, str | None]:
        """Return why each task stands where it stands, by task id."""
        statement = select(tasks.c.id, tasks.c.reason).where(tasks.c.plan_id == plan_id)
        return {str(row["id"]): row["reason"] for row in await self._session.rows(statement)}

    async def due(self, status: PlanStatus, deadline: str) -> list[str]:
        """Return plans in `status` whose time (`expires_at` or `start_before`) has come."""
        statement = select(plans.c.id).where(
            one_of(plans.c.status, OPEN_PLANS),
            plans.c.status == status,
            plans.c[deadline] < self._session.now,
        )
        return [str(row["id"]) for row in await self._session.rows(statement)]

    async def with_pending_work(self) -> list[str]:
        """Return running plans that have a task nobody was handed yet."""
        statement = (
            select(plans.c.id)
            .join(tasks, tasks.c.plan_id == plans.c.id)
            .where(
                one_of(plans.c.status, PLANS_UNDER_WAY),
                tasks.c.status == TaskStatus.PENDING,
            )
            .distinct()
        )
        return [str(row["id"]) for row in await self._session.rows(statement)]

    async def newest(self, limit: int) -> list[PlanListItem]:
        """Return the newest plans with how far they are."""
        last = select(plans.c.id).order_by(plans.c.id.desc()).limit(limit)
        done = func.count().filter(tasks.c.status == TaskStatus.COMPLETED).label("completed")
        statement = (
            select(
                plans.c.id.label("plan_id"),
                plans.c.number,
                plans.c.revision,
                plans.c.status,
                requests.c.request_text,
                requests.c.requester,
                plans.c.created_at,
                func.count().label("steps"),
                done,
            )
            .join(requests, requests.c.id == plans.c.request_id)
            .join(tasks, tasks.c.plan_id == plans.c.id)
            .where(plans.c.id.in_(last.scalar_subquery()))
            .group_by(plans.c.id, requests.c.request_text, requests.c.requester)
            .order_by(plans.c.id.desc())
            .limit(limit)
        )
        return [
            PlanListItem.model_validate(dict(row)) for row in await self._session.rows(statement)
        ]

    async def add_approval(self, approval: Approval, source_key: str | None) -> None:
        """Keep a decision."""
        await self._session.execute(
            insert(approvals).values(
                id=new_id(), source_key=source_key, **approval.model_dump(mode="python")
            )
        )

    async def approval(self, plan_id: str) -> Approval | None:
        """Return the decision about a plan, if there is one."""
        statement = (
            select(approvals)
            .where(approvals.c.plan_id == plan_id)
            .order_by(approvals.c.id.desc())
            .limit(1)
        )
        row = await self._session.one(statement)
        return None if row is None else _approval(row)

    async def approval_by_source_key(self, source_key: str) -> Approval | None:
        """Return the decision that came in under this key before."""
        row = await self._session.one(select(approvals).where(approvals.c.source_key == source_key))
        return None if row is None else _approval(row)

    async def keep_entries(self, entries: Iterable[Mapping[str, object]]) -> None:
        """Keep snapshots of catalogue entries by digest; known ones are left alone."""
        for entry in entries:
            await self._session.insert_new(
                catalogue_entries, first_seen_at=self._session.now, **entry
            )


def _approval(row: RowMapping) -> Approval:
    return Approval.model_validate({name: row[name] for name in Approval.model_fields})


def _task(row: RowMapping) -> WorkTask:
    names = WorkTask.model_fields.keys() - {"task_id"}
    return WorkTask.model_validate({"task_id": row["id"], **{name: row[name] for name in names}})


def _stored_plan(row: RowMapping, steps: Iterable[RowMapping], asked: RowMapping) -> StoredPlan:
    plan = WorkPlan(
        plan_id=row["id"],
        request_id=row["request_id"],
        number=row["number"],
        revision=row["revision"],
        status=PlanStatus(row["status"]),
        tasks=tuple(_task(step) for step in steps),
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
