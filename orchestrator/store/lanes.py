"""Many callers, one transaction: who comes while a commit is under way shares the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextvars import Context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.errors import ChiffonError

if TYPE_CHECKING:
    from orchestrator.store.unit_of_work import Store, UnitOfWork

GROUP = 50
"""So many share a transaction at most: the first of them wait for the work of the last."""

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Touching:
    """What a transaction is about, to be locked and read before it begins to decide.

    Attributes:
        plans: ids of plans.
        attempts: ids of attempts, whose plans are meant.
        messages: ids of messages whose repetition must change nothing.
        source_keys: keys of decisions whose repetition must change nothing.
    """

    plans: tuple[str, ...] = ()
    attempts: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    source_keys: tuple[str, ...] = ()


def together(each: Iterable[Touching]) -> Touching:
    """Return what a group is about."""
    plans: set[str] = set()
    attempts: set[str] = set()
    messages: set[str] = set()
    source_keys: set[str] = set()
    for one in each:
        plans.update(one.plans)
        attempts.update(one.attempts)
        messages.update(one.messages)
        source_keys.update(one.source_keys)
    return Touching(tuple(plans), tuple(attempts), tuple(messages), tuple(source_keys))


@dataclass(eq=False)
class Member:
    """One caller's work, and where its answer goes."""

    work: "Callable[[UnitOfWork], Awaitable[Any]]"
    touching: Touching
    answer: asyncio.Future[Any]

    def gives(self, answer: object) -> None:
        """Hand over the answer, or what was raised, if anybody still waits for it."""
        if self.answer.done():
            return
        if isinstance(answer, BaseException):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


class _Broken(Exception):
    """One member failed after it had written: nothing of the group may be committed."""


class Lane:
    """A queue of work that is done in groups, one group at a time, in the order of coming."""

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._waiting: deque[Member] = deque()
        self._running: asyncio.Task[None] | None = None

    async def do(
        self, work: "Callable[[UnitOfWork], Awaitable[_Answer]]", touching: Touching
    ) -> _Answer:
        """Queue up; return what `work` returns once its transaction is committed.

        A caller that is cancelled before its group has begun does nothing.
        """
        answer: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(Member(work, touching, answer))
        if self._running is None:
            self._running = asyncio.create_task(
                self._run(), name="group of transactions", context=Context()
            )
        return await answer

    async def ended(self) -> None:
        """Wait until nothing is under way: a transaction left alone would keep its connection."""
        if self._running is not None:
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        try:
            while self._waiting:
                count = min(GROUP, len(self._waiting))
                taken = [self._waiting.popleft() for _ in range(count)]
                await self._carry_out([each for each in taken if not each.answer.done()])
        finally:
            self._running = None
            for each in self._waiting:  # only where this task was cancelled
                each.answer.cancel()
            self._waiting.clear()

    async def _carry_out(self, members: list[Member]) -> None:
        if len(members) == 1:
            await self._alone(members[0])
        elif members:
            try:
                answers = await self._as_one(members)
            except _Broken:
                for each in members:
                    await self._alone(each)
            except Exception as fault:  # noqa: BLE001 - handed to whoever waits
                await self._apart(members, fault)
            else:
                for each, answer in zip(members, answers, strict=True):
                    each.gives(answer)

    async def _apart(self, members: list[Member], fault: Exception) -> None:
        """Try each by itself, unless the database cannot be used at all."""
        for each in members:
            if self._store.is_outage(fault):
                each.gives(fault)
            else:
                await self._alone(each)

    async def _alone(self, member: Member) -> None:
        try:
            member.gives(await self._store.transact(member.work, member.touching))
        except Exception as fault:  # noqa: BLE001 - handed to whoever waits
            member.gives(fault)

    async def _as_one(self, members: list[Member]) -> list[object]:
        async def work(uow: "UnitOfWork") -> list[object]:
            return [await _one(uow, each) for each in members]

        return await self._store.transact(work, together(each.touching for each in members))


async def _one(uow: "UnitOfWork", member: Member) -> object:
    before = uow.writes
    try:
        return await member.work(uow)
    except ChiffonError as refusal:  # a refusal that wrote nothing is its own affair
        if uow.writes != before:
            raise _Broken from refusal
        return refusal
    except Exception as fault:
        raise _Broken from fault
