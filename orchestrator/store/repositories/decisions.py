"""Why a task went where it went, and why a model was chosen."""

from datetime import timedelta

from sqlalchemy import RowMapping, func, insert, select

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
    ) -> None:
        """Keep which model was chosen and why."""
        fields = decision.model_dump(mode="json", exclude={"at"})
        await self._session.execute(
            insert(fallback_decisions).values(
                id=new_id(),
                plan_id=plan_id,
                task_id=task_id,
                decided_at=self._session.now,
                **fields,
            )
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
