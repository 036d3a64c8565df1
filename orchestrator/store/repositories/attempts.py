"""Attempts: the tries of tasks, their leases and how they end."""

from collections.abc import Collection

from sqlalchemy import RowMapping, insert, or_, select, update

from orchestrator.domain.agents import LEASE
from orchestrator.domain.attempt import Attempt
from orchestrator.domain.lifecycle import (
    ATTEMPT_MOVES,
    OPEN_ATTEMPTS,
    AttemptStatus,
    sources_of,
)
from orchestrator.domain.plan import ResourceNeed
from orchestrator.store.session import Session
from orchestrator.store.tables import attempts


class Attempts:
    """Verbs on `attempts`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, attempt: Attempt, reserved: ResourceNeed) -> None:
        """Store a new attempt; its lease runs from now."""
        fields = attempt.model_dump(
            mode="json", exclude={"attempt_id", "lease_until", "created_at"}
        )
        row = {
            **fields,
            "id": attempt.attempt_id,
            "reserved": reserved.model_dump(mode="json"),
            "lease_until": self._session.now + LEASE,
            "created_at": self._session.now,
        }
        await self._session.execute(insert(attempts).values(row))
        self._session.touch(attempts, attempt.attempt_id)

    async def get(self, attempt_id: str) -> Attempt | None:
        """Return one attempt."""
        row = await self._session.one(select(attempts).where(attempts.c.id == attempt_id))
        return None if row is None else _attempt(row)

    async def known(self, attempt_ids: Collection[str]) -> list[Attempt]:
        """Return those of these attempts that there are."""
        statement = select(attempts).where(attempts.c.id.in_(list(attempt_ids)))
        return [_attempt(row) for row in await self._session.rows(statement)]

    async def of_plan(self, plan_id: str) -> list[Attempt]:
        """Return every attempt of a plan, oldest first."""
        statement = (
            select(attempts).where(attempts.c.plan_id == plan_id).order_by(attempts.c.number)
        )
        return [_attempt(row) for row in await self._session.rows(statement)]

    async def of_task(self, task_id: str) -> list[Attempt]:
        """Return every attempt of a task, oldest first."""
        statement = (
            select(attempts).where(attempts.c.task_id == task_id).order_by(attempts.c.number)
        )
        return [_attempt(row) for row in await self._session.rows(statement)]

    async def move(self, attempt_id: str, target: AttemptStatus, **values: object) -> bool:
        """Move an attempt; say whether the lifecycle let it. A terminal one keeps its end."""
        if not ATTEMPT_MOVES[target]:
            values["ended_at"] = self._session.now
        return await self._session.move(
            attempts, attempt_id, sources_of(ATTEMPT_MOVES, target), target, **values
        )

    async def progressed(self, attempt_id: str, sequence: int, progress: int | None) -> bool:
        """Keep a newer sign of progress; say whether it was newer than what is known."""
        statement = (
            update(attempts)
            .where(
                attempts.c.id == attempt_id,
                attempts.c.sequence < sequence,
                attempts.c.ended_at.is_(None),  # the result may have come beside it
            )
            .values(sequence=sequence)
        )
        if progress is not None:
            statement = statement.values(progress=progress)
        newer = await self._session.execute(statement) == 1
        if newer:
            self._session.touch(attempts, attempt_id)
        return newer

    async def extend_leases(self, agent_id: str, held: Collection[str]) -> None:
        """Renew the leases of what an agent says it still has."""
        await self._session.execute(
            update(attempts)
            .where(
                attempts.c.agent_id == agent_id,
                attempts.c.id.in_(list(held)),
                attempts.c.ended_at.is_(None),
            )
            .values(lease_until=self._session.now + LEASE)
        )

    async def renew_leases(self) -> None:
        """Renew the lease of every open attempt: for a while nobody could be heard."""
        await self._session.execute(
            update(attempts)
            .where(attempts.c.ended_at.is_(None))
            .values(lease_until=self._session.now + LEASE)
        )

    async def want_cancelled(self, attempt_ids: Collection[str]) -> None:
        """Remember that a person wants these stopped."""
        await self._session.execute(
            update(attempts).where(attempts.c.id.in_(list(attempt_ids))).values(cancel_wanted=True)
        )

    async def open_of_agent(self, agent_id: str) -> list[Attempt]:
        """Return what an agent was given and has not ended."""
        statement = select(attempts).where(
            attempts.c.agent_id == agent_id, attempts.c.status.in_(sorted(OPEN_ATTEMPTS))
        )
        return [_attempt(row) for row in await self._session.rows(statement)]

    async def overdue(self) -> list[Attempt]:
        """Return open attempts whose lease has run out."""
        statement = select(attempts).where(
            attempts.c.ended_at.is_(None),
            or_(attempts.c.lease_until.is_(None), attempts.c.lease_until < self._session.now),
        )
        return [_attempt(row) for row in await self._session.rows(statement)]


def _attempt(row: RowMapping) -> Attempt:
    names = Attempt.model_fields.keys() - {"attempt_id"}
    return Attempt.model_validate({"attempt_id": row["id"], **{name: row[name] for name in names}})
