"""Rows for tests of the store: a request, its plan, an agent, an attempt."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy import Table, select

from orchestrator.domain.attempt import Attempt
from orchestrator.domain.plan import WorkPlan, WorkTask
from orchestrator.domain.request import Request
from orchestrator.protocol import FreeResources, Register
from orchestrator.store.unit_of_work import Store, UnitOfWork
from tests.domain.make import ENTRY, make_attempt, make_plan, make_request, make_task

ROOM = FreeResources(cpu_cores=8, memory_mb=8000)


async def keep_request(uow: UnitOfWork, source_key: str | None = None, **fields: object) -> Request:
    """Store a request."""
    request = make_request(**fields)
    assert await uow.requests.add(request, source_key)
    return request


async def keep_plan(
    uow: UnitOfWork, *tasks: WorkTask, request: Request | None = None, **fields: object
) -> WorkPlan:
    """Store a plan that waits for approval, with its request and the next number."""
    asked = request or await keep_request(uow)
    number = await uow.plans.next_number()
    plan = make_plan(*tasks, request_id=asked.request_id, **{"number": number, **fields})
    await uow.plans.add(plan, uow.now + timedelta(hours=1))
    return plan


async def keep_agent(uow: UnitOfWork, agent_id: str = "agent-1", **fields: object) -> Register:
    """Register an agent that can run what `make_task` makes."""
    plain: dict[str, object] = {
        "agent_id": agent_id,
        "name": agent_id,
        "agent_type": "infra",
        "incarnation": "first",
        "capabilities": {"deploy_service": ENTRY},
        "free": ROOM,
    }
    agent = Register.model_validate({**plain, **fields})
    await uow.agents.register(agent)
    return agent


async def keep_attempt(uow: UnitOfWork, plan: WorkPlan, **fields: object) -> Attempt:
    """Store an attempt of the plan's first task."""
    task = plan.tasks[0]
    attempt = make_attempt(task, plan.plan_id, **fields)
    await uow.attempts.add(attempt, task.resources)
    return attempt


async def stored_plan(store: Store) -> WorkPlan:
    """Store a plan of one step and an agent for it, committed."""

    async def write(uow: UnitOfWork) -> WorkPlan:
        await keep_agent(uow)
        return await keep_plan(uow, make_task())

    return await store.transact(write)


async def stored_attempt(store: Store, **fields: object) -> Attempt:
    """Store a plan and an attempt of its step, committed."""
    plan = await stored_plan(store)

    async def write(uow: UnitOfWork) -> Attempt:
        return await keep_attempt(uow, plan, **fields)

    return await store.transact(write)


async def column(store: Store, table: Table, name: str) -> list[object]:
    """Return one column of every row, in the order of the keys."""
    statement = select(table.c[name]).order_by(*table.primary_key.columns)
    async with store.engine.connect() as connection:
        return list((await connection.execute(statement)).scalars())


Work = Callable[[UnitOfWork], Awaitable[object]]
