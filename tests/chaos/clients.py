"""People at a keyboard: they ask, decide, click twice, change their minds, and try again.

A call that is not answered is repeated with the same key, at any front, until it is answered.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy.exc import SQLAlchemyError

from tests.chaos.programs import Program
from tests.chaos.rows import Archive
from tests.chaos.site import PERSON, Site
from tests.chaos.work import request
from tests.plugins.waiting import until

_ANSWER_SECONDS = 8.0
_CERTAIN = 2
_TWO_STEPS = "paint the fence and paint the shed"
_AGAIN_SECONDS = (0.1, 0.7)


@dataclass
class Wish:
    """One request of one person, and what became of it as far as they were told."""

    key: str
    text: str
    request_id: str = ""
    number: int | None = None
    plan_id: str = ""
    questions: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    approved: bool = False
    rejected: bool = False
    cancelled: bool = False
    changed: bool = False
    refused: str = ""
    said: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        self.said.append(f"{time.time():.3f} {what}")

    @property
    def is_decided(self) -> bool:
        return self.approved or self.rejected or self.cancelled


class Clients:
    """All the people of a run."""

    def __init__(self, site: Site, archive: Archive, seed: int) -> None:
        self.wishes: list[Wish] = []
        self._site = site
        self._archive = archive
        self._seed = seed
        self._chance = random.Random(seed)
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {site.token}"},
            timeout=_ANSWER_SECONDS,
            trust_env=False,
        )
        self._never = asyncio.Event()
        self.tampering = False

    async def close(self) -> None:
        await self._http.aclose()

    def wish(self, text: str) -> Wish:
        """Have somebody wish for something; nobody was asked yet."""
        made = Wish(key=f"wish-{self._seed}-{len(self.wishes)}", text=text)
        self.wishes.append(made)
        return made

    async def have(self, number: int) -> None:
        """Ask for one plan and see it decided."""
        chance = random.Random(self._seed * 1_000_003 + number)
        certain = number < _CERTAIN  # every run tries these, whatever the seed
        wish = self.wish(_TWO_STEPS if certain else request(chance))
        await self.ask(wish)
        if wish.number is None:
            return
        if self.tampering and len(wish.shown) > 1 and (certain or chance.random() < 0.25):
            wish.changed = await self._changed(wish.number)
            wish.note("its row was changed")
        if certain:
            await self.click(wish, approved=True)
        if not wish.is_decided:
            await self._decide(wish, chance)

    async def answered_by(self, front: Program) -> None:
        """Wait until a front answers at all."""
        address = f"{self._site.address(front)}/api/v1/plans"

        async def answers() -> bool:
            try:
                return (await self._http.get(address)).status_code == 200
            except httpx.TransportError:
                return False

        await until(answers, what=f"{front.name} answers", seconds=60)

    async def resolve(self, plan: int, step: int, decision: str) -> None:
        """Say what became of a step of unknown outcome."""
        body = {"user_id": PERSON, "decision": decision}
        _ = await self._told(f"/plan/{plan}.{step}/retry", body, key=str(uuid.uuid4()))

    async def ask(self, wish: Wish) -> None:
        """Ask until there is a plan, or a clear no."""
        body = {"request": wish.text, "user_id": PERSON}
        status, said = await self._told("/request", body, wish.key)
        wish.note(f"asked: {status}")
        wish.request_id = said.get("request_id", "")
        while said.get("plan_number") is None:
            if said.get("status") != "pending":
                wish.refused = f"{status} {said}"
                wish.questions = [each["id"] for each in said.get("ambiguities", ())]
                return
            await self._pause()
            status, said = await self._told("/request", body, wish.key)
        _show(wish, said)

    async def answer(self, wish: Wish, text: str) -> None:
        """Answer every question with the same words."""
        answers = [{"ambiguity_id": each, "text": text} for each in wish.questions]
        body = {"user_id": PERSON, "answers": answers}
        path = f"/request/{wish.request_id}/answer"
        status, said = await self._told(path, body, str(uuid.uuid4()))
        wish.note(f"answered: {status}")
        _show(wish, said)

    async def correct(self, wish: Wish, capability: str) -> None:
        """Say what was meant, in the place of all that was understood."""
        plan_id = wish.plan_id or None
        body = {"user_id": PERSON, "capability": capability, "plan_id": plan_id}
        path = f"/request/{wish.request_id}/correction"
        status, said = await self._told(path, body, str(uuid.uuid4()))
        wish.note(f"corrected: {status}")
        _show(wish, said)

    async def remember(self, wish: Wish) -> None:
        """Have the words remembered that were corrected."""
        path = f"/plan/{wish.number}/phrase"
        status, said = await self._told(path, {"user_id": PERSON}, str(uuid.uuid4()))
        wish.note(f"remembered: {status}")
        assert status == 200, said

    async def _decide(self, wish: Wish, chance: random.Random) -> None:
        fate = chance.random()
        if fate < 0.6:
            await self.click(wish, approved=True)
        elif fate < 0.75:  # twice at once, with two keys
            await asyncio.gather(self.click(wish, approved=True), self.click(wish, approved=True))
        elif fate < 0.85:
            await asyncio.gather(self.click(wish, approved=True), self.click(wish, approved=False))
        elif fate < 0.97:
            await self.click(wish, approved=True)
            await self._pause()
            await self.cancel(wish)
        else:
            await self.click(wish, approved=False)
        if not wish.is_decided:  # a changed plan cannot be approved; nothing is left but a no
            await self.click(wish, approved=False)

    async def click(self, wish: Wish, *, approved: bool) -> None:
        """Decide, and remember what was answered."""
        body = {"approved": approved, "user_id": PERSON}
        status, said = await self._told(f"/plan/{wish.number}/approve", body, str(uuid.uuid4()))
        wish.note(f"{'approve' if approved else 'reject'}: {status} {said.get('detail', '')}")
        if status == 200:
            wish.approved = wish.approved or approved
            wish.rejected = wish.rejected or not approved

    async def cancel(self, wish: Wish) -> None:
        """Call a plan off, and remember what was answered."""
        body = {"user_id": PERSON}
        status, said = await self._told(f"/plan/{wish.number}/cancel", body, str(uuid.uuid4()))
        wish.note(f"cancel: {status} {said.get('detail', '')}")
        wish.cancelled = wish.cancelled or status == 200

    async def _changed(self, number: int) -> bool:
        try:
            return await self._archive.change_step(number)
        except SQLAlchemyError:  # the database has gone away with it
            return False

    async def _told(
        self, path: str, body: Mapping[str, object], key: str
    ) -> tuple[int, dict[str, Any]]:
        """Call one front after another until one answers with anything but a fault of its own."""
        while True:
            front = self._chance.choice(self._site.fronts)
            try:
                answer = await self._http.post(
                    f"{self._site.address(front)}/api/v1{path}",
                    json=body,
                    headers={"Idempotency-Key": key},
                )
                if answer.status_code < 500 and answer.status_code != 429:
                    said: dict[str, Any] = answer.json()
                    return answer.status_code, said
            except (httpx.TransportError, httpx.DecodingError, ValueError):
                pass
            await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._chance.uniform(*_AGAIN_SECONDS)):
                _ = await self._never.wait()
        except TimeoutError:
            pass


def _show(wish: Wish, said: Mapping[str, Any]) -> None:
    """Have somebody see the plan that a request has led to."""
    wish.number, wish.plan_id, wish.refused = said["plan_number"], said["plan_id"], ""
    wish.shown = [step["intent"] for step in said["decomposed_request"]["subtasks"]]
