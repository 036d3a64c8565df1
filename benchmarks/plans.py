"""Plans that wait for an approval, stored through the real repositories."""

from datetime import timedelta

from orchestrator.catalog.models import CatalogEntry
from orchestrator.domain.ids import new_id
from orchestrator.domain.lifecycle import RequestStatus
from orchestrator.domain.plan import ResourceNeed, WorkPlan, WorkTask, digest_of
from orchestrator.domain.request import Complexity, Request
from orchestrator.store.repositories.conversation import Place
from orchestrator.store.unit_of_work import Store, UnitOfWork

USER = "robin"


def _task(entry: CatalogEntry, step: int) -> WorkTask:
    known = entry.capability
    task = WorkTask(
        task_id=new_id(),
        step_number=step,
        name=f"Do nothing, {step}",
        capability=known.name,
        agent_type=known.agent_type,
        parameters={},
        risk=known.risk.value,
        idempotent=known.idempotent,
        resources=ResourceNeed(),
        timeout_seconds=known.timeout_seconds,
        entry_digest=entry.digest,
        digest="",
        source_words="do nothing",
    )
    return task.model_copy(update={"digest": task.computed_digest()})


async def waiting_plans(
    store: Store, entry: CatalogEntry, count: int, steps: int = 1, *, channel: str | None = None
) -> list[WorkPlan]:
    """Store so many plans of so many steps that do not wait for each other; return them."""

    async def keep(uow: UnitOfWork) -> list[WorkPlan]:
        return [await _kept(uow, entry, steps, channel) for _ in range(count)]

    return await store.transact(keep)


async def _kept(uow: UnitOfWork, entry: CatalogEntry, steps: int, channel: str | None) -> WorkPlan:
    request = Request(
        request_id=new_id(),
        team="local" if channel is None else "T1",
        requester=USER,
        request_text="do nothing",
        channel=channel,
        correlation_id=new_id(),
        status=RequestStatus.PARSING_COMPLETE,
        created_at=uow.now,
    )
    await uow.requests.add(request, None)
    tasks = tuple(_task(entry, step) for step in range(1, steps + 1))
    plan = WorkPlan(
        plan_id=new_id(),
        request_id=request.request_id,
        number=await uow.plans.next_number(),
        tasks=tasks,
        human_readable_summary="Do nothing",
        complexity_level=Complexity.SIMPLE,
        digest=digest_of(tasks, 1),
        created_at=uow.now,
    )
    await uow.plans.add(plan, expires_at=uow.now + timedelta(hours=1))
    await uow.audit.add(
        "plan_generated", actor="planner", request_id=request.request_id, plan_id=plan.plan_id
    )
    if channel is not None:
        place = Place(
            request_id=request.request_id, plan_id=plan.plan_id, team="T1", channel=channel
        )
        await uow.conversation.want_card(place)
    return plan
