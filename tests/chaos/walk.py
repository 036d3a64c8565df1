"""A walk over crash points: one life of a program ends at each, the next one goes on from there."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.clients import Clients, Wish
from tests.chaos.programs import Program
from tests.chaos.rows import Archive
from tests.chaos.settle import judged, resolve_unknown, settled
from tests.chaos.site import Site
from tests.plugins.waiting import until

REACHED_SECONDS = 60.0
_PLAN = "paint the fence, then paint the shed"
_SLOW = "paint the barn, then paint the shed"

Deed = Callable[[Site, Clients], Awaitable[object]]


async def plan(site: Site, clients: Clients) -> Wish:
    """Ask for two steps, one of which must not happen twice, and approve them."""
    return await _approved(clients, _PLAN)


async def slow_plan(site: Site, clients: Clients) -> Wish:
    """Ask for a step that takes a while, so that another one waits."""
    return await _approved(clients, _SLOW)


async def cancelled_plan(site: Site, clients: Clients) -> Wish:
    """Ask for something slow, and call it off."""
    wish = await _approved(clients, "paint the gate, then paint the shed")
    await clients.cancel(wish)
    return wish


async def answered_plan(site: Site, clients: Clients) -> Wish:
    """Ask for what is not clear, answer the question, and approve."""
    wish = clients.wish("paint it")
    await clients.ask(wish)
    await clients.answer(wish, "paint_shed")
    await clients.click(wish, approved=True)
    return wish


async def corrected_plan(site: Site, clients: Clients) -> Wish:
    """Ask, say that something else was meant, and approve that."""
    wish = clients.wish(_PLAN)
    await clients.ask(wish)
    await clients.correct(wish, "paint_shed")
    await clients.click(wish, approved=True)
    return wish


def remembered_plan(words: str) -> Deed:
    """Return how somebody asks, says what was meant, has the words remembered, and approves."""

    async def remember(site: Site, clients: Clients) -> Wish:
        wish = clients.wish(words)
        await clients.ask(wish)
        await clients.correct(wish, "paint_fence")
        await clients.remember(wish)
        await clients.click(wish, approved=True)
        return wish

    return remember


async def told_once(site: Site, archive: Archive, clients: Clients, words: str) -> bool:
    """Say whether words stand once in the catalogue, and their remembering once in the story."""
    file = site.fronts[0].home / "catalog" / "remembered.yaml"
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if words in line]
    [wish] = [each for each in clients.wishes if each.text == words]
    story = await archive.story(wish.plan_id, wish.request_id)
    return (len(lines), [each["kind"] for each in story].count("phrase_remembered")) == (1, 1)


async def undecided_plan(site: Site, clients: Clients) -> Wish:
    """Ask, and decide nothing."""
    wish = clients.wish(_PLAN)
    await clients.ask(wish)
    return wish


async def nothing(site: Site, clients: Clients) -> None:
    """Leave it alone: what is there is enough."""


async def path_plan(site: Site, clients: Clients) -> Wish:
    """Ask for work of the other pool."""
    return await _approved(clients, "paint the path")


def said(text: str) -> Deed:
    """Return how somebody says `text` on the chat page, however often it takes."""

    async def say(site: Site, clients: Clients) -> None:
        headers = {"Authorization": f"Bearer {site.token}"}
        address = site.address(site.fronts[0])
        async with httpx.AsyncClient(headers=headers, base_url=address, trust_env=False) as http:

            async def heard() -> bool:
                try:
                    state = (await http.get("/local/state")).json()
                    if not state["connected"]:  # nobody would hear it
                        return False
                    direct = next(each for each in state["channels"] if each["kind"] == "dm")
                    words = {"person": state["me"], "channel": direct["id"], "text": text}
                    return bool((await http.post("/local/say", json=words)).json()["ok"])
                except (httpx.TransportError, KeyError, ValueError):
                    return False

            await until(heard, what="the page takes a message", seconds=REACHED_SECONDS)

    return say


async def _approved(clients: Clients, text: str) -> Wish:
    wish = clients.wish(text)
    await clients.ask(wish)
    await clients.click(wish, approved=True)
    return wish


@dataclass(frozen=True)
class Stage:
    """One life: where it ends, what is done meanwhile, and what it is told at its start.

    `rested`: all that came before is at its end first, so that only `deed` can lead to the point.
    """

    point: str
    deed: Deed = plan
    settings: dict[str, str] = field(default_factory=dict)
    rested: bool = False


async def _killed(program: Program) -> None:
    if program.is_alive and program.life is not None:
        program.signal(signal.SIGKILL)
        _ = await program.life.gone()


async def walk(
    site: Site, archive: Archive, stages: Sequence[tuple[Program, Stage]], clients: Clients
) -> None:
    """Go through the stages, then let everything come to rest, and judge.

    A call that is not answered in one life is answered in a later one.
    """
    deeds: list[asyncio.Future[Any]] = []
    for program, stage in stages:
        await _killed(program)
        if stage.rested:
            _ = await program.start()
            await asyncio.wait_for(asyncio.gather(*deeds), REACHED_SECONDS)
            await settled(archive)
            await _killed(program)
        for other in site.programs:
            if not other.is_alive and other is not program:
                _ = await other.start()
        life = await program.start(stage.point, **stage.settings)
        deeds.append(asyncio.ensure_future(stage.deed(site, clients)))
        try:
            status = await life.gone(REACHED_SECONDS)
        except TimeoutError as fault:
            raise AssertionError(f"{stage.point} was not reached in {program.log}") from fault
        assert status == -signal.SIGKILL, f"{stage.point}: {status}; see {program.log}"
    for program in site.programs:
        if not program.is_alive:
            _ = await program.start()
    await asyncio.wait_for(asyncio.gather(*deeds), REACHED_SECONDS)
    await settled(archive)
    _ = await resolve_unknown(site, archive, clients)
    await settled(archive)
    ledger = await judged(site, archive, clients)
    assert ledger.is_clean, ledger.findings
    for program in site.programs:
        assert await program.end() == 0, program.log
