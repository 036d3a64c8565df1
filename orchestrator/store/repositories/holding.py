"""Lock plans and read all that is decided by, in two statements however many plans they are."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Label, Select, Table, func, or_, select

from orchestrator.domain.plan import ResourceNeed
from orchestrator.store.dialects import Dialect
from orchestrator.store.held import Held
from orchestrator.store.repositories.rows import Row, approval_of, attempt_of, stored_plan
from orchestrator.store.session import Session
from orchestrator.store.tables import (
    approvals,
    attempts,
    audit_events,
    execution_logs,
    plans,
    requests,
    tasks,
)

_ASKED = ("request_text", "requester", "team", "correlation_id", "channel", "thread")


class Holding:
    """Reads plans into the session that is to hold them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def hold(self, plan_ids: Collection[str], attempt_ids: Collection[str]) -> None:
        """Hold these plans and those of these attempts; what there is not is left out."""
        session = self._session
        wanted = {key for key in plan_ids if key not in session.held}
        attempts_wanted = {key for key in attempt_ids if key not in session.holders}
        if not wanted and not attempts_wanted:
            await session.begin_at(None)
            return
        await session.flush()
        # Two statements, since each sees what was committed before it began: what the second
        # reads is as the lock, for which the first may have waited, found it.
        keys = {"plans": sorted(wanted), "attempts": sorted(attempts_wanted)}
        locking = _locking(session.dialect, bool(wanted), bool(attempts_wanted))
        rows = (await session.connection.execute(locking, keys)).mappings()
        found = {str(row["id"]): row for row in rows if row["id"] not in session.held}
        await session.begin_at(next((row["clock"] for row in found.values()), None))
        if found:
            standing = await session.connection.execute(
                _standing(session.dialect), {"plans": sorted(found)}
            )
            self._take(found, standing.mappings().all())

    def _take(self, found: Mapping[str, Row], rows: Collection[Row]) -> None:
        of_plan: dict[str, list[Row]] = {key: [] for key in found}
        for row in rows:
            of_plan[row["t_plan_id"]].append(row)
        for key, plan in found.items():
            held = _held(plan, of_plan[key])
            self._session.held[key] = held
            for name in (*held.task_ids, *held.attempts):
                self._session.holders[name] = held
            if of_plan[key]:
                self._session.sequences[key] = of_plan[key][0]["told"] or 0
            self._session.traces[plan["request_id"]] = plan["correlation_id"]


@lru_cache(maxsize=16)
def _locking(dialect: Dialect, of_plans: bool, of_attempts: bool) -> Select[Any]:  # noqa: FBT001
    """Lock the plans `:plans`, or those of `:attempts`, or both; built once a database."""
    chosen = []
    if of_plans:
        chosen.append(dialect.among_those(plans.c.id, "plans"))
    if of_attempts:
        of_these = dialect.among_those(attempts.c.id, "attempts")
        chosen.append(plans.c.id.in_(select(attempts.c.plan_id).where(of_these)))
    asked = [requests.c[name] for name in _ASKED]
    statement = (
        select(plans, *asked, dialect.clock().label("clock"))
        .join(requests, requests.c.id == plans.c.request_id)
        .where(or_(*chosen))
        .order_by(plans.c.id)  # everybody locks in this order
    )
    return dialect.locked(statement, plans)


@lru_cache(maxsize=16)
def _standing(dialect: Dialect) -> Select[Any]:
    """Read tasks, attempts, decision and the story's last number of `:plans`."""
    newest = (
        select(func.max(approvals.c.id))
        .where(approvals.c.plan_id == tasks.c.plan_id)
        .correlate(tasks)
        .scalar_subquery()
    )
    told = (
        select(func.max(audit_events.c.sequence))
        .where(audit_events.c.subject == tasks.c.plan_id)
        .correlate(tasks)
        .scalar_subquery()
    )
    columns = [
        *_labelled("t", tasks),
        *_labelled("a", attempts),
        *_labelled("p", approvals),
        execution_logs.c.dispatched_at.label("dispatched_at"),
        told.label("told"),
    ]
    joined = (
        tasks.outerjoin(attempts, attempts.c.task_id == tasks.c.id)
        .outerjoin(execution_logs, execution_logs.c.attempt_id == attempts.c.id)
        .outerjoin(approvals, approvals.c.id == newest)
    )
    return (
        select(*columns)
        .select_from(joined)
        .where(dialect.among_those(tasks.c.plan_id, "plans"))
        .order_by(tasks.c.step_number, attempts.c.number)
    )


def _labelled(letter: str, table: Table) -> list[Label[Any]]:
    columns: list[Column[Any]] = list(table.columns)
    return [column.label(f"{letter}_{column.name}") for column in columns]


def _part(row: Row, letter: str, table: Table) -> Row:
    return {name: row[label] for name, label in _labels(letter, table)}


@lru_cache(maxsize=16)
def _labels(letter: str, table: Table) -> tuple[tuple[str, str], ...]:
    return tuple((column.name, f"{letter}_{column.name}") for column in table.columns)


def _held(plan: Row, rows: list[Row]) -> Held:
    steps = {row["t_id"]: _part(row, "t", tasks) for row in rows}
    held = Held(stored_plan(plan, steps.values(), plan))
    for row in rows:
        if row["p_id"] is not None and held.approval is None:
            held.approval = approval_of(_part(row, "p", approvals))
            held.source_key = row["p_source_key"]
        if row["a_id"] is not None:
            attempt = attempt_of(_part(row, "a", attempts))
            held.attempts[attempt.attempt_id] = attempt
            held.reserved[attempt.attempt_id] = ResourceNeed.model_validate(row["a_reserved"])
        if row["dispatched_at"] is not None:
            held.dispatched.add(row["a_id"])
    return held
