"""Looking things up: plans, their story, the agents, what could not be done."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from orchestrator.api import examples
from orchestrator.api.access import Newest, PlanHere, PlanOrStepHere, ServiceHere
from orchestrator.api.examples import answers
from orchestrator.api.problems import given
from orchestrator.domain.views import AgentList, AuditEvent, Explanation, GapList, PlanList
from orchestrator.errors import ErrorCode

router = APIRouter(tags=["looking things up"])


class AuditTrail(BaseModel):
    """Everything that happened to a plan, in order."""

    plan_id: str
    number: int
    events: tuple[AuditEvent, ...]


@router.get("/plans", responses=answers(examples.PLANS, "The newest plans first"))
async def list_plans(service: ServiceHere, limit: Newest = 20) -> PlanList:
    """List the plans."""
    return given(await service.list_plans(limit))


@router.get(
    "/plan/{plan_id}/audit",
    responses=answers(examples.AUDIT, "The plan's events, oldest first", ErrorCode.NOT_FOUND),
)
async def audit_plan(plan_id: PlanHere, service: ServiceHere) -> AuditTrail:
    """Tell what happened to a plan, from the append-only record."""
    story = given(await service.explain(plan_id))
    return AuditTrail(plan_id=story.plan_id, number=story.number, events=story.events)


@router.get(
    "/plan/{plan_id}/why",
    responses=answers(
        examples.WHY, "What was understood, routed and decided, and why", ErrorCode.NOT_FOUND
    ),
)
async def explain_plan(
    plan_id: PlanOrStepHere,
    service: ServiceHere,
    step: Annotated[int | None, Query(ge=1, le=999_999, description="Only this step")] = None,
) -> Explanation:
    """Explain a plan, or one step of it; the address may name the step too, as `1.2`."""
    if step is None:
        return given(await service.explain(plan_id))
    number = given(await service.get_plan(plan_id)).number
    return given(await service.explain(f"{number}.{step}"))


@router.get("/agents", responses=answers(examples.AGENTS, "Every agent that has registered"))
async def list_agents(service: ServiceHere) -> AgentList:
    """List the agents."""
    return given(await service.list_agents())


@router.get("/gaps", responses=answers(examples.GAPS, "The most frequent first"))
async def list_gaps(service: ServiceHere, limit: Newest = 20) -> GapList:
    """List what was asked for and no capability covers."""
    return given(await service.list_gaps(limit))
