"""Buttons: commit within two seconds, acknowledge, then show or tell. No click stays unanswered."""

import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.response import BoltResponse

from bot.blocks.answers import logs_message
from bot.blocks.message import Message
from bot.blocks.text import escaped
from bot.blocks.views import reject_view
from bot.ids import (
    ANSWER,
    ANSWER_MENU,
    APPROVE,
    CANCEL,
    HOW_TO_ANSWER,
    MARK_DONE,
    MARK_FAILED,
    NOT_MEANT,
    REJECT,
    REMEMBER,
    RESUME,
    RETRY,
    SHOW_LOGS,
    AnswerButton,
    PlanButton,
    RequestButton,
    TaskButton,
)
from bot.listeners.correcting import Correcting
from bot.listeners.face import UNREADABLE, Face
from bot.listeners.payload import Click, click_of
from bot.poster import NOT_SENT
from orchestrator.domain.approval import already_decided
from orchestrator.domain.lifecycle import PlanStatus, TaskStatus
from orchestrator.domain.request import Answer
from orchestrator.domain.views import Identity, PlanStatusResult, Result, TaskState
from orchestrator.errors import Error, ErrorCode

Told = Message | Error | None
Deed = Callable[[Click, Identity], Coroutine[Any, Any, Told]]
_log = structlog.get_logger(__name__)

_NO_DIALOG = Error(
    code=ErrorCode.INTERNAL_ERROR,
    message="Slack did not open the dialog.",
    hint="Please press the button again.",
)
_NO_SUCH_STEP = Error(code=ErrorCode.NOT_FOUND, message="This plan has no such step.")
_NO_SUCH_QUESTION = Error(
    code=ErrorCode.CONFLICT,
    message="This question is no longer open.",
    hint="Ask anew if you want something else.",
)


class Clicks:
    """What each button does."""

    def __init__(self, face: Face, correcting: Correcting) -> None:
        self._face = face
        self._correcting = correcting
        self._service = face.service

    def register(self, app: AsyncApp) -> None:
        """Hear every button; what is none of ours last, so that it is answered too."""
        deeds: Mapping[str, Deed] = {
            APPROVE: self._approve,
            REJECT: self._reject,
            CANCEL: self._cancel,
            RESUME: self._resume,
            RETRY: self._retry,
            MARK_DONE: self._mark_done,
            MARK_FAILED: self._mark_failed,
            ANSWER: self._answer,
            ANSWER_MENU: self._answer,
            SHOW_LOGS: self._show_logs,
            NOT_MEANT: self._not_meant,
            REMEMBER: self._remember,
        }
        for action_id, deed in deeds.items():
            pattern = re.compile(rf"^{re.escape(action_id)}(:\d+)?$")
            app.action(pattern)(self._listener(deed))
        app.action(re.compile(r""))(self._listener(_unknown))

    def _listener(self, deed: Deed) -> Callable[..., Awaitable[BoltResponse]]:
        async def clicked(ack: AsyncAck, body: dict[str, Any]) -> BoltResponse:
            click = click_of(body)
            told = None if click is None else await self._face.in_time(self._do(deed, click))
            acknowledged = await ack()
            if click is not None and told is not None:
                self._face.tell(click.place, told)
            return acknowledged

        return clicked

    async def _do(self, deed: Deed, click: Click) -> Told:
        barred = await self._face.barred(click.place.user, click.user_team)
        if barred is not None:
            return await self._over_already(click, barred)
        return await deed(click, await self._face.identity(click.place.user))

    async def _over_already(self, click: Click, barred: Error) -> Error:
        """Say first who decided, and when, to somebody who may not decide about an old card."""
        button = PlanButton.decoded(click.value)
        if button is None:
            return barred
        plan = await self._service.get_plan(button.plan)
        if plan.error is not None:
            return barred
        decided = already_decided(
            plan.number, plan.status, person=plan.decided_by, at=plan.decided_at
        )
        message = " ".join(filter(None, (decided, barred.message)))
        return barred.model_copy(update={"message": message})

    async def _approve(self, click: Click, who: Identity) -> Told:
        button = PlanButton.decoded(click.value)
        if button is None:
            return UNREADABLE
        done = await self._service.approve_plan(
            button.plan,
            user_id=who.person,
            team=who.team,
            digest=button.digest,
            source_key=_key(click, who),
        )
        return done.error

    async def _reject(self, click: Click, who: Identity) -> Told:
        """Ask why; a plan that is decided already is refused at once, in the service's words."""
        button = PlanButton.decoded(click.value)
        if button is None:
            return UNREADABLE
        plan = await self._service.get_plan(button.plan)
        if plan.error is not None:
            return plan.error
        if plan.status is not PlanStatus.PENDING_APPROVAL:
            refused = await self._service.approve_plan(
                button.plan,
                user_approval=False,
                user_id=who.person,
                team=who.team,
                source_key=_key(click, who),
            )
            return refused.error
        self._face.afterwards.start(self._open(click, reject_view(button, plan.number)))
        return None

    async def _open(self, click: Click, view: dict[str, Any]) -> None:
        try:
            await self._face.poster.open_view(click.trigger_id, view)
        except NOT_SENT as fault:
            _log.warning("dialog_not_opened", fault=str(fault))
            self._face.tell(click.place, _NO_DIALOG)

    async def _cancel(self, click: Click, who: Identity) -> Told:
        return await _on_plan(self._service.cancel_plan, click, who)

    async def _resume(self, click: Click, who: Identity) -> Told:
        return await _on_plan(self._service.resume_plan, click, who)

    async def _retry(self, click: Click, who: Identity) -> Told:
        found, step = await self._step(click)
        if step is None:
            return found.error
        if step.status is TaskStatus.OUTCOME_UNKNOWN:
            return await self._resolve(click, who, "retry")
        done = await self._service.retry_task(
            _reference(found, step),
            user_id=who.person,
            team=who.team,
            source_key=_key(click, who),
        )
        return done.error

    async def _mark_done(self, click: Click, who: Identity) -> Told:
        return await self._resolve(click, who, "done")

    async def _mark_failed(self, click: Click, who: Identity) -> Told:
        return await self._resolve(click, who, "failed")

    async def _resolve(self, click: Click, who: Identity, decision: str) -> Told:
        found, step = await self._step(click)
        if step is None:
            return found.error
        done = await self._service.resolve_outcome(
            _reference(found, step),
            decision,
            user_id=who.person,
            team=who.team,
            source_key=_key(click, who),
        )
        return done.error

    async def _not_meant(self, click: Click, who: Identity) -> Told:
        button = RequestButton.decoded(click.value)
        if button is None:
            return UNREADABLE
        view = await self._correcting.first_view(button.request, who)
        if isinstance(view, Error):
            return view
        self._face.afterwards.start(self._open(click, view))
        return None

    async def _remember(self, click: Click, who: Identity) -> Told:
        return await _on_plan(self._service.remember_phrases, click, who)

    async def _show_logs(self, click: Click, _who: Identity) -> Told:
        found, step = await self._step(click)
        return found.error if step is None else logs_message(found, step.step_number)

    async def _step(self, click: Click) -> tuple[PlanStatusResult, TaskState | None]:
        """Return where the plan stands and the step the button is about; None: `error` says."""
        button = TaskButton.decoded(click.value)
        if button is None:
            return PlanStatusResult(error=UNREADABLE), None
        found = await self._service.get_plan_status(button.plan)
        step = next((task for task in found.tasks if task.task_id == button.task), None)
        if step is None and found.error is None:
            found = PlanStatusResult(error=_NO_SUCH_STEP)
        return found, step

    async def _answer(self, click: Click, who: Identity) -> Told:
        button = AnswerButton.decoded(click.value)
        if button is None:
            return UNREADABLE
        request = await self._service.get_request(button.request)
        if request.error is not None:
            return request.error
        asked = next((each for each in request.ambiguities if each.id == button.ambiguity), None)
        if asked is None or not 0 <= button.option < len(asked.options):
            return _NO_SUCH_QUESTION
        chosen = asked.options[button.option]
        answer = Answer(ambiguity_id=asked.id, text=chosen)
        done: Result = await self._service.answer_request(
            button.request, [answer], who.person, team=who.team, source_key=_key(click, who)
        )
        if done.error is None:
            self._show_chosen(click, chosen, last=len(request.ambiguities) == 1)
        return done.error

    def _show_chosen(self, click: Click, chosen: str, *, last: bool) -> None:
        """Put who chose what in the place of the buttons; the answer counts without it too.

        With the last open question goes what says how to answer, or that none is wanted.
        """
        moment, channel = click.message.get("ts"), click.place.channel
        if moment is None or channel is None:
            return
        words = f"<@{click.place.user}> chose *{escaped(chosen)}*"
        line = {"type": "context", "elements": [{"type": "mrkdwn", "text": words}]}
        blocks = click.message.get("blocks") or []
        shown = [
            line if each.get("block_id") == click.block_id else each
            for each in blocks
            if not (last and each.get("block_id") in {HOW_TO_ANSWER, NOT_MEANT})
        ]
        text = click.message.get("text") or words
        self._face.change(channel, moment, Message(text, tuple(shown)))


async def _unknown(click: Click, _who: Identity) -> Told:
    return UNREADABLE if click.value else None  # a link needs no answer


async def _on_plan(act: Callable[..., Awaitable[Result]], click: Click, who: Identity) -> Told:
    """Do with the plan of the button what the service calls `act`."""
    button = PlanButton.decoded(click.value)
    if button is None:
        return UNREADABLE
    done = await act(button.plan, user_id=who.person, team=who.team, source_key=_key(click, who))
    return done.error


def _key(click: Click, who: Identity) -> str:
    return f"{who.team}:{click.key}"


def _reference(found: PlanStatusResult, step: TaskState) -> str:
    return f"{found.number}.{step.step_number}"
