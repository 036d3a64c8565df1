"""Attempts: the tries of tasks, their leases and how they end."""

from collections.abc import Collection

from sqlalchemy import or_, select, update

from orchestrator.domain.agents import LEASE
from orchestrator.domain.attempt import Attempt
from orchestrator.domain.lifecycle import (
    ATTEMPT_MOVES,
    OPEN_ATTEMPTS,
    AttemptStatus,
    sources_of,
)
from orchestrator.domain.plan import ResourceNeed
from orchestrator.store.repositories.rows import attempt_of
from orchestrator.store.session import Session
from orchestrator.store.tables import attempts, plans


class Attempts:
    """Verbs on `attempts`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, attempt: Attempt, reserved: ResourceNeed) -> None:
        """Store a new attempt; its lease runs from now."""
        session = self._session
        fields = attempt.model_dump(
            mode="json", exclude={"attempt_id", "lease_until", "created_at"}
        )
        lease = {"lease_until": session.now + LEASE, "created_at": session.now}
        row = {
            **fields,
            "id": attempt.attempt_id,
            "reserved": reserved.model_dump(mode="json"),
            **lease,
        }
        session.changes.insert(attempts, row, "id")
        session.book(attempt.agent_id, reserved)
        if (held := session.held.get(attempt.plan_id)) is not None:
            held.attempts[attempt.attempt_id] = attempt.model_copy(update=lease)
            held.reserved[attempt.attempt_id] = reserved
            session.holders[attempt.attempt_id] = held
            session.touch(plans, attempt.plan_id)
        else:
            session.touch(attempts, attempt.attempt_id)

    async def get(self, attempt_id: str) -> Attempt | None:
        """Return one attempt."""
        if (held := self._session.holders.get(attempt_id)) is not None:
            return held.attempts.get(attempt_id)
        row = await self._session.one(select(attempts).where(attempts.c.id == attempt_id))
        return None if row is None else attempt_of(row)

    async def of_plan(self, plan_id: str) -> list[Attempt]:
        """Return every attempt of a plan, oldest first."""
        if (held := self._session.held.get(plan_id)) is not None:
            return sorted(held.attempts.values(), key=lambda attempt: attempt.number)
        statement = (
            select(attempts).where(attempts.c.plan_id == plan_id).order_by(attempts.c.number)
        )
        return [attempt_of(row) for row in await self._session.rows(statement)]

    async def of_task(self, task_id: str) -> list[Attempt]:
        """Return every attempt of a task, oldest first."""
        if (held := self._session.holders.get(task_id)) is not None:
            tries = await self.of_plan(held.plan_id)
            return [attempt for attempt in tries if attempt.task_id == task_id]
        statement = (
            select(attempts).where(attempts.c.task_id == task_id).order_by(attempts.c.number)
        )
        return [attempt_of(row) for row in await self._session.rows(statement)]

    async def move(self, attempt_id: str, target: AttemptStatus, **values: object) -> bool:
        """Move an attempt; say whether the lifecycle let it. A terminal one keeps its end."""
        ends = not ATTEMPT_MOVES[target]
        if ends:
            values["ended_at"] = self._session.now
        sources = sources_of(ATTEMPT_MOVES, target)
        held = self._session.holders.get(attempt_id)
        if held is None:
            return await self._session.move(attempts, attempt_id, sources, target, **values)
        attempt = held.attempts[attempt_id]
        if attempt.status not in sources:
            return False
        held.change_attempt(attempt_id, status=target, **values)
        self._session.set(attempts, attempt_id, {"status": target, **values}, sources=sources)
        self._session.touch(plans, held.plan_id)
        if ends:
            self._session.book(attempt.agent_id, held.reserved[attempt_id], back=True)
        return True

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
        """Renew the leases of what an agent says it still has.

        What somebody else is moving just now is left out: its lease is theirs to say, and two
        that take the same rows in different order would wait for each other.
        """
        found = (
            select(attempts.c.id)
            .where(
                attempts.c.agent_id == agent_id,
                self._session.dialect.among(attempts.c.id, held),
                attempts.c.ended_at.is_(None),
            )
            .order_by(attempts.c.id)
        )
        if held:
            mine = self._session.dialect.claimable(found).cte("mine")
            await self._session.execute(
                update(attempts)
                .where(attempts.c.id.in_(select(mine.c.id)))
                .values(lease_until=self._session.now + LEASE)
            )

    async def extend_lease(self, attempt: Attempt) -> None:
        """Renew the lease of an attempt whose plan is held."""
        until = self._session.now + LEASE
        held = self._session.holders[attempt.attempt_id]
        held.change_attempt(attempt.attempt_id, lease_until=until)
        self._session.set(attempts, attempt.attempt_id, {"lease_until": until})

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
        for key in attempt_ids:
            if (held := self._session.holders.get(key)) is not None:
                held.change_attempt(key, cancel_wanted=True)

    async def open_of_agent(self, agent_id: str) -> list[Attempt]:
        """Return what an agent was given and has not ended."""
        statement = select(attempts).where(
            attempts.c.agent_id == agent_id,
            attempts.c.ended_at.is_(None),  # for which there is an index
            attempts.c.status.in_(sorted(OPEN_ATTEMPTS)),
        )
        return [attempt_of(row) for row in await self._session.rows(statement)]

    async def overdue(self) -> list[Attempt]:
        """Return open attempts whose lease has run out."""
        statement = select(attempts).where(
            attempts.c.ended_at.is_(None),
            or_(attempts.c.lease_until.is_(None), attempts.c.lease_until < self._session.now),
        )
        return [attempt_of(row) for row in await self._session.rows(statement)]
