"""The only place that commits: a use case runs inside one transaction, whole or not at all."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import TypeVar

import stamina
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from orchestrator.errors import StoreError
from orchestrator.store.changes import Stale
from orchestrator.store.dialects import Dialect, dialect_for
from orchestrator.store.lanes import Lane, Touching
from orchestrator.store.repositories.agents import Agents
from orchestrator.store.repositories.attempts import Attempts
from orchestrator.store.repositories.audit import Audit
from orchestrator.store.repositories.conversation import Conversation
from orchestrator.store.repositories.decisions import Decisions
from orchestrator.store.repositories.keys import Keys
from orchestrator.store.repositories.logs import ExecutionLogs
from orchestrator.store.repositories.mail import Letter, Mail
from orchestrator.store.repositories.plans import Plans
from orchestrator.store.repositories.requests import Requests
from orchestrator.store.session import Session

_Answer = TypeVar("_Answer")
_AWAY = "The database does not answer, so nothing was changed. Try again in a moment."
_FULL = (
    "There is no room left on the database's disk, so nothing was changed. "
    "Free some, then try again."
)
_LOCKED = (
    "Others kept what this needs locked all the while, so nothing was changed. Try again in a "
    "moment; if it stays, look what else works on the database."
)
_HEALTH_SECONDS = 5.0
_RETRIES = 10
_RETRY_SECONDS = 20.0


class OutcomeUnknown(StoreError):
    """The connection was lost while the database committed: it may have, or not."""

    def __init__(self) -> None:
        super().__init__(
            "The database went away before it said whether this was saved. "
            "Look, or do the same again: what was saved is not done twice."
        )


class UnitOfWork:
    """Every table's verbs, within one transaction."""

    def __init__(self, session: Session, *, sends: bool = False) -> None:
        self._session = session
        self.requests = Requests(session)
        self.plans = Plans(session)
        self.attempts = Attempts(session)
        self.agents = Agents(session)
        self.decisions = Decisions(session)
        self.logs = ExecutionLogs(session)
        self.audit = Audit(session)
        self.mail = Mail(session, sends=sends)
        self.conversation = Conversation(session)
        self.keys = Keys(session)

    @property
    def now(self) -> datetime:
        """The database's time at the start of the transaction."""
        return self._session.now

    @property
    def writes(self) -> int:
        """Rises with everything that is written."""
        return self._session.written

    async def finish(self) -> None:
        """Write what was decided and not written yet; the commit comes next."""
        await self.conversation.redraw_touched()
        await self._session.flush()


class Store:
    """A database, opened."""

    def __init__(self, url: str) -> None:
        """Take the database's address; nothing is connected yet."""
        self.url = url
        self.dialect: Dialect = dialect_for(url)
        self.engine: AsyncEngine = self.dialect.engine()
        self.mail_waiting = asyncio.Event()
        self._to_send: deque[Letter] | None = None
        self.conversation_waiting = asyncio.Event()
        self._lanes: dict[str, Lane] = {}

    def send_from_here(self) -> deque[Letter]:
        """Say that this process sends what it commits; return where such letters are laid."""
        self._to_send = deque()
        return self._to_send

    def send_elsewhere(self) -> None:
        """Say that this process sends no more: letters are left to whoever looks for them."""
        self._to_send = None

    def is_outage(self, fault: BaseException) -> bool:
        """Say whether `fault` means that the database could not be used, for now."""
        return isinstance(fault, StoreError) or self.dialect.is_outage(fault)

    async def transact(
        self, work: Callable[[UnitOfWork], Awaitable[_Answer]], touching: Touching | None = None
    ) -> _Answer:
        """Run `work` in one transaction and commit it; the plans it is `touching` are held first.

        When the database asks for it (deadlock, serialization failure, locked file), the whole
        of `work` is run again, so it must do nothing but read and write through its argument.
        So it is where the connection was lost before the commit was asked for.

        Raises:
            StoreError: the database does not answer; nothing was changed.
            OutcomeUnknown: the connection was lost during the commit; a repeat must find out.
        """
        with self._one_sentence():
            async for attempt in self.tries():
                with attempt:
                    return await _to_its_end(self._once(work, touching))
        raise AssertionError("unreachable: the last try returns or raises")

    async def transact_together(
        self, lane: str, work: Callable[[UnitOfWork], Awaitable[_Answer]], touching: Touching
    ) -> _Answer:
        """Run `work` in one transaction with whatever else waits in `lane`, and commit it.

        While one group is under way the next one gathers. Who fails alone fails alone; if the
        group fails as a whole, each is tried by itself.
        """
        if lane not in self._lanes:
            self._lanes[lane] = Lane(self)
        return await self._lanes[lane].do(work, touching)

    def tries(
        self,
        attempts: int | None = _RETRIES,
        seconds: float = _RETRY_SECONDS,
        longest: float = 1.0,
    ) -> AsyncIterator[stamina.Attempt]:
        """Return the tries that a transaction gets while the database asks for it again.

        At most `attempts` (None: any number) within so many `seconds`; the pauses in between grow
        to `longest` seconds.
        """
        return aiter(
            stamina.retry_context(
                on=self._is_passing,
                attempts=attempts,
                timeout=seconds,
                wait_initial=0.02,
                wait_max=longest,
                wait_jitter=0.05,
            )
        )

    async def read(self, work: Callable[[UnitOfWork], Awaitable[_Answer]]) -> _Answer:
        """Run `work` on one consistent view; whatever it writes is thrown away.

        Raises:
            StoreError: the database does not answer.
        """
        with self._one_sentence():
            async for attempt in self.tries():
                with attempt:
                    return await self._look(work)
        raise AssertionError("unreachable: the last try returns or raises")

    async def _look(self, work: Callable[[UnitOfWork], Awaitable[_Answer]]) -> _Answer:
        async with self.engine.connect() as connection:
            await self.dialect.begin_read(connection)
            now = await self.dialect.now(connection)
            return await work(UnitOfWork(Session(connection, self.dialect, now)))

    @asynccontextmanager
    async def begin(self, engine: AsyncEngine | None = None) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that writes; it is committed at the end of the block.

        Raises:
            OutcomeUnknown: the connection was lost, or nothing was heard, during the commit.
        """
        chosen = engine or self.engine
        async with self.dialect.write_turn(), chosen.connect() as connection:
            await self.dialect.begin_write(connection)
            yield connection
            try:
                await connection.commit()
            except (DBAPIError, ConnectionError, TimeoutError) as fault:
                if self._is_lost(fault):
                    raise OutcomeUnknown from fault
                raise

    @asynccontextmanager
    async def patient_engine(self) -> AsyncIterator[AsyncEngine]:
        """Give an engine for what may take long, such as migrations; it is let go of afterwards."""
        engine = self.dialect.engine(patient=True)
        try:
            yield engine
        finally:
            await engine.dispose()

    async def answers(self) -> bool:
        """Say whether the database answers, and soon: whoever asks for health waits for it."""
        try:
            async with asyncio.timeout(_HEALTH_SECONDS), self.engine.connect() as connection:
                await self.dialect.now(connection)
                _ = await connection.execute(select(1))
        except (SQLAlchemyError, OSError):
            return False
        return True

    async def close(self) -> None:
        """Let go of every connection, once what is under way has ended."""
        for lane in self._lanes.values():
            await lane.ended()
        await self.engine.dispose()

    async def _once(
        self, work: Callable[[UnitOfWork], Awaitable[_Answer]], touching: Touching | None
    ) -> _Answer:
        async with self.begin() as connection:
            session = Session(connection, self.dialect)
            uow = UnitOfWork(session, sends=self._to_send is not None)
            await self._begun(session, uow, touching)
            answer = await work(uow)
            await uow.finish()
        if self._to_send is not None:
            self._to_send.extend(uow.mail.to_send)
        if uow.mail.posted:
            self.mail_waiting.set()
        if uow.conversation.due:
            self.conversation_waiting.set()
        return answer

    async def _begun(self, session: Session, uow: UnitOfWork, touching: Touching | None) -> None:
        """Run the first statements; a connection that turns out dead by then has lost nothing."""
        try:
            if touching is None:
                await session.begin_at(None)
            else:
                await uow.plans.hold(touching.plans, attempt_ids=touching.attempts)
        except DBAPIError as fault:
            if fault.connection_invalidated:
                raise Stale("the connection was dead") from fault
            raise
        if touching is not None and touching.messages:
            await uow.mail.look_for(touching.messages)
        if touching is not None and touching.source_keys:
            await uow.plans.look_for_source_keys(touching.source_keys)

    def _is_passing(self, fault: Exception) -> bool:
        passing = isinstance(fault, DBAPIError) and self.dialect.is_passing(fault)
        return passing or isinstance(fault, Stale) or self._is_lost(fault)

    def _is_lost(self, fault: Exception) -> bool:
        lost = isinstance(fault, DBAPIError) and self.dialect.is_lost(fault)
        return lost or isinstance(fault, ConnectionError | TimeoutError)

    @contextmanager
    def _one_sentence(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, ConnectionError, TimeoutError, PoolTimeout) as fault:
            if not (said := self._said_of(fault)):
                raise
            raise StoreError(said) from fault

    def _said_of(self, fault: Exception) -> str:
        """Say why a transaction that was rolled back could not be; nothing of what is our fault."""
        if self._is_lost(fault) or isinstance(fault, PoolTimeout):
            return _AWAY
        if not isinstance(fault, DBAPIError):
            return ""
        if self.dialect.is_full(fault):
            return _FULL
        return _LOCKED if self.dialect.is_passing(fault) else ""


async def _to_its_end(transaction: Coroutine[object, object, _Answer]) -> _Answer:
    """Let a transaction commit or roll back even if who waits for it is cancelled.

    A connection that is dropped in the middle keeps SQLite's write lock until it is collected.
    """
    running = asyncio.ensure_future(transaction)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        if not running.cancelled():
            _ = running.exception()  # nobody is left to be told; unlooked at, it is complained of
        raise
