"""No-op tasks a second, from approval to the persisted result; and the processor time of each."""

import asyncio
import statistics
import time
from contextlib import AsyncExitStack

from benchmarks.by_hand import ByHand, by_hand
from benchmarks.measure import Row, row
from benchmarks.plans import USER, waiting_plans
from benchmarks.product import Product, product
from benchmarks.yardstick import Yardstick, yardstick

ROUNDS = 5
STEPS = 5
_PLANS = 20
_CELERY_TASKS = 50


async def _run(made: Product, plans: int) -> tuple[float, float]:
    """Approve so many plans at once; return seconds until all are done, and processor seconds."""
    waiting = await waiting_plans(made.store, made.entry, plans, STEPS)
    used = time.process_time() + made.agent.cpu_seconds
    began = time.monotonic()
    approve = made.running.service.approve_plan
    answers = await asyncio.gather(
        *(approve(plan.plan_id, user_id=USER, digest=plan.digest) for plan in waiting)
    )
    if refused := [answer.error for answer in answers if answer.error is not None]:
        raise RuntimeError(refused[0].message)
    await made.idle()
    took = time.monotonic() - began
    return took, time.process_time() + made.agent.cpu_seconds - used


async def _round(
    made: Product, bare: ByHand, taskiq: Yardstick, celery: Yardstick
) -> tuple[float, float, float]:
    count = _PLANS * STEPS
    took, used = await _run(made, _PLANS)
    theirs = await taskiq.seconds(count)
    slow = await celery.seconds(_CELERY_TASKS)
    floor = await bare.cpu_seconds(await waiting_plans(bare.store, made.entry, _PLANS, STEPS))
    rates = (count / took, count / theirs, _CELERY_TASKS / slow)
    print(
        f"  tasks a second: {rates[0]:.0f}, taskiq {rates[1]:.0f}, celery {rates[2]:.0f}; "
        f"processor ms a task: {1000 * used / count:.2f}, by hand {1000 * floor / count:.2f}",
        flush=True,
    )
    return rates[0] / rates[1], rates[0] / rates[2], used / floor


async def measure() -> list[Row]:
    """Run all rounds."""
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(product(slots=64))
        bare = await stack.enter_async_context(by_hand())
        taskiq = await stack.enter_async_context(yardstick("taskiq"))
        celery = await stack.enter_async_context(yardstick("celery"))
        await _run(made, 10)
        await taskiq.seconds(20)
        await celery.seconds(20)
        await bare.cpu_seconds(await waiting_plans(bare.store, made.entry, 10, STEPS))
        found = [await _round(made, bare, taskiq, celery) for _ in range(ROUNDS)]
    to_taskiq, to_celery, cpu = (list(column) for column in zip(*found, strict=True))
    print(f"  median processor time to the floor: {statistics.median(cpu):.2f}")
    return [
        row("no-op tasks a second, to taskiq", to_taskiq, ">= 1.0"),
        row("no-op tasks a second, to celery", to_celery, ">= 3"),
        row("processor time a task, to the floor", cpu, "<= 1.3"),
    ]
