"""The five calls of the way from a sentence to finished work; `router` joins all others."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path

from orchestrator.api import corrections, decisions, examples, lookups
from orchestrator.api.access import (
    CallerHere,
    LimitHere,
    PlanHere,
    RequestHere,
    ServiceHere,
    require_token,
)
from orchestrator.api.bodies import (
    AnswerBody,
    DecisionBody,
    IdempotencyKey,
    RequestBody,
    plain_reference,
    source_key,
)
from orchestrator.api.examples import answers
from orchestrator.api.problems import given
from orchestrator.domain.views import (
    ApproveResult,
    PlanResult,
    PlanStatusResult,
    RequestView,
    SubmitResult,
)
from orchestrator.errors import ErrorCode

_walk = APIRouter(tags=["the way"])


@_walk.post(
    "/request",
    responses=answers(
        examples.SUBMIT,
        "What was understood, and the plan's id where it was made at once",
        ErrorCode.CONFLICT,
        ErrorCode.TOO_LARGE,
        ErrorCode.TOO_MANY_REQUESTS,
    ),
)
async def submit_request(
    body: Annotated[RequestBody, Body(examples=[examples.REQUEST_BODY])],
    service: ServiceHere,
    caller: CallerHere,
    limit: LimitHere,
    key: IdempotencyKey = None,
) -> SubmitResult:
    """Turn a sentence into a plan that waits for approval."""
    who = caller.speaking_as(body.user_id)
    origin = source_key(who, key)
    limit.take(f"{who.team}/{who.person}")
    return given(
        await service.submit_request(body.request, who.person, team=who.team, source_key=origin)
    )


@_walk.get(
    "/request/{request_id}",
    responses=answers(examples.REQUEST, "The stored request", ErrorCode.NOT_FOUND),
)
async def get_request(request_id: RequestHere, service: ServiceHere) -> RequestView:
    """Look up a request."""
    return given(await service.get_request(request_id))


@_walk.post(
    "/request/{request_id}/answer",
    responses=answers(
        examples.SUBMIT,
        "What is understood now",
        ErrorCode.NOT_FOUND,
        ErrorCode.CONFLICT,
        ErrorCode.TOO_MANY_REQUESTS,
    ),
)
async def answer_request(
    request_id: RequestHere,
    body: Annotated[AnswerBody, Body(examples=[examples.ANSWER_BODY])],
    service: ServiceHere,
    caller: CallerHere,
    limit: LimitHere,
    key: IdempotencyKey = None,
) -> SubmitResult:
    """Answer the questions that a request left open."""
    who = caller.speaking_as(body.user_id)
    origin = source_key(who, key)
    limit.take(f"{who.team}/{who.person}")
    return given(
        await service.answer_request(
            request_id, body.as_answers(), who.person, team=who.team, source_key=origin
        )
    )


@_walk.get(
    "/plan/{reference}",
    responses=answers(examples.PLAN, "The newest revision of the plan", ErrorCode.NOT_FOUND),
)
async def get_plan(
    reference: Annotated[str, Path(description="A request's id, or a plan as `12` or by its id")],
    service: ServiceHere,
) -> PlanResult:
    """Look up a plan; while it is still being made, 404 `plan_not_ready` with Retry-After."""
    return given(await service.get_plan(plain_reference(reference)))


@_walk.post(
    "/plan/{plan_id}/approve",
    responses=answers(
        examples.APPROVED,
        "The decision was stored; approved work has been handed on",
        ErrorCode.NOT_FOUND,
        ErrorCode.CONFLICT,
    ),
)
async def approve_plan(
    plan_id: PlanHere,
    body: Annotated[DecisionBody, Body(examples=[examples.APPROVE_BODY])],
    service: ServiceHere,
    caller: CallerHere,
    key: IdempotencyKey = None,
) -> ApproveResult:
    """Approve or reject a plan, once."""
    who = caller.speaking_as(body.user_id)
    return given(
        await service.approve_plan(
            plan_id,
            body.approved,
            user_id=who.person,
            team=who.team,
            key=who.key,
            notes=body.notes,
            digest=body.digest,
            source_key=source_key(who, key),
        )
    )


@_walk.get(
    "/plan/{plan_id}/status",
    responses=answers(examples.STATUS, "Where each step stands", ErrorCode.NOT_FOUND),
)
async def get_plan_status(plan_id: PlanHere, service: ServiceHere) -> PlanStatusResult:
    """Follow a plan."""
    return given(await service.get_plan_status(plan_id))


router = APIRouter(prefix="/api/v1", dependencies=[Depends(require_token)])
router.include_router(_walk)
router.include_router(corrections.router)
router.include_router(decisions.router)
router.include_router(lookups.router)
