"""What each attempt did: one row an attempt, written when it is routed, filled as it goes."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping, select, update

from orchestrator.domain.attempt import Attempt
from orchestrator.domain.ids import new_id
from orchestrator.domain.plan import WorkTask
from orchestrator.domain.views import ExecutionLog
from orchestrator.store.session import Session
from orchestrator.store.tables import execution_logs

MAX_OUTPUT_CHARACTERS = 64 * 1024


class ExecutionLogs:
    """Verbs on `execution_logs`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def opened(self, attempt: Attempt, task: WorkTask) -> None:
        """Start the row of a new attempt."""
        row: dict[str, object] = {
            "id": new_id(),
            "plan_id": attempt.plan_id,
            "task_id": task.task_id,
            "attempt_id": attempt.attempt_id,
            "attempt_number": attempt.number,
            "step_number": task.step_number,
            "agent_id": attempt.agent_id,
            "work_type": task.capability,
            "status": attempt.status.value,
            "output": "",
            "reason": "",
            "use": {},
        }
        self._session.changes.insert(execution_logs, row, "attempt_id")

    async def noted(self, attempt_id: str, **values: Any) -> None:  # noqa: ANN401 - any column
        """Fill in columns of an attempt's row."""
        self._session.changes.update(execution_logs, attempt_id, values, by="attempt_id")

    async def dispatched(self, attempt_id: str) -> bool:
        """Note that the broker has an attempt's message; say whether that was not known yet."""
        if (held := self._session.holders.get(attempt_id)) is not None:
            if attempt_id in held.dispatched:
                return False
            held.dispatched.add(attempt_id)
            await self.noted(attempt_id, dispatched_at=self._session.now)
            return True
        statement = (
            update(execution_logs)
            .where(
                execution_logs.c.attempt_id == attempt_id,
                execution_logs.c.dispatched_at.is_(None),
            )
            .values(dispatched_at=self._session.now)
        )
        return await self._session.execute(statement) == 1

    async def add_output(self, attempt_id: str, piece: str) -> None:
        """Append output of a running attempt, up to a bound; the result brings the whole."""
        statement = select(execution_logs.c.output).where(execution_logs.c.attempt_id == attempt_id)
        known = await self._session.scalar(statement)
        if known is not None:
            await self.noted(attempt_id, output=(known + piece)[-MAX_OUTPUT_CHARACTERS:])

    async def of_plan(self, plan_id: str) -> list[ExecutionLog]:
        """Return every attempt's row of a plan, by step and number."""
        statement = (
            select(execution_logs)
            .where(execution_logs.c.plan_id == plan_id)
            .order_by(execution_logs.c.step_number, execution_logs.c.attempt_number)
        )
        return [_log(row) for row in await self._session.rows(statement)]

    async def of_attempt(self, attempt_id: str) -> ExecutionLog | None:
        """Return one attempt's row."""
        statement = select(execution_logs).where(execution_logs.c.attempt_id == attempt_id)
        row = await self._session.one(statement)
        return None if row is None else _log(row)


def _log(row: RowMapping) -> ExecutionLog:
    started, ended = row["started_at"], row["ended_at"]
    names = ExecutionLog.model_fields.keys() - {"duration_seconds"}
    values: Mapping[str, object] = {name: row[name] for name in names}
    duration = (ended - started).total_seconds() if started and ended else None
    return ExecutionLog.model_validate({**values, "duration_seconds": duration})
