"""Break one promise on purpose, in a running program: a judge that never says guilty is no judge.

Nothing here can be switched on in the product: it lives in the launcher of the runs.
"""

from collections.abc import Callable, Mapping

from agent import journal
from agent.desk import Desk
from agent.journal import Entry, Journal
from agent.run import Run, Stop
from orchestrator.domain.attempt import Attempt
from orchestrator.domain.plan import WorkPlan
from orchestrator.protocol import Envelope
from orchestrator.store.repositories.mail import Letter, Mail
from orchestrator.store.repositories.plans import StoredPlan
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases import record_message
from orchestrator.usecases.context import Context

PROMISES = {
    "outbox": "what is decided is sent, whatever dies: messages stand in the deciding commit",
    "inbox": "what comes twice is done once: attempts are journalled, messages remembered",
    "digest": "what runs is what was approved: the digest is computed again",
}


def _without_outbox() -> None:
    """Hand messages to the broker from memory alone, as if a commit could not be followed by a
    crash."""

    async def post(
        self: Mail, queue: str, envelope: Envelope, attempt_id: str | None = None
    ) -> None:
        self.posted = True
        self.to_send.append(
            Letter(
                letter_id=envelope.message_id,
                queue=queue,
                message_type=envelope.type,
                body=envelope.encode().decode(),
                attempt_id=attempt_id,
            )
        )

    Mail.post = post  # type: ignore[method-assign]


def _without_inbox() -> None:
    """Forget at both ends what came before: every copy is a new one, and each may start."""
    may_go, ended = record_message._may_go, Run.stop

    async def receive(self: Journal, entry: Entry) -> None:
        await self._write(lambda database: journal._receive(database, entry))

    async def carry_out(self: Desk, run: Run, older: list[Run]) -> None:
        await self._keep(run.order, await run.execute(older))

    def stop(self: Run, why: Stop) -> None:
        if why is not Stop.SUPERSEDED:
            ended(self, why)

    async def is_new(self: Mail, message_id: str, source: str) -> bool:
        del self, message_id, source
        return True

    async def always(ctx: Context, uow: UnitOfWork, stored: StoredPlan, attempt: Attempt) -> bool:
        _ = await may_go(ctx, uow, stored, attempt)
        return True

    Journal.receive = receive  # type: ignore[method-assign]
    Desk._carry_out = carry_out  # type: ignore[method-assign]
    Run.stop = stop  # type: ignore[method-assign]
    Mail.is_new = is_new  # type: ignore[method-assign]
    record_message._may_go = always


def _without_digest() -> None:
    """Believe the digest that the plan's row claims."""

    def believed(self: WorkPlan) -> str:
        return self.digest

    WorkPlan.computed_digest = believed  # type: ignore[method-assign]


SABOTAGES: Mapping[str, Callable[[], None]] = {
    "outbox": _without_outbox,
    "inbox": _without_inbox,
    "digest": _without_digest,
}
