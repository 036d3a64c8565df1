"""What is owed to conversations: plans' cards and replies in threads, and who is at which."""

from collections.abc import Collection, Mapping
from datetime import timedelta

from pydantic import JsonValue
from sqlalchemy import ColumnElement, RowMapping, func, or_, select, update

from orchestrator.domain.conversation import Notice, NoticeKind
from orchestrator.domain.ids import new_id
from orchestrator.domain.value import Value
from orchestrator.store.session import Session
from orchestrator.store.tables import attempts, cards, notifications, plans, requests, tasks

CLAIM = timedelta(seconds=30)
"""Whoever has not said by then what became of a card or a reply counts as dead."""


class Place(Value):
    """A thread of a channel, or without a thread the channel itself, and what it is about."""

    request_id: str
    plan_id: str | None = None
    team: str
    channel: str
    thread: str | None = None


class StoredCard(Value):
    """A card's row: which version is wanted, and the messages that show an older one."""

    card_id: str
    plan_id: str
    version_wanted: int
    version_shown: int
    team: str
    channel: str
    thread: str | None = None
    messages: tuple[str, ...] = ()


class Conversation:
    """Verbs on `cards` and `notifications`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._due = False

    @property
    def due(self) -> bool:
        """Whether a card or a reply has become due in this transaction."""
        return self._due or notifications.name in self._session.news

    async def want_card(self, place: Place) -> None:
        """Want a plan shown in the conversation that it was asked in."""
        self._due = True
        await self._session.insert_new(
            cards,
            id=new_id(),
            plan_id=place.plan_id,
            team=place.team,
            channel=place.channel,
            thread=place.thread,
            messages=[],
            version_wanted=1,
            version_shown=0,
            updated_at=self._session.now,
        )

    def redraw(self, plan_id: str) -> None:
        """Want a plan's card drawn anew, though its row stays as it is."""
        self._session.touch(plans, plan_id)

    async def redraw_touched(self) -> None:
        """Want anew the cards of plans that this transaction has changed, tasks and all."""
        held = self._session.held
        of_held = {key for name, key in self._session.touched if name == plans.name and key in held}
        talked_about = {key for key in of_held if held[key].stored.channel is not None}
        self._session.changes.cards.update(talked_about)
        self._due = self._due or bool(talked_about)
        shown = _cards_of(self._session.touched - {(plans.name, key) for key in of_held})
        if not shown:
            return
        statement = (
            update(cards)
            .where(or_(*shown))
            .values(version_wanted=cards.c.version_wanted + 1, updated_at=self._session.now)
        )
        if await self._session.execute(statement):
            self._due = True

    async def claim_cards(self, limit: int) -> list[str]:
        """Take cards that show an old state and that nobody is drawing; return their ids."""
        now = self._session.now
        statement = (
            select(cards.c.id)
            .where(
                cards.c.version_wanted > cards.c.version_shown,
                or_(cards.c.claimed_until.is_(None), cards.c.claimed_until < now),
            )
            .order_by(cards.c.id)
            .limit(limit)
        )
        rows = await self._session.rows(self._session.dialect.claimable(statement))
        keys = [str(row["id"]) for row in rows]
        await self._session.execute(
            update(cards)
            .where(cards.c.id.in_(keys))
            .values(claimed_until=now + CLAIM, version_claimed=cards.c.version_wanted)
        )
        return keys

    async def card(self, card_id: str) -> StoredCard | None:
        """Return one card's row."""
        row = await self._session.one(select(cards).where(cards.c.id == card_id))
        names = StoredCard.model_fields.keys() - {"card_id"}
        if row is None:
            return None
        return StoredCard.model_validate(
            {"card_id": row["id"], **{name: row[name] for name in names}}
        )

    async def card_shown(self, card_id: str, version: int, messages: Collection[str]) -> None:
        """Note what is shown where; what was shown later than `version` stays as it is.

        A version older than the one that was claimed is a part of the work: the claim is renewed.
        """
        statement = select(cards.c.version_claimed).where(cards.c.id == card_id)
        at_work = version < (await self._session.scalar(statement) or 0)
        await self._session.execute(
            update(cards)
            .where(cards.c.id == card_id, cards.c.version_shown <= version)
            .values(
                version_shown=version,
                messages=list(messages),
                claimed_until=self._session.now + CLAIM if at_work else None,
            )
        )
        self._due = self._due or not at_work  # it may have changed while it was drawn

    async def card_released(self, card_id: str, retry_after: timedelta) -> None:
        """Note that a card could not be drawn; it is due again after `retry_after`."""
        await self._session.execute(
            update(cards)
            .where(cards.c.id == card_id)
            .values(claimed_until=self._session.now + retry_after)
        )

    async def tell(
        self,
        place: Place,
        kind: NoticeKind,
        subject: str,
        content: Mapping[str, JsonValue],
        *,
        attempt_id: str | None = None,
    ) -> None:
        """Owe a reply; nothing happens when the same was told of the same subject before."""
        row = {
            "id": new_id(),
            **place.model_dump(),
            "attempt_id": attempt_id,
            "kind": kind.value,
            "subject": subject,
            "content": dict(content),
            "created_at": self._session.now,
        }
        self._session.changes.insert_unless_known(notifications, row)

    async def claim_notices(self, limit: int) -> list[Notice]:
        """Take the oldest reply that is owed to each thread, unless somebody is posting it."""
        now = self._session.now
        older = notifications.alias("older")
        waits = (
            select(older.c.id)
            .where(
                older.c.posted_at.is_(None),
                older.c.team == notifications.c.team,
                older.c.channel == notifications.c.channel,
                func.coalesce(older.c.thread, "") == func.coalesce(notifications.c.thread, ""),
                older.c.id < notifications.c.id,
            )
            .exists()
        )
        statement = (
            select(notifications.c.id)
            .where(
                notifications.c.posted_at.is_(None),
                or_(notifications.c.claimed_until.is_(None), notifications.c.claimed_until < now),
                ~waits,
            )
            .order_by(notifications.c.id)
            .limit(limit)
        )
        rows = await self._session.rows(self._session.dialect.claimable(statement))
        keys = [str(row["id"]) for row in rows]
        await self._session.execute(
            update(notifications)
            .where(notifications.c.id.in_(keys))
            .values(claimed_until=now + CLAIM)
        )
        return await self._notices(keys)

    async def _notices(self, keys: Collection[str]) -> list[Notice]:
        statement = (
            select(notifications, requests.c.requester, plans.c.number)
            .join(requests, requests.c.id == notifications.c.request_id)
            .outerjoin(plans, plans.c.id == notifications.c.plan_id)
            .where(notifications.c.id.in_(list(keys)))
            .order_by(notifications.c.id)
        )
        return [_notice(row) for row in await self._session.rows(statement)]

    async def question_of(self, request_id: str) -> str | None:
        """Return the time stamp of the message that asked last, where it is known."""
        statement = (
            select(notifications.c.content)
            .where(
                notifications.c.request_id == request_id,
                notifications.c.kind == NoticeKind.QUESTION.value,
            )
            .order_by(notifications.c.id.desc())
            .limit(1)
        )
        content = await self._session.scalar(statement)
        return content.get("message") if isinstance(content, dict) else None

    async def notice_posted(self, notice_id: str, message: str | None = None) -> bool:
        """Note that a reply stands in its thread, as which message; say whether there is one."""
        self._due = True  # the thread's next one may have waited for it
        values: dict[str, object] = {"posted_at": self._session.now, "claimed_until": None}
        if message is not None:
            found = await self._session.scalar(
                select(notifications.c.content).where(notifications.c.id == notice_id)
            )
            values["content"] = {**(found or {}), "message": message}
        statement = update(notifications).where(notifications.c.id == notice_id).values(**values)
        return await self._session.execute(statement) == 1

    async def notice_released(self, notice_id: str, retry_after: timedelta) -> bool:
        """Note that a reply could not be posted; it is due again after `retry_after`.

        Says whether there is such a reply.
        """
        statement = (
            update(notifications)
            .where(notifications.c.id == notice_id)
            .values(claimed_until=self._session.now + retry_after)
        )
        return await self._session.execute(statement) == 1


def _cards_of(touched: Collection[tuple[str, str]]) -> list[ColumnElement[bool]]:
    """Return the conditions that pick the cards of what was touched."""

    def keys(table: str) -> list[str]:
        return sorted(key for name, key in touched if name == table)

    found: list[ColumnElement[bool]] = []
    if keys(plans.name):
        found.append(cards.c.plan_id.in_(keys(plans.name)))
    for table in (tasks, attempts):
        if keys(table.name):
            of_these = select(table.c.plan_id).where(table.c.id.in_(keys(table.name)))
            found.append(cards.c.plan_id.in_(of_these))
    return found


def _notice(row: RowMapping) -> Notice:
    names = Notice.model_fields.keys() - {"notice_id"}
    return Notice.model_validate({"notice_id": row["id"], **{name: row[name] for name in names}})
