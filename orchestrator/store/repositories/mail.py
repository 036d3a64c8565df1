"""What goes out and what came in: the outbox that the relay empties, and the inbox keys."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Column, RowMapping, Select, delete, exists, or_, select, update

from orchestrator.domain.ids import first_id_at
from orchestrator.domain.lifecycle import OPEN_ATTEMPTS
from orchestrator.domain.value import Value
from orchestrator.protocol import Envelope
from orchestrator.store.session import Session
from orchestrator.store.tables import attempts, inbox, outbox

CLAIM = timedelta(seconds=10)
"""A relay that has not said what became of a message by then counts as dead."""

CLAIM_AT_ONCE = timedelta(seconds=5)
"""The same for a process that writes a message and sends it itself, right after the commit."""


class Letter(Value):
    """One message that must go out."""

    letter_id: str
    queue: str
    message_type: str
    body: str
    attempt_id: str | None = None


class Mail:
    """Verbs on `outbox` and `inbox`."""

    def __init__(self, session: Session, *, sends: bool = False) -> None:
        self._session = session
        self._sends = sends
        self.posted = False
        self.to_send: list[Letter] = []
        self._unknown: set[str] = set()

    async def post(self, queue: str, envelope: Envelope, attempt_id: str | None = None) -> None:
        """Write a message into the outbox; it goes out when this transaction is committed.

        Where this process sends, it has claimed the message already, and finds it in `to_send`.
        """
        self.posted = True
        letter = Letter(
            letter_id=envelope.message_id,
            queue=queue,
            message_type=envelope.type,
            body=envelope.encode().decode(),
            attempt_id=attempt_id,
        )
        now = self._session.now
        row = {
            **letter.model_dump(exclude={"letter_id"}),
            "id": letter.letter_id,
            "tries": int(self._sends),
            "created_at": now,
            "claimed_until": now + CLAIM_AT_ONCE if self._sends else None,
        }
        self._session.changes.insert(outbox, row, "id")
        if self._sends:
            self.to_send.append(letter)

    async def claim(self, limit: int = 50) -> list[Letter]:
        """Take messages that nobody is sending, oldest first."""
        now = self._session.now
        statement = (
            select(outbox)
            .where(
                outbox.c.sent_at.is_(None),
                outbox.c.failed_at.is_(None),
                or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until < now),
            )
            .order_by(outbox.c.id)
            .limit(limit)
        )
        rows = await self._session.rows(self._session.dialect.claimable(statement))
        await self._session.execute(
            update(outbox)
            .where(outbox.c.id.in_([row["id"] for row in rows]))
            .values(claimed_until=now + CLAIM, tries=outbox.c.tries + 1)
        )
        return [_letter(row) for row in rows]

    async def sent(self, letter_ids: Collection[str]) -> None:
        """Note that the broker has confirmed messages."""
        for key in letter_ids:
            values = {"sent_at": self._session.now, "claimed_until": None, "error": None}
            self._session.changes.update(outbox, key, values)

    async def undeliverable(self, letter_id: str, reason: str) -> None:
        """Note that a message has nowhere to go; it is not tried again."""
        await self._session.execute(
            update(outbox)
            .where(outbox.c.id == letter_id)
            .values(failed_at=self._session.now, claimed_until=None, error=reason)
        )

    async def put_back(self, letter_id: str, reason: str) -> None:
        """Note that a message did not go out this time; it is tried again after its claim."""
        await self._session.execute(
            update(outbox).where(outbox.c.id == letter_id).values(error=reason)
        )

    async def send_again(self) -> int:
        """Take open attempts' messages as unsent: the broker they went to forgets.

        Only for a transport that does not outlive its process, at the start of the process.
        """
        alive = select(attempts.c.id).where(attempts.c.status.in_(sorted(OPEN_ATTEMPTS)))
        statement = (
            update(outbox)
            .where(outbox.c.attempt_id.in_(alive), outbox.c.failed_at.is_(None))
            .values(sent_at=None, claimed_until=None)
        )
        changed = await self._session.execute(statement)
        self.posted = self.posted or changed > 0
        return changed

    async def forget_sent(self, before: datetime, limit: int) -> int:
        """Delete messages that were sent before then, oldest first; return how many.

        Never what is unsent, nor what belongs to an attempt that has not ended. Keys sort by
        time, so the search begins at the oldest and needs no index of its own.
        """
        is_open = exists().where(
            attempts.c.id == outbox.c.attempt_id, attempts.c.ended_at.is_(None)
        )
        statement = (
            select(outbox.c.id)
            .where(outbox.c.id < first_id_at(before), outbox.c.sent_at < before, ~is_open)
            .order_by(outbox.c.id)
            .limit(limit)
        )
        return await self._forget(outbox.c.id, statement)

    async def forget_keys(self, before: datetime, limit: int) -> int:
        """Delete keys of what came in before then; return how many."""
        statement = (
            select(inbox.c.message_id)
            .where(inbox.c.received_at < before)
            .order_by(inbox.c.received_at)
            .limit(limit)
        )
        return await self._forget(inbox.c.message_id, statement)

    async def _forget(self, key: Column[str], old: Select[tuple[str]]) -> int:
        found = await self._session.rows(self._session.dialect.claimable(old))
        gone = [str(row[key.name]) for row in found]
        return await self._session.execute(delete(key.table).where(key.in_(gone))) if gone else 0

    async def is_new(self, message_id: str, source: str) -> bool:
        """Remember a message that came in; say whether it had not come before.

        Where the plan that it is about is held, `look_for` has asked before.
        """
        if message_id in self._unknown:
            self._unknown.discard(message_id)
            row = {"message_id": message_id, "source": source, "received_at": self._session.now}
            self._session.changes.insert(inbox, row)
            return True
        return await self._session.insert_new(
            inbox, message_id=message_id, source=source, received_at=self._session.now
        )

    async def look_for(self, message_ids: Collection[str]) -> None:
        """Find out at once which of these have not come in before; their plans are held."""
        among = self._session.dialect.among(inbox.c.message_id, message_ids)
        known = await self._session.rows(select(inbox.c.message_id).where(among))
        self._unknown = set(message_ids) - {str(row["message_id"]) for row in known}

    async def has(self, message_id: str) -> bool:
        """Say whether a message with this key has come in before."""
        statement = select(inbox.c.message_id).where(inbox.c.message_id == message_id)
        return await self._session.scalar(statement) is not None


def _letter(row: RowMapping) -> Letter:
    return Letter(
        letter_id=row["id"],
        queue=row["queue"],
        message_type=row["message_type"],
        body=row["body"],
        attempt_id=row["attempt_id"],
    )
