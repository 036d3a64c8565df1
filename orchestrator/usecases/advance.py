"""Move a running plan on: route what is ready, skip what can never run, end what is done.

Called inside every transaction that may have made a task ready, with the plan's row locked.
"""

from datetime import datetime

import structlog
from pydantic import JsonValue

from orchestrator.catalog.files import current_digest
from orchestrator.catalog.models import Catalog
from orchestrator.domain.lifecycle import OPEN_ATTEMPTS, PLAN_MOVES, PlanStatus, TaskStatus
from orchestrator.domain.plan import WorkTask, doomed_tasks, ready_tasks, settled_status
from orchestrator.router import AgentRouter, Dispatch, DispatchStatus
from orchestrator.store.repositories.plans import StoredPlan
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.lookup import plan_by
from orchestrator.usecases.model_brief import model_brief, why_held
from orchestrator.usecases.notify import tell_end, tell_held, tell_not_dispatched, tell_rerouted

_log = structlog.get_logger(__name__)
_ASK_AGAIN = "Ask again for a new plan."
RUNNING = frozenset({PlanStatus.APPROVED, PlanStatus.EXECUTING, PlanStatus.WAITING})


async def advance(ctx: Context, uow: UnitOfWork, plan_id: str) -> None:
    """Do all that can be done now for a plan; nothing where it does not run."""
    some_failed = True
    while some_failed:  # a failed one may doom others: look again
        stored = await plan_by(uow, plan_id, lock=True)
        if stored.plan.status not in RUNNING:
            return
        changed = await _plan_changed(uow, stored)
        if changed is not None:  # not even its order can be trusted
            await _fail_pending(uow, stored, changed)
            break
        await _skip_doomed(uow, stored)
        some_failed = await _hand_over_ready(ctx, uow, stored)
    await _settle(uow, plan_id)


async def _fail_pending(uow: UnitOfWork, stored: StoredPlan, reason: str) -> None:
    under_way = await _under_way(uow, stored.plan.plan_id)
    for task in stored.plan.tasks:
        if task.status is TaskStatus.PENDING and task.task_id not in under_way:
            await uow.plans.move_task(task.task_id, TaskStatus.FAILED, reason)
            await _tell(uow, stored, "dispatch_failed", task, reason=reason)
            await tell_not_dispatched(uow, stored, task, reason)


async def _skip_doomed(uow: UnitOfWork, stored: StoredPlan) -> None:
    for task in doomed_tasks(stored.plan.tasks):
        reason = "A step that it waits for did not succeed."
        await uow.plans.move_task(task.task_id, TaskStatus.SKIPPED, reason)
        await _tell(uow, stored, "task_skipped", task, reason=reason)


async def _hand_over_ready(ctx: Context, uow: UnitOfWork, stored: StoredPlan) -> bool:
    """Hand over every ready task that is not under way; say whether one could not be."""
    under_way = await _under_way(uow, stored.plan.plan_id)
    fresh = await plan_by(uow, stored.plan.plan_id)
    router = AgentRouter(
        uow,
        fresh,
        start_before=_start_before(ctx, uow, fresh),
        brief=lambda task: model_brief(ctx, uow, fresh, task),
    )
    ready = [task for task in ready_tasks(fresh.plan.tasks) if task.task_id not in under_way]
    catalog = ctx.catalog() if ready else Catalog()
    going = [task for task in ready if not await _held(ctx, uow, fresh, task)]
    ends = [await _dispatch(catalog, uow, router, fresh, task) for task in going]
    return any(end.status is DispatchStatus.DISPATCH_FAILED for end in ends)


async def _held(ctx: Context, uow: UnitOfWork, stored: StoredPlan, task: WorkTask) -> bool:
    """Hold a task whose models are all spent, and ask a person; it is not tried against that."""
    reason = await why_held(ctx, uow, stored, task)
    if reason:
        await uow.plans.move_task(task.task_id, TaskStatus.HELD, reason)
        await _tell(uow, stored, "task_held", task, reason=reason)
        await tell_held(uow, stored, task, reason)
    return bool(reason)


def _start_before(ctx: Context, uow: UnitOfWork, stored: StoredPlan) -> datetime:
    """Say until when work handed over now may start.

    An approved plan has one window; once it runs, each later step gets one of the same length.
    """
    if stored.plan.status is PlanStatus.APPROVED and stored.start_before is not None:
        return stored.start_before
    return uow.now + ctx.start_time


async def _dispatch(
    catalog: Catalog, uow: UnitOfWork, router: AgentRouter, stored: StoredPlan, task: WorkTask
) -> Dispatch:
    """Check once more that this is what was approved, then hand it over."""
    changed = entry_changed(catalog, task)
    if changed is None:
        dispatch = await router.dispatch_with_retry(task)
    else:
        error = f"{changed} {_ASK_AGAIN}"
        dispatch = Dispatch(status=DispatchStatus.DISPATCH_FAILED, error=error)
    if dispatch.status is DispatchStatus.DISPATCHED:
        await _tell(uow, stored, "task_routed", task, agent=dispatch.agent_name or "")
        await tell_rerouted(uow, stored, task, dispatch.agent_name)
    if dispatch.status is DispatchStatus.DISPATCH_FAILED:
        await uow.plans.move_task(task.task_id, TaskStatus.FAILED, dispatch.error)
        await _tell(uow, stored, "dispatch_failed", task, reason=dispatch.error or "")
        await tell_not_dispatched(uow, stored, task, dispatch.error or "")
    return dispatch


async def _plan_changed(uow: UnitOfWork, stored: StoredPlan) -> str | None:
    """Return why a plan is not what was approved; None if it is."""
    approval = await uow.plans.approval(stored.plan.plan_id)
    if approval is None or approval.decision != "approved":
        return "Nobody has approved this plan."
    try:
        same = approval.digest == stored.plan.computed_digest()
    except ValueError:  # a changed row may have no canonical form at all
        same = False
    if not same or approval.revision != stored.plan.revision:
        return f"The plan was changed after it was approved. {_ASK_AGAIN}"
    return None


def entry_changed(catalog: Catalog, task: WorkTask) -> str | None:
    """Return how the catalogue differs from what `task` was planned with; None if it does not."""
    entry = catalog.get(task.capability)
    if entry is None:
        return f"{task.capability} is no longer in the catalogue."
    known = entry.capability
    same = (
        current_digest(entry) == task.entry_digest
        and known.idempotent == task.idempotent
        and known.timeout_seconds == task.timeout_seconds
        and known.risk.value == task.risk
        and known.reasoning == task.reasoning
    )
    if same:
        return None
    return f"{task.capability} or a file that it runs was changed after this was planned."


async def _settle(uow: UnitOfWork, plan_id: str) -> None:
    """Move the plan to where its tasks have brought it."""
    stored = await plan_by(uow, plan_id)
    under_way = await _under_way(uow, plan_id)
    standing = [
        TaskStatus.DISPATCHED if task.task_id in under_way else task.status
        for task in stored.plan.tasks
    ]  # what is routed goes on, though its broker has not confirmed it yet
    for step in _way(stored.plan.status, settled_status(standing)):
        await uow.plans.move(plan_id, step)
        await _tell(uow, stored, f"plan_{step.value}")
        if step in {PlanStatus.COMPLETED, PlanStatus.FAILED}:
            await tell_end(uow, plan_id)


async def _under_way(uow: UnitOfWork, plan_id: str) -> set[str]:
    attempts = await uow.attempts.of_plan(plan_id)
    return {each.task_id for each in attempts if each.status in OPEN_ATTEMPTS}


def _way(status: PlanStatus, target: PlanStatus | None) -> list[PlanStatus]:
    """Return the moves from `status` to `target`; None means that the work goes on."""
    if target is None:
        return [PlanStatus.EXECUTING] if status is PlanStatus.WAITING else []
    if target is status:
        return []
    direct = target in PLAN_MOVES[status]
    return [target] if direct else [PlanStatus.EXECUTING, target]


async def _tell(
    uow: UnitOfWork, stored: StoredPlan, kind: str, task: WorkTask | None = None, **details: str
) -> None:
    step: dict[str, JsonValue] = {}
    if task is not None:
        step = {"step": task.step_number, "capability": task.capability}
    await uow.audit.add(
        kind,
        actor="orchestrator",
        request_id=stored.plan.request_id,
        plan_id=stored.plan.plan_id,
        details={**step, **details},
    )
    log = _log.warning if kind.endswith(("failed", "waiting")) else _log.info
    log(kind, plan=stored.plan.number, **step)  # a reason may quote a task's output
