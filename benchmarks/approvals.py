"""From the approval until the agent has the work: one at a time, and 200 at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from benchmarks.floor import Floor, floor
from benchmarks.measure import Row, percentile, row
from benchmarks.plans import USER, waiting_plans
from benchmarks.product import Product, product
from orchestrator.domain.plan import WorkPlan

ROUNDS = 5
_ONE_BY_ONE = 40
_AT_ONCE = 200
Approve = Callable[[WorkPlan], Awaitable[float]]


def _of_product(made: Product) -> Approve:
    async def approve(plan: WorkPlan) -> float:
        began = time.monotonic_ns()
        done = await made.running.service.approve_plan(
            plan.plan_id, user_id=USER, digest=plan.digest, source_key=plan.plan_id
        )
        if done.error is not None:
            raise RuntimeError(done.error.message)
        return (await made.agent.seen(plan.plan_id) - began) / 1e6

    return approve


def _of_floor(made: Floor) -> Approve:
    async def approve(plan: WorkPlan) -> float:
        began = time.monotonic_ns()
        await made.approve(plan)
        if made.reader is None:
            raise RuntimeError("nobody reads")
        return (await made.reader.seen(plan.plan_id) - began) / 1e6

    return approve


async def _one_by_one(made: Product, bare: Floor, count: int) -> tuple[list[float], list[float]]:
    ours = await waiting_plans(made.store, made.entry, count)
    theirs = await waiting_plans(bare.store, made.entry, count)
    real, raw = _of_product(made), _of_floor(bare)
    found: tuple[list[float], list[float]] = ([], [])
    for mine, other in zip(ours, theirs, strict=True):
        found[0].append(await real(mine))
        await made.idle()
        found[1].append(await raw(other))
    return found


async def _at_once(approve: Approve, plans: list[WorkPlan]) -> list[float]:
    return list(await asyncio.gather(*(approve(plan) for plan in plans)))


async def measure() -> list[Row]:
    """Run all rounds."""
    middle, worst, many = [], [], []
    async with product(slots=64) as made, floor() as bare:
        await _one_by_one(made, bare, 20)
        for _ in range(ROUNDS):
            ours, theirs = await _one_by_one(made, bare, _ONE_BY_ONE)
            middle.append(percentile(ours, 0.5) / percentile(theirs, 0.5))
            worst.append(percentile(ours, 0.99) / percentile(theirs, 0.99))
            print(
                f"  one by one: p50 {percentile(ours, 0.5):.1f} / {percentile(theirs, 0.5):.1f} ms,"
                f" p99 {percentile(ours, 0.99):.1f} / {percentile(theirs, 0.99):.1f} ms"
            )
        for _ in range(ROUNDS + 1):
            plans = await waiting_plans(made.store, made.entry, _AT_ONCE)
            others = await waiting_plans(bare.store, made.entry, _AT_ONCE)
            ours = await _at_once(_of_product(made), plans)
            await made.idle()
            theirs = await _at_once(_of_floor(bare), others)
            many.append(percentile(ours, 0.99) / percentile(theirs, 0.99))
            print(
                f"  200 at once: p99 {percentile(ours, 0.99):.0f} / "
                f"{percentile(theirs, 0.99):.0f} ms"
            )
    return [
        row("approval to agent, one at a time, p50, to the floor", middle, "<= 1.2"),
        row("approval to agent, one at a time, p99, to the floor", worst, "<= 1.3"),
        row("approval to agent, 200 at once, p99, to the floor", many[1:], "<= 0.8"),
    ]
