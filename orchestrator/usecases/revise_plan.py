"""Not what I meant: offer the nearest capabilities, take the one that was meant, plan anew.

The plan that was shown is superseded in the commit that stores the next revision: never are two
plans of one request alive, and the new one needs an approval of its own.
"""

import asyncio
import json
from dataclasses import dataclass, replace

import structlog

from orchestrator.crash_points import crash_point
from orchestrator.domain.digest import canonical_hash
from orchestrator.domain.lifecycle import PlanStatus, RequestStatus
from orchestrator.domain.request import Correction, DecomposedRequest, Request, Subtask
from orchestrator.domain.views import (
    CapabilityForm,
    CapabilityOption,
    CorrectionOptions,
    Identity,
    RequestPart,
    SubmitResult,
)
from orchestrator.errors import Conflict, ErrorCode, Refused
from orchestrator.nlu.correcting import corrected, nearest, replaced_by, suggested
from orchestrator.nlu.decomposer import engine_for
from orchestrator.store.repositories.plans import StoredPlan
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.generate_plan import draft_plan, store_plan
from orchestrator.usecases.lookup import decision_about, plan_by, request_by
from orchestrator.usecases.understand import submitted

_log = structlog.get_logger(__name__)
_LOOK = "Look at the request again."
_UNPLANNED = {RequestStatus.OUT_OF_SCOPE, RequestStatus.REQUIRES_CLARIFICATION}

Shown = tuple[Request, StoredPlan | None, DecomposedRequest]


async def correction_options(
    ctx: Context, request_id: str, who: Identity, order: int | None
) -> CorrectionOptions:
    """Return what a request was understood as, and every capability, the nearest first.

    Raises:
        Refused: no such request or part, or somebody else asked for it.
        Conflict: what it led to is decided already.
    """
    request, plan, found = await ctx.store.read(lambda uow: _correctable(uow, request_id, who))
    part = replaced_by(found, order)
    understood = {each.intent for each in ([part] if part else found.subtasks)}
    words = part.source_words if part else found.original_request
    catalog = ctx.catalog()
    engine_for(catalog)  # built here, where nobody else builds it
    ranked = await asyncio.to_thread(nearest, words, catalog)  # reads them once a capability
    return CorrectionOptions(
        request_id=request.request_id,
        plan_id=plan.plan.plan_id if plan else None,
        plan_number=plan.plan.number if plan else None,
        words=words,
        parts=()
        if found.ambiguities
        else tuple(RequestPart(order=each.order, name=each.name) for each in found.subtasks),
        nearest=tuple(
            CapabilityOption(
                name=each.name,
                description=each.description,
                risk=each.risk.value,
                understood=each.name in understood,
            )
            for each in ranked
        ),
    )


async def capability_form(
    ctx: Context, request_id: str, who: Identity, capability: str, order: int | None
) -> CapabilityForm:
    """Return what a capability asks for, with the values that the words of the request hold.

    Raises:
        Refused: no such request, part or capability, or somebody else asked for it.
        Conflict: what it led to is decided already.
    """
    _, _, found = await ctx.store.read(lambda uow: _correctable(uow, request_id, who))
    part = replaced_by(found, order)
    words = part.source_words if part else found.original_request
    held = suggested(words, capability, engine_for(ctx.catalog()))
    if part is not None and part.intent == capability:
        held = part.parameters
    entry = ctx.catalog().get(capability)
    if entry is None:
        raise Refused(ErrorCode.NOT_FOUND, f"The catalogue has no capability {capability!r}.")
    return CapabilityForm(
        capability=capability,
        description=entry.capability.description,
        risk=entry.capability.risk.value,
        parameters_schema=entry.capability.parameters,
        suggested=held,
    )


async def correct_request(
    ctx: Context,
    request_id: str,
    correction: Correction,
    who: Identity,
    source_key: str | None,
) -> SubmitResult:
    """Put what a person meant in the place of what was understood, and plan it anew.

    The same source key again gives what the first one led to, while that is the newest.

    Raises:
        Refused: no such request, plan, part or capability, a value that does not fit, or
            somebody else asked for it.
        Conflict: what was shown is decided already, or is not the newest any more, or the
            source key came with another correction before.
    """
    click = _Click(request_id, correction, source_key)

    async def look(uow: UnitOfWork) -> Shown | None:
        if await click.came_before(uow):
            return None
        shown = await _correctable(uow, request_id, who)
        await _require_named(uow, shown[1], correction.plan_id)
        return shown

    looked = await ctx.store.read(look)
    if looked is None:
        return await submitted(ctx, request_id)
    request, shown, previous = looked
    found = corrected(previous, correction, ctx.catalog())
    with structlog.contextvars.bound_contextvars(correlation_id=request.correlation_id):
        draft = await draft_plan(
            ctx,
            request,
            found,
            after=shown.plan if shown else None,
            notes=[_note(previous, correction)],
        )
        draft = replace(draft, asked=())  # they belong to the reading that was corrected

        async def keep(uow: UnitOfWork) -> None:
            current = await request_by(uow, request_id, lock=True)
            if await click.came_before(uow):
                return  # the same click, twice at once
            if current.decomposition != previous or current.status is not request.status:
                raise Conflict("It was changed meanwhile.", _LOOK)
            if shown is not None:
                await _supersede(uow, shown.plan.plan_id, who)
            await uow.requests.meet(who)
            await uow.requests.corrected(request_id, current.status, found)
            await _tell(uow, request_id, previous, correction, who)
            await click.remember(uow, await store_plan(ctx, uow, request, draft))
            crash_point("correction.before_commit")

        await ctx.store.transact(keep)
        crash_point("correction.after_commit")
        _log.info("request_corrected", request_id=request_id, capability=correction.capability)
    return await submitted(ctx, request_id)


@dataclass(frozen=True)
class _Click:
    """A correction with its source key: that it came, with what, and what it led to, are kept."""

    request_id: str
    correction: Correction
    source_key: str | None

    async def came_before(self, uow: UnitOfWork) -> bool:
        """Say whether it came in before.

        Raises:
            Conflict: its key did, with another correction, or what it led to is superseded.
        """
        if self.source_key is None or not await uow.mail.has(self._key()):
            return False
        if not await uow.mail.has(self._key(self._said())):
            raise Conflict(
                "The key of this correction was used for another one before.",
                "Send each thing you want done with a key of its own.",
            )
        newest = await uow.plans.newest_of(self.request_id.strip().lower())
        if not await uow.mail.has(self._key(self._said(), newest)):
            raise Conflict("It was corrected again since.", _LOOK)
        return True

    async def remember(self, uow: UnitOfWork, plan_id: str) -> None:
        """Keep its key, with what it said and the plan that it led to."""
        if self.source_key is None:
            return
        for key in (self._key(), self._key(self._said()), self._key(self._said(), plan_id)):
            await uow.mail.is_new(key, "correction")

    def _key(self, *more: str | None) -> str:
        return canonical_hash(["correction", self.request_id, self.source_key, *more])

    def _said(self) -> str:
        return json.dumps(self.correction.model_dump(), sort_keys=True)


async def _require_named(uow: UnitOfWork, shown: StoredPlan | None, named: str | None) -> None:
    """Refuse a correction that does not name the plan which stands to be corrected."""
    if named is None and shown is not None:
        raise Conflict(
            "The request has a plan, which the correction does not name.",
            "Name the plan that was shown, in plan_id.",
        )
    if named is not None:
        plan = (await plan_by(uow, named)).plan
        if shown is None or plan.plan_id != shown.plan.plan_id:
            raise Conflict(
                "The plan was changed since you looked at it.", "Look at the newest one."
            )


async def _correctable(uow: UnitOfWork, request_id: str, who: Identity) -> Shown:
    """Return a request whose meaning may still be corrected, and its open plan if it has one."""
    request = await request_by(uow, request_id)
    if not who.is_same_person(Identity(person=request.requester, team=request.team)):
        raise Refused(
            ErrorCode.FORBIDDEN,
            "Only whoever asked can say what was meant.",
            "Ask for what you want yourself.",
        )
    if request.decomposition is None:
        raise Conflict("It is not understood yet.", "Wait a moment, then look again.")
    plan_id = await uow.plans.newest_of(request.request_id)
    if plan_id is None and request.status in _UNPLANNED:
        return request, None, request.decomposition
    if plan_id is None:
        raise Conflict("It could not be planned.", "Ask anew for what you want.")
    stored = await plan_by(uow, plan_id)
    await _require_open(uow, stored)
    return request, stored, request.decomposition


async def _require_open(uow: UnitOfWork, stored: StoredPlan) -> None:
    plan = stored.plan
    decided = await decision_about(uow, stored)
    if decided is None and plan.expires_at is not None and plan.expires_at < uow.now:
        decided = f"Plan #{plan.number} has expired."
    if decided is not None:
        raise Conflict(decided, "Ask anew for what you want.")


async def _tell(
    uow: UnitOfWork,
    request_id: str,
    previous: DecomposedRequest,
    correction: Correction,
    who: Identity,
) -> None:
    await uow.audit.add(
        "request_corrected",
        actor=who.person,
        request_id=request_id,
        details={
            "instead_of": [each.intent for each in _replaced(previous, correction)],
            "capability": correction.capability,
            **who.as_details(),
        },
    )


async def _supersede(uow: UnitOfWork, plan_id: str, who: Identity) -> None:
    stored = await plan_by(uow, plan_id, lock=True)
    await _require_open(uow, stored)
    await uow.plans.move(plan_id, PlanStatus.SUPERSEDED)
    await uow.audit.add(
        "plan_superseded",
        actor=who.person,
        request_id=stored.plan.request_id,
        plan_id=plan_id,
        details={"revision": stored.plan.revision, **who.as_details()},
    )


def _replaced(previous: DecomposedRequest, correction: Correction) -> list[Subtask]:
    part = replaced_by(previous, correction.order)
    return [part] if part is not None else list(previous.subtasks)


def _note(previous: DecomposedRequest, correction: Correction) -> str:
    before = ", ".join(each.intent for each in _replaced(previous, correction))
    instead = f"in the place of {before}" if before else "where nothing was understood"
    return f"Whoever asked chose {correction.capability} themselves, {instead}."
