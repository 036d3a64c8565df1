"""Not what I meant: a click opens a modal; each answer leads to the next, the last one plans."""

from collections.abc import Callable, Coroutine
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.response import BoltResponse

from bot.blocks.correcting import (
    WHOLE,
    choice_view,
    field_of,
    form_view,
    given,
    part_view,
    picked,
    refused_view,
)
from bot.ids import (
    CHOICE_VIEW,
    FORM_VIEW,
    GIVEN_BLOCK,
    NEAREST_BLOCK,
    OTHER_BLOCK,
    PART_BLOCK,
    PART_VIEW,
    CorrectionState,
)
from bot.listeners.face import UNREADABLE, Face
from orchestrator.domain.request import Correction
from orchestrator.domain.views import CorrectionOptions, Identity
from orchestrator.errors import Error, ErrorCode

View = dict[str, Any]
Step = Callable[[CorrectionState, View, Identity], Coroutine[Any, Any, dict[str, Any] | Error]]
_PICK_ONE = Error(code=ErrorCode.INVALID_REQUEST, message="Pick what you meant.")


class Correcting:
    """Opens and follows the modals of one correction."""

    def __init__(self, face: Face) -> None:
        self._face = face
        self._service = face.service

    def register(self, app: AsyncApp) -> None:
        """Hear what is submitted in each of them."""
        app.view(PART_VIEW)(self._listener(self._part))
        app.view(CHOICE_VIEW)(self._listener(self._choice))
        app.view(FORM_VIEW)(self._listener(self._form))

    async def first_view(self, request: str, who: Identity) -> View | Error:
        """Return the modal that a click opens: which part, where there are several."""
        options = await self._service.correction_options(request, who.person, team=who.team)
        if options.error is not None:
            return options.error
        several = len(options.parts) > 1
        # A lone part with nothing left out beside it is the whole as well.
        state = CorrectionState(
            request=request,
            plan=options.plan_id,
            order=options.parts[0].order if len(options.parts) == 1 else None,
        )
        return part_view(state, options) if several else choice_view(state, options)

    def _listener(self, step: Step) -> Callable[..., Coroutine[Any, Any, BoltResponse]]:
        async def submitted(ack: AsyncAck, body: dict[str, Any]) -> BoltResponse:
            answer = await self._face.in_time(self._next(step, body))
            if isinstance(answer, Error):
                return await ack(**await self._refusal(answer, body.get("view") or {}))
            return await ack(**answer)

        return submitted

    async def _next(self, step: Step, body: dict[str, Any]) -> dict[str, Any] | Error:
        user, view = body.get("user") or {}, body.get("view") or {}
        state = CorrectionState.decoded(view.get("private_metadata") or "")
        if state is None or not user.get("id"):
            return UNREADABLE
        barred = await self._face.barred(user["id"], user.get("team_id"))
        if barred is not None:
            return barred
        return await step(state, view, await self._face.identity(user["id"]))

    async def _part(
        self, state: CorrectionState, view: View, who: Identity
    ) -> dict[str, Any] | Error:
        chosen = picked(view, PART_BLOCK) or WHOLE
        order = None if chosen == WHOLE or not chosen.isdecimal() else int(chosen)
        options: CorrectionOptions = await self._service.correction_options(
            state.request, who.person, team=who.team, order=order
        )
        if options.error is not None:
            return options.error
        shown = choice_view(state.model_copy(update={"order": order}), options)
        return {"response_action": "update", "view": shown}

    async def _choice(
        self, state: CorrectionState, view: View, who: Identity
    ) -> dict[str, Any] | Error:
        chosen = picked(view, OTHER_BLOCK) or picked(view, NEAREST_BLOCK)
        if chosen is None:
            return _PICK_ONE
        form = await self._service.capability_form(
            state.request, chosen, who.person, team=who.team, order=state.order
        )
        if form.error is not None:
            return form.error
        shown = form_view(state.model_copy(update={"capability": chosen}), form)
        return {"response_action": "update", "view": shown}

    async def _form(
        self, state: CorrectionState, view: View, who: Identity
    ) -> dict[str, Any] | Error:
        correction = Correction(
            capability=state.capability or "",
            parameters=given(view),
            order=state.order,
            plan_id=state.plan,
        )
        done = await self._service.correct_request(
            state.request,
            correction,
            who.person,
            team=who.team,
            source_key=f"{who.team}:{view.get('id', '')}",
        )
        return done.error or {}

    async def _refusal(self, error: Error, view: View) -> dict[str, Any]:
        """Say it at the field that it is about; where nothing can be filled in, in its place."""
        named = error.model_copy(
            update={
                "message": await self._face.named(error.message),
                "hint": await self._face.named(error.hint),
            }
        )
        inputs = [str(b.get("block_id")) for b in view.get("blocks", ()) if b["type"] == "input"]
        correctable = (
            error.code is ErrorCode.INVALID_REQUEST or error.code is ErrorCode.INTERNAL_ERROR
        )
        if not inputs or not correctable:
            return {"response_action": "update", "view": refused_view(named)}
        fields = [block.removeprefix(GIVEN_BLOCK) for block in inputs]
        field = field_of(error, fields)
        block = next(b for b in inputs if b.removeprefix(GIVEN_BLOCK) == field)
        words = f"{named.message} {named.hint}".strip()
        return {"response_action": "errors", "errors": {block: words}}
