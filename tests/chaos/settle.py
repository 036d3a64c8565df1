"""After the storm: everything runs, nothing is broken any more, and all must come to an end."""

import asyncio
import time
from contextlib import suppress

import aio_pika
from yarl import URL

from orchestrator.protocol import DEAD_QUEUE, RESULTS_QUEUE
from tests.chaos.clients import Clients
from tests.chaos.ledger import Judge, Ledger
from tests.chaos.rows import Archive
from tests.chaos.site import Site
from tests.chaos.work import BY_CAPABILITY
from tests.plugins.waiting import until

SETTLE_SECONDS = 90.0
SETTLE_SECONDS_EMBEDDED = 25.0


async def settled(archive: Archive, seconds: float = SETTLE_SECONDS) -> float:
    """Wait until nothing moves by itself any more; return how long it took."""
    began = time.monotonic()

    async def at_rest() -> bool:
        return not any(await archive.unsettled())

    with suppress(AssertionError):  # what does not come to rest is for the judge to say
        await until(at_rest, what="everything has ended", seconds=seconds)
    return time.monotonic() - began


async def resolve_unknown(site: Site, archive: Archive, clients: Clients) -> int:
    """Do as a person would: look at the canary, and say what became of each step in doubt.

    Returns how many there were.
    """
    count = 0
    records = await archive.records()
    judge = Judge(clients.wishes, records, site.canary.lines())
    numbers = {plan["id"]: plan["number"] for plan in records.plans}
    for task in records.tasks:
        if task["status"] == "outcome_unknown":
            count += 1
            happened = bool(judge.effects_of(task["id"]))
            well = happened and not BY_CAPABILITY[task["capability"]].fails
            decision = "done" if well else "failed"
            await clients.resolve(numbers[task["plan_id"]], task["step_number"], decision)
    return count


async def judged(site: Site, archive: Archive, clients: Clients) -> Ledger:
    """Judge, and look whether every queue and the outbox are empty."""
    records = await archive.records()
    ledger = Judge(clients.wishes, records, site.canary.lines()).judge()
    for row in records.unsent:
        what = f"a {row['message_type']} for {row['queue']} is unsent: {row['error']}"
        ledger.find("stuck", None, what)
    if not site.canary.is_whole:
        ledger.find("false", None, "the canary holds a broken line")
    if site.broker_url is not None:
        for name, waiting in (await queues(site, archive)).items():
            ledger.find("stuck", None, f"{waiting} messages are left in {name}")
    return ledger


async def queues(site: Site, archive: Archive) -> dict[str, int]:
    """Return the queues that are not empty."""
    assert site.broker_url is not None
    address = URL(site.broker_url)
    prefix = address.query.get("prefix", "")
    known = [RESULTS_QUEUE, DEAD_QUEUE, *await archive.agent_queues()]
    names = [prefix + name for name in known]
    counted: dict[str, int] = {}
    connection = await aio_pika.connect(address.without_query_params("prefix"))
    async with connection:

        async def count() -> bool:
            async with connection.channel() as channel:
                for name in names:
                    queue = await channel.get_queue(name, ensure=False)
                    declared = await queue.channel.get_underlay_channel()
                    answer = await declared.queue_declare(name, passive=True)
                    counted[name] = answer.message_count or 0
            return not any(counted.values())

        with suppress(AssertionError):
            async with asyncio.timeout(30):
                await until(count, what="the queues are empty", seconds=10)
    return {name: number for name, number in counted.items() if number}
