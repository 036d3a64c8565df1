"""What a person may decide after the approval: stop, try again, go on."""

import re
from typing import Annotated

from fastapi import APIRouter, Body

from orchestrator.api import examples
from orchestrator.api.access import CallerHere, PlanHere, PlanOrStepHere, ServiceHere
from orchestrator.api.bodies import IdempotencyKey, NotesBody, RetryBody, source_key
from orchestrator.api.examples import answers
from orchestrator.api.problems import given
from orchestrator.domain.views import ApproveResult
from orchestrator.errors import ErrorCode, Refused
from orchestrator.service import OrchestratorService

router = APIRouter(tags=["decisions"])

_STEP = re.compile(r"#?(?:(?P<plan>[0-9]{1,9})\.)?(?P<step>[0-9]{1,6})")
_DECIDED = answers(
    examples.APPROVED, "The decision was stored", ErrorCode.NOT_FOUND, ErrorCode.CONFLICT
)


@router.post("/plan/{plan_id}/cancel", responses=_DECIDED)
async def cancel_plan(
    plan_id: PlanHere,
    body: Annotated[NotesBody, Body(examples=[examples.NOTES_BODY])],
    service: ServiceHere,
    caller: CallerHere,
    key: IdempotencyKey = None,
) -> ApproveResult:
    """Stop a plan: what has not started never will, what runs is asked to stop."""
    who = caller.speaking_as(body.user_id)
    return given(
        await service.cancel_plan(
            plan_id,
            user_id=who.person,
            team=who.team,
            key=who.key,
            notes=body.notes,
            source_key=source_key(who, key),
        )
    )


@router.post("/plan/{plan_id}/resume", responses=_DECIDED)
async def resume_plan(
    plan_id: PlanHere,
    body: Annotated[NotesBody, Body(examples=[examples.NOTES_BODY])],
    service: ServiceHere,
    caller: CallerHere,
    key: IdempotencyKey = None,
) -> ApproveResult:
    """Go on with a failed plan; what is done is not repeated."""
    who = caller.speaking_as(body.user_id)
    return given(
        await service.resume_plan(
            plan_id,
            user_id=who.person,
            team=who.team,
            key=who.key,
            notes=body.notes,
            source_key=source_key(who, key),
        )
    )


@router.post("/plan/{plan_id}/retry", responses=_DECIDED)
async def retry_step(
    plan_id: PlanOrStepHere,
    body: Annotated[RetryBody, Body(examples=[examples.RETRY_BODY])],
    service: ServiceHere,
    caller: CallerHere,
    key: IdempotencyKey = None,
) -> ApproveResult:
    """Try a failed step again, or say what became of one whose outcome is unknown."""
    who = caller.speaking_as(body.user_id)
    step = await _step_reference(service, plan_id, body.step)
    origin = source_key(who, key)
    if body.decision is None:
        result = await service.retry_task(
            step,
            user_id=who.person,
            team=who.team,
            key=who.key,
            notes=body.notes,
            source_key=origin,
        )
    else:
        result = await service.resolve_outcome(
            step,
            body.decision,
            user_id=who.person,
            team=who.team,
            key=who.key,
            notes=body.notes,
            source_key=origin,
        )
    return given(result)


async def _step_reference(service: OrchestratorService, plan: str, step: int | str | None) -> str:
    """Return the step as `12.2`, whether the address, the body or both name it."""
    if step is None:
        if "." in plan:
            return plan
        raise _unusable("say which one, as 2 or 1.2.")
    named = _STEP.fullmatch(str(step))
    if named is None:
        raise _unusable("is not a step; name it as 2 or 1.2.")
    number = given(await service.get_plan(plan)).number
    if named["plan"] not in {None, str(number)}:
        raise _unusable(f"is not of plan #{number}.")
    return f"{number}.{named['step']}"


def _unusable(reason: str) -> Refused:
    return Refused(
        ErrorCode.INVALID_REQUEST, f"step: {reason}", "Look at the plan's status for its steps."
    )
