"""The story: append-only events, numbered without gaps per request and per plan."""

from pydantic import JsonValue
from sqlalchemy import func, select

from orchestrator.domain.ids import new_id
from orchestrator.domain.views import AuditEvent
from orchestrator.store.session import Session
from orchestrator.store.tables import audit_events, requests


class Audit:
    """Verbs on `audit_events`: add and read; nothing changes or removes an event."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(
        self,
        kind: str,
        *,
        actor: str,
        request_id: str,
        plan_id: str | None = None,
        details: dict[str, JsonValue] | None = None,
    ) -> None:
        """Add an event.

        The caller holds the row lock of the plan (or request) that it is about, which is what
        keeps the sequence free of gaps and races.
        """
        subject = plan_id or request_id
        await self._look_up(subject, request_id)
        self._session.sequences[subject] += 1
        self._session.changes.insert(
            audit_events,
            {
                "id": new_id(),
                "request_id": request_id,
                "plan_id": plan_id,
                "subject": subject,
                "sequence": self._session.sequences[subject],
                "kind": kind,
                "actor": actor,
                "details": details or {},
                "correlation_id": self._session.traces[request_id],
                "at": self._session.now,
            },
        )

    async def _look_up(self, subject: str, request_id: str) -> None:
        """Find out, once a transaction, where the story stands and what its id in logs is."""
        if subject in self._session.sequences and request_id in self._session.traces:
            return
        last = select(func.coalesce(func.max(audit_events.c.sequence), 0)).where(
            audit_events.c.subject == subject
        )
        statement = select(requests.c.correlation_id, last.scalar_subquery().label("last")).where(
            requests.c.id == request_id
        )
        row = await self._session.one(statement)
        if row is None:
            raise LookupError(f"there is no request {request_id}")
        self._session.traces[request_id] = row["correlation_id"]
        self._session.sequences.setdefault(subject, row["last"])

    async def of_request(self, request_id: str, plan_id: str | None = None) -> list[AuditEvent]:
        """Return the events of a request: before its plans, and of one or of all of them."""
        statement = select(audit_events).where(audit_events.c.request_id == request_id)
        if plan_id is not None:
            statement = statement.where(audit_events.c.subject.in_([plan_id, request_id]))
        # By the database's clock: ids are made by replicas, whose clocks may differ.
        order = (audit_events.c.at, audit_events.c.plan_id.is_not(None), audit_events.c.sequence)
        rows = await self._session.rows(statement.order_by(*order))
        names = AuditEvent.model_fields
        return [AuditEvent.model_validate({name: row[name] for name in names}) for row in rows]
