"""Decide about a plan: policy and digest checked, tasks routed, in the one deciding commit."""

from collections.abc import Awaitable, Callable

import structlog

from orchestrator.crash_points import crash_point
from orchestrator.domain.approval import Decision, Verdict, highest, may_approve
from orchestrator.domain.ids import is_id
from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.domain.views import ApproveResult, Identity
from orchestrator.errors import Conflict, Error, ErrorCode
from orchestrator.store.lanes import Touching
from orchestrator.store.repositories.plans import Approval, StoredPlan
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.advance import advance, entry_changed
from orchestrator.usecases.context import Context
from orchestrator.usecases.lookup import decision_about, plan_by

_log = structlog.get_logger(__name__)


async def approve_plan(
    ctx: Context, reference: str, who: Identity, decision: Decision
) -> ApproveResult:
    """Approve or reject; the first decision counts, and a repeated click gets its answer again.

    A refused decision changes nothing but the story: it is kept there, and the error says why.
    """

    async def decide(uow: UnitOfWork) -> ApproveResult:
        stored = await plan_by(uow, reference, lock=True)
        if decision.source_key is not None:
            first = await uow.plans.approval_by_source_key(decision.source_key)
            if first is not None and first.plan_id == stored.plan.plan_id:
                return _decided(first.plan_id, first.decision)
            if first is not None:
                raise Conflict(
                    "This key came with a decision about another plan.",
                    "Use a new key for each decision.",
                )
        verdict = _verdict(ctx, stored, who)
        error = await _why_not(ctx, uow, stored, verdict, decision)
        if error is not None:
            return await _refused(uow, stored, who, error, approved=decision.approved)
        await uow.requests.meet(who)
        approval = Approval(
            plan_id=stored.plan.plan_id,
            revision=stored.plan.revision,
            digest=stored.plan.digest,
            decision="approved" if decision.approved else "rejected",
            team=who.team,
            person=who.person,
            notes=decision.notes,
            policy=verdict.policy.value,
            decided_at=uow.now,
        )
        await uow.plans.add_approval(approval, decision.source_key)
        await _carry_out(ctx, uow, stored, approval, who)
        crash_point("approval.before_commit")
        return _decided(stored.plan.plan_id, approval.decision)

    result = await _deciding(ctx, reference, decision, decide)
    crash_point("approval.after_commit")
    return result


async def _deciding(
    ctx: Context,
    reference: str,
    decision: Decision,
    decide: Callable[[UnitOfWork], Awaitable[ApproveResult]],
) -> ApproveResult:
    """Run `decide`, with other decisions that come at the same time where the plan is known."""
    asked = reference.strip().lower()
    if not is_id(asked):  # a number or a beginning must be looked up first
        return await ctx.store.transact(decide)
    keys = () if decision.source_key is None else (decision.source_key,)
    touching = Touching(plans=(asked,), source_keys=keys)
    return await ctx.store.transact_together("decisions", decide, touching)


def _decided(plan_id: str, decision: str) -> ApproveResult:
    approved = decision == "approved"
    status = PlanStatus.APPROVED if approved else PlanStatus.REJECTED
    return ApproveResult(plan_id=plan_id, status=status, dispatch_started=approved)


async def _carry_out(
    ctx: Context, uow: UnitOfWork, stored: StoredPlan, approval: Approval, who: Identity
) -> None:
    plan_id = stored.plan.plan_id
    if approval.decision == "approved":
        start_before = uow.now + ctx.start_time
        await uow.plans.move(
            plan_id, PlanStatus.APPROVED, approved_at=uow.now, start_before=start_before
        )
    else:
        await uow.plans.move(plan_id, PlanStatus.REJECTED)
    await uow.audit.add(
        f"plan_{approval.decision}",
        actor=approval.person,
        request_id=stored.plan.request_id,
        plan_id=plan_id,
        details={
            "digest": approval.digest,
            "policy": approval.policy,
            "team": approval.team,
            "notes": approval.notes,
            **who.as_details(),
        },
    )
    _log.info(f"plan_{approval.decision}", plan=stored.plan.number, person=approval.person)
    if approval.decision == "approved":
        await advance(ctx, uow, plan_id)


def _verdict(ctx: Context, stored: StoredPlan, who: Identity) -> Verdict:
    return may_approve(
        who,
        requester=stored.requester,
        highest_risk=highest([task.risk for task in stored.plan.tasks]),
        admins=ctx.approvers_beside(who),
    )


async def _why_not(
    ctx: Context,
    uow: UnitOfWork,
    stored: StoredPlan,
    verdict: Verdict,
    decision: Decision,
) -> Error | None:
    plan = stored.plan
    decided = await decision_about(uow, stored)
    if decided is not None:
        hint = f"`chiffon status {plan.number}` says where it stands."
        if verdict.allowed:
            return Error(code=ErrorCode.CONFLICT, message=decided, hint=hint)
        # Who asks about what is over hears that first; that they may not decide is still why.
        message = f"{decided} {verdict.reason}"
        return Error(code=ErrorCode.FORBIDDEN, message=message, hint=hint)
    if not verdict.allowed:
        return Error(code=ErrorCode.FORBIDDEN, message=verdict.reason, hint=verdict.hint)
    if plan.expires_at is not None and plan.expires_at < uow.now:
        await uow.plans.move(plan.plan_id, PlanStatus.EXPIRED)
        return Error(
            code=ErrorCode.CONFLICT,
            message=f"Plan #{plan.number} has expired.",
            hint="Ask again for a new plan.",
        )
    return _digest_differs(ctx, stored, decision.digest) if decision.approved else None


def _digest_differs(ctx: Context, stored: StoredPlan, digest: str | None) -> Error | None:
    """Approving binds to what was shown, so what was shown must be what would run."""
    plan = stored.plan
    try:
        computed = plan.computed_digest()
    except ValueError:  # a changed row may have no canonical form at all
        computed = ""
    reason, hint = None, "Ask again for a new plan."
    if computed != plan.digest:
        reason = f"Plan #{plan.number} was changed after it was made."
    elif digest is not None and digest != plan.digest:
        reason = f"Plan #{plan.number} is not the plan that you were shown."
        hint = "Look at it again, or ask again."
    else:
        catalog = ctx.catalog()
        changes = (entry_changed(catalog, task) for task in plan.tasks)
        reason = next((change for change in changes if change is not None), None)
    if reason is None:
        return None
    return Error(code=ErrorCode.DIGEST_MISMATCH, message=reason, hint=hint)


async def _refused(
    uow: UnitOfWork, stored: StoredPlan, who: Identity, error: Error, *, approved: bool
) -> ApproveResult:
    await uow.audit.add(
        "decision_refused",
        actor=who.person,
        request_id=stored.plan.request_id,
        plan_id=stored.plan.plan_id,
        details={
            "approved": approved,
            "code": error.code.value,
            "reason": error.message,
            **who.as_details(),
        },
    )
    _log.warning("decision_refused", plan=stored.plan.number, code=error.code.value)
    current = await plan_by(uow, stored.plan.plan_id)
    return ApproveResult(plan_id=stored.plan.plan_id, status=current.plan.status, error=error)
