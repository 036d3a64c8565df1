"""Not what I meant: what may have been meant, its form, the correction, and words to remember."""

from typing import Annotated

from fastapi import APIRouter, Body, Path

from orchestrator.api import examples
from orchestrator.api.access import (
    CallerHere,
    LimitHere,
    PartHere,
    PlanHere,
    RequestHere,
    ServiceHere,
    SpeakerHere,
)
from orchestrator.api.bodies import CorrectionBody, IdempotencyKey, PhraseBody, source_key
from orchestrator.api.examples import answers
from orchestrator.api.problems import given
from orchestrator.domain.views import (
    CapabilityForm,
    CorrectionOptions,
    PhraseList,
    RememberResult,
    SubmitResult,
)
from orchestrator.errors import ErrorCode

router = APIRouter(tags=["corrections"])


@router.get(
    "/request/{request_id}/correction",
    responses=answers(
        examples.OPTIONS,
        "What was understood, and every capability, the nearest first",
        ErrorCode.NOT_FOUND,
        ErrorCode.CONFLICT,
    ),
)
async def correction_options(
    request_id: RequestHere,
    service: ServiceHere,
    caller: CallerHere,
    user_id: SpeakerHere = None,
    order: PartHere = None,
) -> CorrectionOptions:
    """Say what may have been meant instead; only for whoever asked."""
    who = caller.speaking_as(user_id)
    return given(
        await service.correction_options(request_id, who.person, team=who.team, order=order)
    )


@router.get(
    "/request/{request_id}/correction/{capability}",
    responses=answers(
        examples.FORM,
        "What the capability asks for, with the values that the words hold",
        ErrorCode.NOT_FOUND,
        ErrorCode.CONFLICT,
    ),
)
async def capability_form(
    request_id: RequestHere,
    capability: Annotated[str, Path(description="The name of one of the options")],
    service: ServiceHere,
    caller: CallerHere,
    user_id: SpeakerHere = None,
    order: PartHere = None,
) -> CapabilityForm:
    """Say what a capability asks for; only for whoever asked."""
    who = caller.speaking_as(user_id)
    return given(
        await service.capability_form(
            request_id, capability, who.person, team=who.team, order=order
        )
    )


@router.post(
    "/request/{request_id}/correction",
    responses=answers(
        examples.SUBMIT,
        "What is understood now, and the plan that takes the place of the one that was shown",
        ErrorCode.NOT_FOUND,
        ErrorCode.CONFLICT,
        ErrorCode.TOO_MANY_REQUESTS,
    ),
)
async def correct_request(
    request_id: RequestHere,
    body: Annotated[CorrectionBody, Body(examples=[examples.CORRECTION_BODY])],
    service: ServiceHere,
    caller: CallerHere,
    limit: LimitHere,
    key: IdempotencyKey = None,
) -> SubmitResult:
    """Put what was meant in the place of what was understood; only for whoever asked."""
    who = caller.speaking_as(body.user_id)
    origin = source_key(who, key)
    limit.take(f"{who.team}/{who.person}")
    return given(
        await service.correct_request(
            request_id,
            body.as_correction(),
            who.person,
            team=who.team,
            key=who.key,
            source_key=origin,
        )
    )


@router.get(
    "/plan/{plan_id}/phrase",
    responses=answers(
        examples.PHRASES,
        "The words that were corrected, with what they mean so far",
        ErrorCode.NOT_FOUND,
    ),
)
async def phrases_of(plan_id: PlanHere, service: ServiceHere) -> PhraseList:
    """Say which words may be remembered, and what they mean today."""
    return given(await service.phrases_of(plan_id))


@router.post(
    "/plan/{plan_id}/phrase",
    responses=answers(
        examples.REMEMBERED,
        "The corrected words are examples of the catalogue now",
        ErrorCode.NOT_FOUND,
        ErrorCode.CONFLICT,
    ),
)
async def remember_phrases(
    plan_id: PlanHere,
    body: Annotated[PhraseBody, Body(examples=[examples.PHRASE_BODY])],
    service: ServiceHere,
    caller: CallerHere,
    key: IdempotencyKey = None,
) -> RememberResult:
    """Have the words that were corrected remembered; for whoever may approve the plan."""
    who = caller.speaking_as(body.user_id)
    return given(
        await service.remember_phrases(
            plan_id,
            user_id=who.person,
            team=who.team,
            key=who.key,
            source_key=source_key(who, key),
        )
    )
