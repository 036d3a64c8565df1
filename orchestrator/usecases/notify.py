"""Owe replies to the thread that a request came from, in the transaction that made the news.

Nothing is owed for a request that came in without a channel (REST, command line).
"""

from collections.abc import Sequence

from pydantic import JsonValue

from orchestrator.domain.attempt import Attempt
from orchestrator.domain.conversation import NoticeKind
from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.domain.plan import WorkTask
from orchestrator.domain.request import DecomposedRequest, Request, Subtask
from orchestrator.domain.views import TaskState
from orchestrator.store.repositories.conversation import Place
from orchestrator.store.repositories.plans import StoredPlan
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.lookup import plan_by
from orchestrator.usecases.plan_status import task_states

OUTPUT_CHARACTERS = 2_000
"""So much of an output's end stands in a reply; all of it is in the log."""


def place_of(request: Request, plan_id: str | None = None) -> Place | None:
    """Return where a request is talked about; None where nobody listens."""
    if request.channel is None:
        return None
    return Place(
        request_id=request.request_id,
        plan_id=plan_id,
        team=request.team,
        channel=request.channel,
        thread=request.thread,
    )


def _place(stored: StoredPlan) -> Place | None:
    if stored.channel is None:
        return None
    return Place(
        request_id=stored.plan.request_id,
        plan_id=stored.plan.plan_id,
        team=stored.requester.team,
        channel=stored.channel,
        thread=stored.thread,
    )


async def tell_understanding(
    uow: UnitOfWork,
    request: Request,
    found: DecomposedRequest,
    *,
    answers: int,
    offers: Sequence[str],
) -> None:
    """Tell what must be answered first, or that nothing can be done; a plan has its card.

    `answers` is how many answers were given before: each round of questions is told once.
    """
    place = place_of(request)
    if place is None:
        return
    if found.ambiguities:
        content: dict[str, JsonValue] = {
            "ambiguities": [each.model_dump(mode="json") for each in found.ambiguities],
            "understood": [_understood(subtask) for subtask in found.subtasks],
        }
        await uow.conversation.tell(place, NoticeKind.QUESTION, f"after {answers}", content)
    elif not found.subtasks:
        content = {
            "out_of_scope": list(found.out_of_scope),
            "deferred": list(found.deferred),
            "offers": list(offers),
        }
        await uow.conversation.tell(place, NoticeKind.OUT_OF_SCOPE, "request", content)


async def tell_failure(uow: UnitOfWork, request: Request, reason: str) -> None:
    """Tell that a request came to nothing because of a fault."""
    place = place_of(request)
    if place is None:
        return
    hint = f"Ask it again. The log tells more under {request.correlation_id}."
    content: dict[str, JsonValue] = {"reason": reason, "hint": hint}
    await uow.conversation.tell(place, NoticeKind.REQUEST_FAILED, "request", content)


async def tell_attempt(
    uow: UnitOfWork,
    stored: StoredPlan,
    attempt: Attempt,
    kind: NoticeKind,
    reason: str,
    **more: JsonValue,
) -> None:
    """Tell what came of an attempt, with the end of its output."""
    place = _place(stored)
    if place is None:
        return
    names = await uow.agents.names()
    log = await uow.logs.of_attempt(attempt.attempt_id)
    output = log.output if log else ""
    content: dict[str, JsonValue] = {
        **_step(stored.plan.task(attempt.task_id), reason),
        "attempt_number": attempt.number,
        "agent_name": names.get(attempt.agent_id, attempt.agent_id),
        "exit_code": log.exit_code if log else None,
        "duration_seconds": log.duration_seconds if log else None,
        "output": output[-OUTPUT_CHARACTERS:],
        "output_characters": len(output),
        **more,
    }
    key = attempt.attempt_id
    await uow.conversation.tell(place, kind, key, content, attempt_id=key)


async def tell_rerouted(
    uow: UnitOfWork, stored: StoredPlan, task: WorkTask, to_agent: str | None
) -> None:
    """Tell that another agent tries a step, if somebody tried it before in this round."""
    if stored.channel is None:
        return
    tries = await uow.attempts.of_task(task.task_id)
    before = [each for each in tries if each.round == task.round][:-1]
    if not before:
        return
    names = await uow.agents.names()
    last = before[-1]
    await tell_attempt(
        uow,
        stored,
        last,
        NoticeKind.TASK_REROUTED,
        last.reason or "",
        from_agent=names.get(last.agent_id, last.agent_id),
        to_agent=to_agent,
    )


async def tell_not_dispatched(
    uow: UnitOfWork, stored: StoredPlan, task: WorkTask, reason: str
) -> None:
    """Tell that a step failed because nobody could be given it."""
    place = _place(stored)
    if place is None:
        return
    content: dict[str, JsonValue] = {
        **_step(task, reason),
        **dict.fromkeys(("attempt_number", "agent_name", "exit_code", "duration_seconds")),
        "output": "",
        "output_characters": 0,
    }
    key = f"{task.task_id} round {task.round}"
    await uow.conversation.tell(place, NoticeKind.TASK_FAILED, key, content)


async def tell_held(uow: UnitOfWork, stored: StoredPlan, task: WorkTask, reason: str) -> None:
    """Tell that a step waits until a person lets it go on; once each time that it is held."""
    place = _place(stored)
    if place is None:
        return
    tries = await uow.attempts.of_task(task.task_id)
    key = f"{task.task_id} round {task.round} after {len(tries)}"
    content: dict[str, JsonValue] = {
        **_step(task, reason),
        **dict.fromkeys(("attempt_number", "agent_name", "exit_code", "duration_seconds")),
        "output": "",
        "output_characters": 0,
    }
    await uow.conversation.tell(place, NoticeKind.TASK_HELD, key, content)


async def tell_dispatch_waits(uow: UnitOfWork, stored: StoredPlan, reason: str) -> None:
    """Tell, once a plan, that its steps wait for the broker; they go out when it is back."""
    place = _place(stored)
    if place is not None:
        content: dict[str, JsonValue] = {"reason": reason}
        await uow.conversation.tell(place, NoticeKind.DISPATCH_WAITS, stored.plan.plan_id, content)


async def tell_end(uow: UnitOfWork, plan_id: str) -> None:
    """Tell how a plan ended, step by step; again each time that it ends after a Retry."""
    stored = await plan_by(uow, plan_id)
    place = _place(stored)
    if place is None:
        return
    plan = stored.plan
    ran = None if plan.approved_at is None else (uow.now - plan.approved_at).total_seconds()
    content: dict[str, JsonValue] = {
        "status": plan.status.value,
        "duration_seconds": ran,
        "steps": [_ended(state) for state in await task_states(uow, plan)],
    }
    rounds = sum(task.round for task in plan.tasks)
    key = f"{plan_id} {plan.status.value} {rounds}"
    await uow.conversation.tell(place, NoticeKind.PLAN_ENDED, key, content)


async def tell_end_of_cancelled(uow: UnitOfWork, stored: StoredPlan) -> None:
    """Tell how a cancelled plan ended, once nothing of it runs any more."""
    if stored.channel is None:
        return
    plan = (await plan_by(uow, stored.plan.plan_id)).plan
    tries = await uow.attempts.of_plan(plan.plan_id)
    runs = any(each.ended_at is None for each in tries)
    if plan.status is PlanStatus.CANCELLED and not runs:
        await tell_end(uow, plan.plan_id)


def _understood(subtask: Subtask) -> str:
    """Return a step with the words that it was read from, unless they say the same."""
    name, words = subtask.name, subtask.source_words
    same = not words or words.casefold() == name.casefold()
    return name if same else f"{name} (from “{words}”)"


def _step(task: WorkTask, reason: str) -> dict[str, JsonValue]:
    return {
        "step_number": task.step_number,
        "name": task.name,
        "task_id": task.task_id,
        "reason": reason,
    }


def _ended(state: TaskState) -> dict[str, JsonValue]:
    return state.model_dump(
        mode="json",
        include={"step_number", "name", "status", "duration_seconds", "reason"},
    )
