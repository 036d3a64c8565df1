"""Carry out a command: the deed or the look-up, and what to say about it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.blocks.answers import (
    error_message,
    gaps_message,
    help_message,
    logs_message,
    plans_message,
    status_message,
    why_message,
)
from bot.blocks.message import Message
from bot.commands import Command, Word
from orchestrator.domain.views import ApproveResult, Identity
from orchestrator.errors import Error, ErrorCode
from orchestrator.service import OrchestratorService

DEEDS = frozenset({Word.CANCEL, Word.RETRY, Word.RESUME})


@dataclass(frozen=True)
class Order:
    """A command, who gave it, and the key under which it counts once."""

    command: Command
    who: Identity
    key: str


async def carry_out(service: OrchestratorService, order: Order) -> Message | Error:
    """Do what the command says; return what to say about it."""
    return await _CARRIED_OUT[order.command.word](service, order)


async def _status(service: OrchestratorService, order: Order) -> Message | Error:
    if order.command.plan is None:
        return await _plans(service, order)
    found = await service.get_plan_status(order.command.plan)
    return found.error or status_message(found)


async def _plans(service: OrchestratorService, _order: Order) -> Message | Error:
    found = await service.list_plans()
    return found.error or plans_message(found)


async def _cancel(service: OrchestratorService, order: Order) -> Message | Error:
    if order.command.plan is None:
        return _WHICH_PLAN
    done = await service.cancel_plan(
        order.command.plan, user_id=order.who.person, team=order.who.team, source_key=order.key
    )
    return await _done(service, done)


async def _retry(service: OrchestratorService, order: Order) -> Message | Error:
    if order.command.reference is None:
        return _WHICH_STEP
    done = await service.retry_task(
        order.command.reference,
        user_id=order.who.person,
        team=order.who.team,
        source_key=order.key,
    )
    return await _done(service, done)


async def _resume(service: OrchestratorService, order: Order) -> Message | Error:
    if order.command.plan is None:
        return _WHICH_PLAN
    done = await service.resume_plan(
        order.command.plan, user_id=order.who.person, team=order.who.team, source_key=order.key
    )
    return await _done(service, done)


async def _done(service: OrchestratorService, done: ApproveResult) -> Message | Error:
    if done.error is not None:
        return done.error
    now = await service.get_plan_status(done.plan_id)
    return now.error or status_message(now)


async def _why(service: OrchestratorService, order: Order) -> Message | Error:
    if order.command.reference is None:
        return _WHICH_PLAN
    found = await service.explain(order.command.reference)
    return found.error or why_message(found)


async def _logs(service: OrchestratorService, order: Order) -> Message | Error:
    if order.command.plan is None:
        return _WHICH_PLAN
    found = await service.get_plan_status(order.command.plan)
    return found.error or logs_message(found, order.command.step)


async def _gaps(service: OrchestratorService, _order: Order) -> Message | Error:
    found = await service.list_gaps()
    return found.error or gaps_message(found)


async def _help(_service: OrchestratorService, _order: Order) -> Message | Error:
    return help_message()


_WHICH_PLAN = Error(
    code=ErrorCode.INVALID_REQUEST,
    message="Which plan?",
    hint="Name it by its number, such as 12; `plans` lists them.",
)
_WHICH_STEP = Error(
    code=ErrorCode.INVALID_REQUEST,
    message="Which step?",
    hint="Name it by plan and step, such as 12.2.",
)
_CarriedOut = Callable[[OrchestratorService, Order], Awaitable[Message | Error]]
_CARRIED_OUT: Mapping[Word, _CarriedOut] = {
    Word.STATUS: _status,
    Word.PLANS: _plans,
    Word.CANCEL: _cancel,
    Word.RETRY: _retry,
    Word.RESUME: _resume,
    Word.WHY: _why,
    Word.LOGS: _logs,
    Word.GAPS: _gaps,
    Word.HELP: _help,
}


def as_message(answer: Message | Error) -> Message:
    """Return what is said, be it an answer or a refusal."""
    return answer if isinstance(answer, Message) else error_message(answer)
