"""Plans, their tasks, the decisions about them, and the catalogue entries they bind to."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import func, insert, select, update

from orchestrator.domain.ids import new_id
from orchestrator.domain.lifecycle import (
    PLAN_MOVES,
    TASK_MOVES,
    PlanStatus,
    TaskStatus,
    sources_of,
)
from orchestrator.domain.plan import WorkPlan, WorkTask
from orchestrator.domain.views import PlanListItem
from orchestrator.errors import Conflict, ErrorCode, Refused
from orchestrator.store.held import Approval, StoredPlan
from orchestrator.store.repositories.holding import Holding
from orchestrator.store.repositories.rows import approval_of, stored_plan
from orchestrator.store.session import Session, one_of
from orchestrator.store.tables import (
    OPEN_PLANS,
    PLANS_UNDER_WAY,
    approvals,
    attempts,
    catalogue_entries,
    counters,
    plans,
    requests,
    tasks,
)

__all__ = ["Approval", "Plans", "StoredPlan"]

_NUMBER = re.compile(r"^#?(?P<number>[0-9]{1,9})(?:\s*r(?P<revision>[0-9]{1,6}))?$")
_PREFIX = re.compile(r"^[0-9a-f-]{6,36}$")


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
        if (held := self._session.held.get(plan_id)) is not None:
            return held.stored
        row = await self._session.one(select(plans).where(plans.c.id == plan_id))
        if row is None:
            return None
        steps = await self._session.rows(
            select(tasks).where(tasks.c.plan_id == plan_id).order_by(tasks.c.step_number)
        )
        asked = await self._session.one(select(requests).where(requests.c.id == row["request_id"]))
        if asked is None:  # the foreign key forbids it
            return None
        return stored_plan(row, steps, asked)

    async def locked(self, plan_id: str) -> StoredPlan | None:
        """Return a plan and keep others from changing it or adding to its story."""
        await self.hold([plan_id])
        held = self._session.held.get(plan_id)
        return None if held is None else held.stored

    async def hold(self, plan_ids: Collection[str], *, attempt_ids: Collection[str] = ()) -> None:
        """Lock plans, these and those of attempts, and read all that is decided by."""
        await Holding(self._session).hold(plan_ids, attempt_ids)

    async def move(self, plan_id: str, target: PlanStatus, **values: object) -> None:
        """Move a plan.

        Raises:
            Conflict: the lifecycle has no such move from where it stands.
        """
        ends = not PLAN_MOVES[target] or target in {PlanStatus.FAILED, PlanStatus.EXPIRED}
        ended_at = self._session.now if ends else None
        values = {**values, "ended_at": ended_at}
        sources = sources_of(PLAN_MOVES, target)
        held = self._session.held.get(plan_id)
        if held is None:
            await self._session.must_move(plans, plan_id, sources, target, **values)
            return
        if held.stored.plan.status not in sources:
            raise Conflict.of_move(sources, target)
        held.change(status=target, **values)
        self._session.set(plans, plan_id, {"status": target, **values}, sources=sources)
        self._session.touch(plans, plan_id)

    async def move_task(self, task_id: str, target: TaskStatus, reason: str | None = None) -> bool:
        """Move a task; say whether it was where the lifecycle lets the move start."""
        sources = sources_of(TASK_MOVES, target)
        return await self._move_task(task_id, sources, target, reason=reason)

    async def _move_task(
        self,
        task_id: str,
        sources: Collection[TaskStatus],
        target: TaskStatus,
        *,
        reason: str | None,
    ) -> bool:
        values = {"reason": reason, "updated_at": self._session.now}
        held = self._session.holders.get(task_id)
        if held is None:
            return await self._session.move(tasks, task_id, sources, target, **values)
        if held.stored.plan.task(task_id).status not in sources:
            return False
        held.change_task(task_id, status=target)
        self._session.set(tasks, task_id, {"status": target, **values}, sources=sources)
        self._session.touch(plans, held.plan_id)
        return True

    async def open_round(self, task_id: str) -> bool:
        """Give a failed, skipped or unknown task a new budget of attempts, for a person's Retry."""
        again = {TaskStatus.FAILED, TaskStatus.SKIPPED, TaskStatus.OUTCOME_UNKNOWN}
        await self._session.flush()
        opened = await self._session.move(
            tasks,
            task_id,
            again,
            TaskStatus.PENDING,
            reason=None,
            round=tasks.c.round + 1,
            updated_at=self._session.now,
        )
        if opened and (held := self._session.holders.get(task_id)) is not None:
            task = held.stored.plan.task(task_id)
            held.change_task(task_id, status=TaskStatus.PENDING, round=task.round + 1)
        return opened

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
        handed = (
            select(attempts.c.id)
            .where(attempts.c.task_id == tasks.c.id, attempts.c.ended_at.is_(None))
            .exists()
        )
        statement = (
            select(plans.c.id)
            .join(tasks, tasks.c.plan_id == plans.c.id)
            .where(
                one_of(plans.c.status, PLANS_UNDER_WAY),
                tasks.c.status == TaskStatus.PENDING,
                ~handed,
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
        row = {"id": new_id(), "source_key": source_key, **approval.model_dump(mode="python")}
        self._session.changes.insert(approvals, row)
        if (held := self._session.held.get(approval.plan_id)) is not None:
            held.approval, held.source_key = approval, source_key

    async def approval(self, plan_id: str) -> Approval | None:
        """Return the decision about a plan, if there is one."""
        if (held := self._session.held.get(plan_id)) is not None:
            return held.approval
        statement = (
            select(approvals)
            .where(approvals.c.plan_id == plan_id)
            .order_by(approvals.c.id.desc())
            .limit(1)
        )
        row = await self._session.one(statement)
        return None if row is None else approval_of(row)

    async def approval_by_source_key(self, source_key: str) -> Approval | None:
        """Return the decision that came in under this key before."""
        for held in self._session.held.values():
            if held.source_key == source_key:
                return held.approval
        if source_key in self._session.unused_keys:
            return None
        row = await self._session.one(select(approvals).where(approvals.c.source_key == source_key))
        return None if row is None else approval_of(row)

    async def look_for_source_keys(self, source_keys: Collection[str]) -> None:
        """Find out at once which of these keys no decision has come in under."""
        among = self._session.dialect.among(approvals.c.source_key, source_keys)
        found = await self._session.rows(select(approvals.c.source_key).where(among))
        known = {str(row["source_key"]) for row in found}
        self._session.unused_keys.update(set(source_keys) - known)

    async def keep_entries(self, entries: Iterable[Mapping[str, object]]) -> None:
        """Keep snapshots of catalogue entries by digest; known ones are left alone."""
        for entry in entries:
            await self._session.insert_new(
                catalogue_entries, first_seen_at=self._session.now, **entry
            )
