"""Plan status, and claiming work, with a million finished tasks against a thousand."""

import os
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from importlib.resources import files

import asyncpg

from benchmarks.measure import Row, percentile, row
from benchmarks.plans import waiting_plans
from benchmarks.product import Product, product
from benchmarks.servers import plain
from orchestrator.keeper import Keeper
from orchestrator.protocol import ReportIn, seal
from orchestrator.store.unit_of_work import UnitOfWork

ROUNDS = 7
_FEW = 1_000
_MANY = int(os.environ.get("CHIFFON_BENCH_FINISHED", "1000000"))
_ASKED = 20
Deed = Callable[[Product], Awaitable[object]]


async def _fill(made: Product, tasks: int) -> None:
    """Add finished plans of five tasks with all their rows, by SQL alone."""
    await waiting_plans(made.store, made.entry, 1, 5)
    connection = await asyncpg.connect(plain(made.store.url))
    statements = files("benchmarks").joinpath("finished.sql").read_text()
    try:
        for statement in statements.replace(":plans", str(tasks // 5)).split(";\n"):
            await connection.execute(statement, timeout=1800)
    finally:
        await connection.close()


async def _status(made: Product) -> object:
    return await made.running.service.get_plan_status("1")


async def _claim(made: Product) -> object:
    async def post(uow: UnitOfWork) -> None:
        await uow.mail.post("nowhere", seal(ReportIn(agent_id="nobody")))
        uow.mail.to_send.clear()

    async def claim(uow: UnitOfWork) -> int:
        return len(await uow.mail.claim())

    await made.store.transact(post)
    return await made.store.transact(claim)


def _ticking() -> Deed:
    """Return the deed of one keeper for each product: its rare sweep comes in the first look."""
    keepers: dict[str, Keeper] = {}

    async def tick(made: Product) -> object:
        keeper = keepers.setdefault(made.prefix, Keeper(made.running.service.context))
        await keeper.tick()
        return None

    return tick


async def _times(deed: Deed, made: Product) -> float:
    times = []
    for _ in range(_ASKED):
        began = time.monotonic()
        await deed(made)
        times.append(time.monotonic() - began)
    return percentile(times, 0.5)


async def measure() -> list[Row]:
    """Run all rounds."""
    deeds = {
        f"plan status, {_MANY} finished tasks to {_FEW}": _status,
        f"claiming from the outbox, {_MANY} finished tasks to {_FEW}": _claim,
        f"a look of the keeper, {_MANY} finished tasks to {_FEW}": _ticking(),
    }
    found: dict[str, list[float]] = {name: [] for name in deeds}
    async with AsyncExitStack() as stack:
        few = await stack.enter_async_context(product())
        many = await stack.enter_async_context(product())
        await _fill(few, _FEW)
        await _fill(many, _MANY)
        print(f"  {_MANY} finished tasks against {_FEW}")
        for number in range(ROUNDS + 1):
            for name, deed in deeds.items():
                small, large = await _times(deed, few), await _times(deed, many)
                if number:
                    found[name].append(large / small)
                    print(f"  {name}: {1000 * large:.1f} / {1000 * small:.1f} ms", flush=True)
    return [row(name, rounds, "<= 1.5") for name, rounds in found.items()]
