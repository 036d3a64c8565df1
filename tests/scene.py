"""What a test of the whole needs at hand: the service, two agents, the database."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import RowMapping, Table, select

from orchestrator.bootstrap import Orchestrator
from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.domain.views import ApproveResult, PlanResult, PlanStatusResult
from orchestrator.protocol import WorkRequest
from orchestrator.service import OrchestratorService
from orchestrator.testing import ScriptedAgent
from orchestrator.transport.port import Transport
from tests.plugins.waiting import until

USER = "robin"
_AT_AN_END = {PlanStatus.COMPLETED, PlanStatus.FAILED, PlanStatus.CANCELLED, PlanStatus.WAITING}


@dataclass(frozen=True)
class Desk:
    """A running orchestrator with two online infra agents, and a look into its database."""

    running: Orchestrator
    pool: list[ScriptedAgent]

    @property
    def service(self) -> OrchestratorService:
        """The front."""
        return self.running.service

    @property
    def transport(self) -> Transport:
        """The broker."""
        return self.running.transport

    async def rows(self, table: Table, **where: object) -> list[RowMapping]:
        """Read rows of a table, oldest first, on a connection of its own."""
        async with self.service.context.store.engine.connect() as connection:
            found = await connection.execute(select(table).filter_by(**where))
            return sorted(found.mappings(), key=lambda row: str(row.get("id")))

    async def planned(self, text: str) -> PlanResult:
        """Submit a request and return its plan."""
        submitted = await self.service.submit_request(text, USER)
        assert submitted.error is None, submitted.error
        plan = await self.service.generate_plan(submitted.request_id)
        assert plan.error is None, plan.error
        return plan

    async def approve(self, plan: PlanResult) -> ApproveResult:
        """Approve a plan; the answer is free of errors."""
        answer = await self.service.approve_plan(plan.plan_id, user_id=USER)
        assert answer.error is None, answer.error
        return answer

    async def reaches(
        self, plan: PlanResult, condition: Callable[[PlanStatusResult], bool], what: str
    ) -> PlanStatusResult:
        """Wait until a plan's status fulfils a condition; return that status."""
        seen: list[PlanStatusResult] = []

        async def fulfilled() -> bool:
            seen.append(await self.service.get_plan_status(plan.plan_id))
            return condition(seen[-1])

        await until(fulfilled, what=what)
        return seen[-1]

    async def ended(self, plan: PlanResult) -> PlanStatusResult:
        """Wait until a plan has ended, or waits for a person; return where it stands."""
        return await self.reaches(plan, lambda seen: seen.status in _AT_AN_END, "the plan's end")


def long_ago() -> datetime:
    """Return a time at which every lease has run out."""
    return datetime.now(UTC) - timedelta(hours=1)


def silent(_: WorkRequest) -> None:
    """Be an agent's script: claim, start, say nothing more."""
