"""Agents as they registered, and how they did so far."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import RowMapping, Select, func, select, update

from orchestrator.domain.agents import LEASE, AgentProfile, Performance
from orchestrator.domain.lifecycle import OPEN_ATTEMPTS
from orchestrator.domain.plan import ResourceNeed
from orchestrator.protocol import FreeResources, Heartbeat, Register
from orchestrator.store.session import Session
from orchestrator.store.tables import agent_performance, agents, attempts, counters

_LISTENED = "listened"
_LISTENING_SINCE = datetime(2026, 1, 1, tzinfo=UTC)  # a counter holds 68 years of seconds


class Agents:
    """Verbs on `agents` and `agent_performance`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._bookable: dict[str, AgentProfile] | None = None
        self._names: dict[str, str] | None = None

    async def register(self, agent: Register) -> str | None:
        """Store what an agent says of itself; return the incarnation known before, if any."""
        self._bookable = self._names = None
        row = {
            "name": agent.name,
            "agent_type": agent.agent_type,
            "incarnation": agent.incarnation,
            "labels": agent.labels,
            "specializations": list(agent.specializations),
            "capabilities": agent.capabilities,
            "slots": agent.slots,
            "status": "ready",
            "load": 0.0,
            "free": agent.free.model_dump(mode="json"),
            "registered_at": self._session.now,
            "last_seen_at": self._session.now,
        }
        if await self._session.insert_new(agents, id=agent.agent_id, **row):
            return None
        statement = select(agents.c.incarnation).where(agents.c.id == agent.agent_id)
        before = await self._session.scalar(self._session.dialect.locked(statement))
        await self._session.execute(update(agents).where(agents.c.id == agent.agent_id).values(row))
        return str(before)

    async def heard(self, beat: Heartbeat) -> bool:
        """Store a sign of life; say whether this very agent process is registered."""
        statement = (
            update(agents)
            .where(agents.c.id == beat.agent_id, agents.c.incarnation == beat.incarnation)
            .values(
                status=beat.status.value,
                load=beat.load,
                free=beat.free.model_dump(mode="json"),
                last_seen_at=self._session.now,
            )
        )
        if beat.labels:
            statement = statement.values(labels=beat.labels)
        return await self._session.execute(statement) == 1

    async def presume_alive(self) -> None:
        """Give every agent a new lease: who spoke while nobody listened was not silent."""
        await self._session.execute(update(agents).values(last_seen_at=self._session.now))

    async def listened(self) -> timedelta | None:
        """Note that agents can be heard now; return how long ago that was noted last.

        One row for all replicas: nobody was unheard as long as any one of them listened.
        """
        seconds = int((self._session.now - _LISTENING_SINCE).total_seconds())
        row = select(counters.c.value).where(counters.c.name == _LISTENED)
        before = await self._session.scalar(self._session.dialect.locked(row))
        if before is None:
            await self._session.insert_new(counters, name=_LISTENED, value=seconds)
            return None
        await self._session.execute(
            update(counters).where(counters.c.name == _LISTENED).values(value=seconds)
        )
        return timedelta(seconds=seconds - before)

    async def bookable(self) -> list[AgentProfile]:
        """Return the same as `profiles`; nobody else books an agent before this commit.

        Read once by who holds plans: what they book and give back is kept up in `Session.booked`.
        """
        if self._bookable is None or not self._session.held:
            await self._session.flush()
            await self._session.dialect.take_turn(self._session.connection, "routing")
            self._session.booked.clear()  # what was booked before is in the rows now
            self._bookable = {agent.agent_id: agent for agent in await self.profiles()}
        for agent_id, more in self._session.booked.items():
            agent = self._bookable[agent_id]
            both = _sum(agent.reserved, more)
            self._bookable[agent_id] = agent.model_copy(update={"reserved": both})
        self._session.booked.clear()
        return list(self._bookable.values())

    async def profiles(self) -> list[AgentProfile]:
        """Return every registered agent with what it has free and how it did."""
        reserved = await self._reserved()
        record = await self._records()
        rows = await self._session.rows(select(agents).order_by(agents.c.name))
        return [self._profile(row, reserved[row["id"]], record[row["id"]]) for row in rows]

    async def names(self) -> dict[str, str]:
        """Return the name of every registered agent by its id."""
        if self._names is None:
            rows = await self._session.rows(select(agents.c.id, agents.c.name))
            self._names = {str(row["id"]): str(row["name"]) for row in rows}
        return self._names

    def _profile(
        self, row: RowMapping, reserved: ResourceNeed, record: dict[str, Performance]
    ) -> AgentProfile:
        free = FreeResources.model_validate(row["free"])
        return AgentProfile(
            agent_id=row["id"],
            name=row["name"],
            agent_type=row["agent_type"],
            incarnation=row["incarnation"],
            online=self._session.now - row["last_seen_at"] <= LEASE,
            status=row["status"],
            labels=row["labels"],
            specializations=tuple(row["specializations"]),
            capabilities=row["capabilities"],
            load=row["load"],
            free=ResourceNeed(**free.model_dump()),
            reserved=reserved,
            last_seen_at=row["last_seen_at"],
            performance=record,
        )

    async def _reserved(self) -> defaultdict[str, ResourceNeed]:
        total: defaultdict[str, ResourceNeed] = defaultdict(ResourceNeed)
        for row in await self._session.rows(_bookings()):
            total[row["agent_id"]] = ResourceNeed(
                cpu_cores=round(row["cpu_cores"] or 0, 6),
                memory_mb=row["memory_mb"] or 0,
                gpu_vram_mb=row["gpu_vram_mb"] or 0,
            )
        return total

    async def _records(self) -> defaultdict[str, dict[str, Performance]]:
        found: defaultdict[str, dict[str, Performance]] = defaultdict(dict)
        for row in await self._session.rows(select(agent_performance)):
            found[row["agent_id"]][row["work_type"]] = Performance(
                runs=row["runs"], successes=row["successes"], last_done_at=row["last_done_at"]
            )
        return found

    async def did(
        self, agent_id: str, work_type: str, *, success: bool, tricky: bool, seconds: float
    ) -> None:
        """Add one run to an agent's record."""
        row: dict[str, object] = {
            "agent_id": agent_id,
            "work_type": work_type,
            "runs": 1,
            "successes": int(success),
            "tricky": int(tricky),
            "total_seconds": seconds,
            "last_done_at": self._session.now,
        }
        keys = ("agent_id", "work_type")
        sums = ("runs", "successes", "tricky", "total_seconds")
        self._session.changes.add_up(agent_performance, keys, sums, row)

    async def count_online(self) -> int:
        """Return how many agents gave a sign of life within the lease."""
        statement = select(func.count()).where(agents.c.last_seen_at >= self._session.now - LEASE)
        return int(await self._session.scalar(statement))


@lru_cache(maxsize=1)
def _bookings() -> Select[Any]:
    """Add up what the open attempts of each agent need; built once."""
    sums = [
        func.sum(attempts.c.reserved["cpu_cores"].as_float()).label("cpu_cores"),
        func.sum(attempts.c.reserved["memory_mb"].as_integer()).label("memory_mb"),
        func.sum(attempts.c.reserved["gpu_vram_mb"].as_integer()).label("gpu_vram_mb"),
    ]
    return (
        select(attempts.c.agent_id, *sums)
        .where(attempts.c.ended_at.is_(None), attempts.c.status.in_(sorted(OPEN_ATTEMPTS)))
        .group_by(attempts.c.agent_id)
    )


def _sum(one: ResourceNeed, other: ResourceNeed) -> ResourceNeed:
    return ResourceNeed(
        cpu_cores=round(one.cpu_cores + other.cpu_cores, 6),
        memory_mb=one.memory_mb + other.memory_mb,
        gpu_vram_mb=one.gpu_vram_mb + other.gpu_vram_mb,
    )
