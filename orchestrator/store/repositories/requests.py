"""Requests, the people who ask, and what could not be done for them."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import RowMapping, delete, func, insert, literal, or_, select, update

from orchestrator.domain.ids import new_id
from orchestrator.domain.lifecycle import REQUEST_MOVES, RequestStatus, sources_of
from orchestrator.domain.request import Answer, DecomposedRequest, Request
from orchestrator.domain.views import GapView, Identity
from orchestrator.store.session import Session
from orchestrator.store.tables import capability_gaps, people, requests

THINKING = timedelta(seconds=30)
"""A worker that has not understood a request by then counts as dead."""


class Requests:
    """Verbs on `requests`, `people` and `capability_gaps`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, request: Request, source_key: str | None) -> bool:
        """Store a new request, claimed by this worker for as long as thinking may take.

        Says whether it was new: nothing is stored when its source key has come before.
        """
        fields = request.model_dump(mode="json", exclude={"request_id", "created_at"})
        row = {
            **fields,
            "id": request.request_id,
            "source_key": source_key,
            "thinking_until": self._session.now + THINKING,
            "created_at": request.created_at,
            "updated_at": self._session.now,
        }
        return await self._session.insert_new(requests, **row)

    async def get(self, request_id: str) -> Request | None:
        """Return one request."""
        row = await self._session.one(select(requests).where(requests.c.id == request_id))
        return None if row is None else _request(row)

    async def reword(self, request_id: str, text: str) -> None:
        """Let a request read otherwise."""
        await self._session.execute(
            update(requests).where(requests.c.id == request_id).values(request_text=text)
        )

    async def locked(self, request_id: str) -> Request | None:
        """Return one request and keep others from changing it."""
        statement = select(requests).where(requests.c.id == request_id)
        row = await self._session.one(self._session.dialect.locked(statement))
        return None if row is None else _request(row)

    async def by_source_key(self, source_key: str) -> Request | None:
        """Return the request that came in under this key before."""
        row = await self._session.one(select(requests).where(requests.c.source_key == source_key))
        return None if row is None else _request(row)

    async def newest_of_thread(self, team: str, channel: str, thread: str) -> Request | None:
        """Return the request that was asked last in a thread."""
        statement = (
            select(requests)
            .where(
                requests.c.team == team,
                requests.c.channel == channel,
                requests.c.thread == thread,
            )
            .order_by(requests.c.id.desc())
            .limit(1)
        )
        row = await self._session.one(statement)
        return None if row is None else _request(row)

    async def before_in_thread(self, request: Request) -> Request | None:
        """Return the request that was asked in the thread right before this one."""
        statement = (
            select(requests)
            .where(
                requests.c.team == request.team,
                requests.c.channel == request.channel,
                requests.c.thread == request.thread,
                requests.c.id < request.request_id,
            )
            .order_by(requests.c.id.desc())
            .limit(1)
        )
        row = await self._session.one(statement)
        return None if row is None else _request(row)

    async def understood(
        self, request_id: str, status: RequestStatus, decomposition: DecomposedRequest | None
    ) -> None:
        """Move a request to what thinking found.

        Raises:
            Conflict: another worker was first.
        """
        await self._session.must_move(
            requests,
            request_id,
            sources_of(REQUEST_MOVES, status) - {RequestStatus.OUT_OF_SCOPE},  # a person's alone
            status,
            decomposition=None if decomposition is None else decomposition.model_dump(mode="json"),
            thinking_until=None,
            updated_at=self._session.now,
        )

    async def corrected(
        self, request_id: str, status: RequestStatus, decomposition: DecomposedRequest
    ) -> None:
        """Put a person's own understanding in the place of the one before; `status` is now's.

        What is no gap any more is forgotten.

        Raises:
            Conflict: the request is not where it was.
        """
        values = {
            "decomposition": decomposition.model_dump(mode="json"),
            "updated_at": self._session.now,
        }
        if status is RequestStatus.PARSING_COMPLETE:
            statement = update(requests).where(requests.c.id == request_id)
            await self._session.execute(statement.values(**values))
        else:
            target = RequestStatus.PARSING_COMPLETE
            sources = sources_of(REQUEST_MOVES, target) & {status}
            await self._session.must_move(requests, request_id, sources, target, **values)
        gaps = delete(capability_gaps).where(capability_gaps.c.request_id == request_id)
        left = decomposition.out_of_scope
        await self._session.execute(gaps.where(capability_gaps.c.gap_text.not_in(left)))

    async def failed(self, request_id: str, failure: str) -> None:
        """Say that a request could not be understood because of a fault."""
        await self._session.must_move(
            requests,
            request_id,
            sources_of(REQUEST_MOVES, RequestStatus.FAILED),
            RequestStatus.FAILED,
            failure=failure,
            thinking_until=None,
            updated_at=self._session.now,
        )

    async def keep_answers(
        self, request_id: str, answers: Sequence[Answer], decomposition: DecomposedRequest
    ) -> None:
        """Store answers and the decomposition that they lead to, whatever its status."""
        statement = (
            update(requests)
            .where(requests.c.id == request_id)
            .values(
                answers=[answer.model_dump(mode="json") for answer in answers],
                decomposition=decomposition.model_dump(mode="json"),
                updated_at=self._session.now,
            )
        )
        await self._session.execute(statement)

    async def claim_abandoned(self, limit: int = 10) -> list[Request]:
        """Take over pending requests whose worker died; they are this worker's now."""
        now = self._session.now
        due = or_(requests.c.thinking_until.is_(None), requests.c.thinking_until < now)
        statement = (
            select(requests)
            .where(
                requests.c.status == literal(RequestStatus.PENDING.value, literal_execute=True), due
            )
            .order_by(requests.c.id)
            .limit(limit)
        )
        rows = await self._session.rows(self._session.dialect.claimable(statement))
        taken = [_request(row) for row in rows]
        await self._session.execute(
            update(requests)
            .where(requests.c.id.in_([request.request_id for request in taken]))
            .values(thinking_until=now + THINKING)
        )
        return taken

    async def meet(self, who: Identity) -> None:
        """Remember a person; nothing happens when they are known."""
        row: dict[str, object] = {
            "id": new_id(),
            "team": who.team,
            "person": who.person,
            "first_seen_at": self._session.now,
        }
        self._session.changes.insert_unless_known(people, row)

    async def add_gaps(self, request_id: str, gaps: Sequence[str]) -> None:
        """Keep what no capability covers."""
        for gap in gaps:
            await self._session.execute(
                insert(capability_gaps).values(
                    id=new_id(),
                    request_id=request_id,
                    gap_text=gap,
                    gap_key=" ".join(gap.casefold().split())[:255],
                    asked_at=self._session.now,
                )
            )

    async def gaps(self, limit: int) -> list[GapView]:
        """Return the most frequent gaps first."""
        times = func.count().label("times")
        last = func.max(capability_gaps.c.asked_at).label("last_asked_at")
        statement = (
            select(func.min(capability_gaps.c.gap_text).label("text"), times, last)
            .group_by(capability_gaps.c.gap_key)
            .order_by(times.desc(), last.desc())
            .limit(limit)
        )
        return [GapView.model_validate(dict(row)) for row in await self._session.rows(statement)]


def _request(row: RowMapping) -> Request:
    names = Request.model_fields.keys() - {"request_id"}
    return Request.model_validate({"request_id": row["id"], **{name: row[name] for name in names}})
