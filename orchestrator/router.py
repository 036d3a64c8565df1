"""AgentRouter: picks the agent for a task and hands it over, within one transaction.

Routing happens in the transaction that makes a task ready: the attempt, the routing decision
with its numbers, and the message with its destination are one commit.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from orchestrator.domain.agents import AgentSelection, select
from orchestrator.domain.attempt import MAX_RETRIES, MAX_WITHDRAWN, Attempt
from orchestrator.domain.ids import new_id
from orchestrator.domain.lifecycle import AttemptStatus
from orchestrator.domain.plan import WorkTask
from orchestrator.domain.value import Value
from orchestrator.protocol import WorkRequest, seal, work_queue
from orchestrator.store.repositories.plans import StoredPlan
from orchestrator.store.unit_of_work import UnitOfWork


class DispatchStatus(StrEnum):
    """What became of handing over a task."""

    DISPATCHED = "dispatched"
    DISPATCH_FAILED = "dispatch_failed"
    WAITING = "waiting"  # all who can run it are busy


class Dispatch(Value):
    """The answer to handing over one task."""

    status: DispatchStatus
    attempt_id: str | None = None
    agent_id: str | None = None
    agent_name: str | None = None
    error: str | None = None


class ModelBrief(Value):
    """What a step for a language model is handed over with.

    `stops` says of a tier why it must not be used now.
    """

    material: str = ""
    stops: dict[str, str] = Field(default_factory=dict)


class AgentRouter:
    """Routes the tasks of one plan; lives as long as one transaction.

    `brief` is asked for what a task is handed over with beside its parameters.
    """

    def __init__(
        self,
        uow: UnitOfWork,
        plan: StoredPlan,
        *,
        start_before: datetime,
        brief: Callable[[WorkTask], Awaitable[ModelBrief]] | None = None,
    ) -> None:
        self._uow = uow
        self._plan = plan
        self._start_before = start_before
        self._brief = brief

    async def route_task(self, task: WorkTask) -> AgentSelection:
        """Pick the best agent that has not tried this task in this round."""
        past = await self._uow.attempts.of_task(task.task_id)
        tried = [(each.agent_id, each.incarnation) for each in past if each.round == task.round]
        return select(await self._uow.agents.bookable(), task, self._uow.now, tried)

    async def dispatch_with_retry(self, task: WorkTask, max_retries: int = MAX_RETRIES) -> Dispatch:
        """Hand `task` to the best agent left, if its budget of 1 + `max_retries` allows.

        What was withdrawn before it was begun has a budget of its own.

        Called again after each failed attempt: the budget is counted in the attempts' rows, so
        that it holds across restarts and replicas.
        """
        past = await self._uow.attempts.of_task(task.task_id)
        tries = [attempt for attempt in past if attempt.round == task.round]
        spent = sum(attempt.is_spent for attempt in tries)
        if spent > max_retries or len(tries) - spent > MAX_WITHDRAWN:
            return _failed(f"Tried {len(tries)} times. Last: {tries[-1].reason or 'no reason'}")
        selection = await self.route_task(task)
        if selection.agent is None:
            return await self._nobody(task, selection, tries, number=len(past) + 1)
        attempt = Attempt(
            attempt_id=new_id(),
            task_id=task.task_id,
            plan_id=self._plan.plan.plan_id,
            number=len(past) + 1,
            round=task.round,
            agent_id=selection.agent.agent_id,
            incarnation=selection.agent.incarnation,
            status=AttemptStatus.QUEUED,
        )
        await self._hand_over(task, attempt, selection)
        return Dispatch(
            status=DispatchStatus.DISPATCHED,
            attempt_id=attempt.attempt_id,
            agent_id=attempt.agent_id,
            agent_name=selection.agent.name,
        )

    async def _nobody(
        self, task: WorkTask, selection: AgentSelection, tries: list[Attempt], number: int
    ) -> Dispatch:
        if selection.must_wait:
            return Dispatch(status=DispatchStatus.WAITING, error=selection.sentence)
        await self._uow.decisions.routed(
            plan_id=self._plan.plan.plan_id,
            task_id=task.task_id,
            attempt_id=None,
            attempt_number=number,
            selection=selection,
        )
        last = tries[-1] if tries else None
        if last is not None and last.reason:  # why it failed says more than why nobody is left
            nobody = "" if last.started_at else " No other agent can take it."
            return _failed(f"{last.reason}{nobody}")
        return _failed(selection.sentence)

    async def _hand_over(self, task: WorkTask, attempt: Attempt, selection: AgentSelection) -> None:
        await self._uow.attempts.add(attempt, task.resources)
        await self._uow.logs.opened(attempt, task)
        await self._uow.decisions.routed(
            plan_id=attempt.plan_id,
            task_id=task.task_id,
            attempt_id=attempt.attempt_id,
            attempt_number=attempt.number,
            selection=selection,
        )
        brief = ModelBrief() if self._brief is None else await self._brief(task)
        message = WorkRequest(
            plan_id=attempt.plan_id,
            task_id=task.task_id,
            attempt_id=attempt.attempt_id,
            attempt_number=attempt.number,
            capability=task.capability,
            parameters=task.parameters,
            target=task.target,
            model_tier=task.model_tier,
            task_digest=task.digest,
            start_before=self._start_before,
            deadline_seconds=task.timeout_seconds,
            material=brief.material,
            model_stops=brief.stops,
        )
        # By the database's clock, as `start_before`: the agent takes the difference of the two.
        envelope = seal(message, trace=self._plan.correlation_id, sent_at=self._uow.now)
        await self._uow.mail.post(work_queue(attempt.agent_id), envelope, attempt.attempt_id)


def _failed(reason: str) -> Dispatch:
    return Dispatch(status=DispatchStatus.DISPATCH_FAILED, error=reason)
