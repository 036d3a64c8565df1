"""One run: a site, people, a storm, the calm after it, and the ledger."""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator.store.migrate import upgrade
from orchestrator.store.unit_of_work import Store
from tests.chaos.clients import Clients
from tests.chaos.ledger import Ledger
from tests.chaos.programs import Nursery
from tests.chaos.rows import Archive, opened_archive
from tests.chaos.servers import Postgres, Rabbit
from tests.chaos.settle import (
    SETTLE_SECONDS,
    SETTLE_SECONDS_EMBEDDED,
    judged,
    resolve_unknown,
    settled,
)
from tests.chaos.shuffler import Shuffler
from tests.chaos.site import Site, embedded_site, served_site
from tests.chaos.storm import Storm
from tests.chaos.trouble import Trouble

_AT_ONCE = 12
_AT_ONCE_EMBEDDED = 6
_LAST_CLICKS_SECONDS = 20.0
_EXIT_SECONDS = 30.0
_HEAD_START = 10
_NEW_QUEUES_SECONDS = 3.0


@dataclass(frozen=True)
class Wanted:
    """How big a run is.

    Attributes:
        seed: where chance begins.
        plans: so many are asked for.
        kills: so many programs are killed at least, unless `seconds` are over.
        seconds: the longest that the storm lasts.
        embedded: one `chiffon up` on SQLite, else replicas and agents on servers.
        sabotage: a promise to break on purpose; None in a real run.
    """

    seed: int
    plans: int
    kills: int
    seconds: float
    embedded: bool = True
    sabotage: str | None = None


@dataclass
class Outcome:
    """What a run leaves."""

    wanted: Wanted
    ledger: Ledger
    storm: Storm
    clients: Clients
    site: Site
    faults: list[tuple[str, int]]
    seconds: float
    settle_seconds: float
    stories: dict[int, list[str]]


@asynccontextmanager
async def the_site(wanted: Wanted, room: Path) -> AsyncIterator[tuple[Site, Trouble]]:
    """Bring everything that a run needs; nothing of it is left at the end."""
    async with AsyncExitStack() as stack:
        words = ["twice"] if wanted.embedded else []
        if wanted.sabotage is not None:
            words.append(wanted.sabotage)
        nursery = await stack.enter_async_context(Nursery.opened(words, room / "nursery.log"))
        if wanted.embedded:
            yield embedded_site(nursery, room), Trouble()
            return
        trouble = Trouble(Postgres(_folder(room, "postgres")), Rabbit(_folder(room, "rabbit")))
        await stack.enter_async_context(trouble.opened())
        through = {
            "CHIFFON_DATABASE_URL": trouble.database.url(trouble.lines[0].port),
            "CHIFFON_BROKER_URL": trouble.broker.url(trouble.lines[1].port),
        }
        yield (
            served_site(
                nursery,
                room,
                replicas=2,
                agents=3,
                database_url=trouble.database.url(),
                broker_url=trouble.broker.url(),
                through=through,
            ),
            trouble,
        )


def _folder(room: Path, name: str) -> Path:
    made = room / name
    made.mkdir(mode=0o755)
    return made


async def run(wanted: Wanted, room: Path) -> Outcome:
    """Do one run in `room`."""
    began = time.monotonic()
    async with the_site(wanted, room) as (site, trouble):
        await _migrated(site)
        async with opened_archive(site.database_url) as archive:
            clients = Clients(site, archive, wanted.seed)
            clients.tampering = wanted.sabotage in {None, "digest"}
            storm = Storm(wanted.seed, life_seconds=2.0 if wanted.embedded else 7.0)
            shuffler = Shuffler(storm, site.broker_url, archive) if site.broker_url else None
            await _storm(wanted, site, storm, clients, trouble, shuffler)
            longest = SETTLE_SECONDS_EMBEDDED if wanted.embedded else SETTLE_SECONDS
            settle_seconds = await settled(archive, longest)
            unknown = await resolve_unknown(site, archive, clients)
            if settle_seconds < longest:
                _ = await settled(archive, longest)
            ledger = await judged(site, archive, clients)
            ledger.unknown = unknown
            await _all_end(site, ledger)
            await clients.close()
            faults = trouble.counted()
            if shuffler is not None:
                faults.append(("messages shuffled and repeated", shuffler.shuffled))
            return Outcome(
                wanted,
                ledger,
                storm,
                clients,
                site,
                faults,
                time.monotonic() - began,
                settle_seconds,
                await _stories(archive, ledger),
            )


async def _migrated(site: Site) -> None:
    """Bring the database up to date first: what a start does is not the question here."""
    store = Store(site.database_url)
    await upgrade(store)
    await store.close()


async def _storm(
    wanted: Wanted,
    site: Site,
    storm: Storm,
    clients: Clients,
    trouble: Trouble,
    shuffler: Shuffler | None,
) -> None:
    for program in site.programs:  # a quorum queue that is new must not meet a kill
        _ = await program.start()
    began = time.monotonic()
    await asyncio.gather(*(clients.answered_by(front) for front in site.fronts))
    storm.start_seconds = time.monotonic() - began
    await storm.pause(_NEW_QUEUES_SECONDS if site.agents else 0)
    for program in site.programs:
        program.signal(signal.SIGKILL)
        assert program.life is not None
        _ = await program.life.gone()
    tormented = [asyncio.create_task(storm.torment(program)) for program in site.programs]
    others = [asyncio.create_task(trouble.run(storm))]
    if shuffler is not None:
        others.append(asyncio.create_task(shuffler.run()))
    asking = asyncio.create_task(_ask_all(wanted, storm, clients))
    ends = time.monotonic() + wanted.seconds
    while time.monotonic() < ends and (not asking.done() or storm.kills < wanted.kills):
        planned = sum(wish.is_decided for wish in clients.wishes) / wanted.plans
        ahead = storm.kills > _HEAD_START + planned * wanted.kills
        storm.is_ahead = ahead and not wanted.embedded
        await storm.pause(0.2)
    storm.over.set()
    storm.note("the storm is over")
    await asyncio.gather(*others)
    await asyncio.gather(*tormented)
    with suppress(TimeoutError):
        await asyncio.wait_for(asking, _LAST_CLICKS_SECONDS)


async def _ask_all(wanted: Wanted, storm: Storm, clients: Clients) -> None:
    """Ask for every plan, a few at once, spread over the storm."""
    free = asyncio.Semaphore(_AT_ONCE_EMBEDDED if wanted.embedded else _AT_ONCE)

    async def one(number: int) -> None:
        async with free:
            if not storm.over.is_set():
                await clients.have(number)

    asked = [asyncio.create_task(one(number)) for number in range(wanted.plans)]
    try:
        await asyncio.gather(*asked)
    finally:
        for each in asked:
            each.cancel()


async def _all_end(site: Site, ledger: Ledger) -> None:
    """Ask every program to end: it does, in time and in good order."""
    for program in site.programs:
        try:
            status = await program.end(_EXIT_SECONDS)
        except TimeoutError:
            ledger.find(
                "stuck", None, f"{program.name} does not end {_EXIT_SECONDS:g} s after SIGTERM"
            )
        else:
            if status:
                ledger.find("false", None, f"{program.name} ended with {status}")


async def _stories(archive: Archive, ledger: Ledger) -> dict[int, list[str]]:
    """Read what was written down about each plan that something is found about."""
    records = await archive.records()
    bad = {plan for _, plan, _ in ledger.findings if plan is not None}
    return {
        plan["number"]: [
            f"{row['at'].timestamp():.3f} {row['kind']} by {row['actor']} {row['details']}"
            for row in await archive.story(plan["id"], plan["request_id"])
        ]
        + [
            f"attempt {row['id']} of {row['task_id']}: {row['number']} {row['status']} "
            f"at {row['agent_id']}, {row['created_at']} to {row['ended_at']}: {row['reason']}"
            for row in records.attempts
            if row["plan_id"] == plan["id"]
        ]
        for plan in records.plans
        if plan["number"] in bad
    }


def new_room() -> Path:
    """Return an empty folder that the servers' users may enter."""
    parent = os.environ.get("TMPDIR", tempfile.gettempdir())
    room = Path(tempfile.mkdtemp(prefix="chiffon-chaos-", dir=parent))
    room.chmod(0o755)
    return room
