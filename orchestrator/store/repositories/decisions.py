"""Why a task went where it went, and why a model was chosen."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, func, insert, select, update

from orchestrator.domain.agents import AgentSelection
from orchestrator.domain.fallback import FallbackDecision
from orchestrator.domain.ids import new_id
from orchestrator.domain.value import Value
from orchestrator.domain.views import CandidateView, FallbackView, RoutingView
from orchestrator.store.session import Session
from orchestrator.store.tables import (
    agents,
    fallback_decisions,
    llm_usage,
    routing_decisions,
    tasks,
)


class ModelUse(Value):
    """What one call of a language model used."""

    tier: str
    model: str
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0
    plan_id: str | None = None


class Decisions:
    """Verbs on `routing_decisions`, `fallback_decisions` and `llm_usage`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def routed(
        self,
        *,
        plan_id: str,
        task_id: str,
        attempt_id: str | None,
        attempt_number: int,
        selection: AgentSelection,
    ) -> None:
        """Keep a routing decision with its numbers and its sentence."""
        self._session.changes.insert(
            routing_decisions,
            {
                "id": new_id(),
                "plan_id": plan_id,
                "task_id": task_id,
                "attempt_id": attempt_id,
                "attempt_number": attempt_number,
                "agent_id": None if selection.agent is None else selection.agent.agent_id,
                "score": selection.score,
                "sentence": selection.sentence,
                "candidates": [view.model_dump(mode="json") for view in selection.candidates],
                "decided_at": self._session.now,
            },
        )

    async def routing_of(self, plan_id: str) -> list[RoutingView]:
        """Return every routing decision of a plan, oldest first."""
        statement = (
            select(routing_decisions, tasks.c.step_number, agents.c.name.label("agent_name"))
            .join(tasks, tasks.c.id == routing_decisions.c.task_id)
            .outerjoin(agents, agents.c.id == routing_decisions.c.agent_id)
            .where(routing_decisions.c.plan_id == plan_id)
            .order_by(routing_decisions.c.id)
        )
        return [_routing(row) for row in await self._session.rows(statement)]

    async def fell_back(
        self, decision: FallbackDecision, *, plan_id: str | None, task_id: str | None = None
    ) -> str:
        """Keep which model was chosen and why; return the row's id."""
        fields = decision.model_dump(mode="json", exclude={"at"})
        row = new_id()
        await self._session.execute(
            insert(fallback_decisions).values(
                id=row,
                plan_id=plan_id,
                task_id=task_id,
                decided_at=self._session.now,
                **fields,
            )
        )
        return row

    async def belong(self, decision_ids: Sequence[str], plan_id: str) -> None:
        """Note that decisions taken before there was a plan led to this one."""
        await self._session.execute(
            update(fallback_decisions)
            .where(
                fallback_decisions.c.id.in_(decision_ids),
                fallback_decisions.c.plan_id.is_(None),
            )
            .values(plan_id=plan_id)
        )

    async def fallback_of(self, plan_id: str) -> list[FallbackView]:
        """Return every model decision of a plan, oldest first."""
        statement = (
            select(fallback_decisions)
            .where(fallback_decisions.c.plan_id == plan_id)
            .order_by(fallback_decisions.c.id)
        )
        names = FallbackView.model_fields.keys() - {"at"}
        return [
            FallbackView.model_validate(
                {"at": row["decided_at"], **{name: row[name] for name in names}}
            )
            for row in await self._session.rows(statement)
        ]

    async def steps_of_fallback(self, plan_id: str) -> list[int | None]:
        """Return for each decision of `fallback_of` the step that it was taken for, or None."""
        statement = (
            select(tasks.c.step_number)
            .select_from(fallback_decisions)
            .outerjoin(tasks, tasks.c.id == fallback_decisions.c.task_id)
            .where(fallback_decisions.c.plan_id == plan_id)
            .order_by(fallback_decisions.c.id)
        )
        return [row["step_number"] for row in await self._session.rows(statement)]

    async def used(self, use: ModelUse) -> None:
        """Book one call of a language model."""
        await self._session.execute(
            insert(llm_usage).values(
                id=new_id(), used_at=self._session.now, **use.model_dump(mode="python")
            )
        )

    async def calls_within(self, tier: str, span: timedelta) -> int:
        """Count the calls of a tier within the last `span`."""
        statement = select(func.count()).where(
            llm_usage.c.tier == tier, llm_usage.c.used_at >= self._session.now - span
        )
        return int(await self._session.scalar(statement))

    async def cost_since(self, tier: str, moment: datetime) -> float:
        """Add up what the calls of a tier have cost since `moment`."""
        statement = select(func.coalesce(func.sum(llm_usage.c.cost), 0.0)).where(
            llm_usage.c.tier == tier, llm_usage.c.used_at >= moment
        )
        return float(await self._session.scalar(statement))


def _routing(row: RowMapping) -> RoutingView:
    return RoutingView(
        step_number=row["step_number"],
        task_id=row["task_id"],
        attempt_id=row["attempt_id"],
        attempt_number=row["attempt_number"],
        agent_id=row["agent_id"],
        agent_name=row["agent_name"],
        score=row["score"],
        sentence=row["sentence"],
        candidates=tuple(CandidateView.model_validate(each) for each in row["candidates"]),
        at=row["decided_at"],
    )
