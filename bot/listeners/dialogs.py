"""Dialogs: the reason for a rejection."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.response import BoltResponse

from bot.ids import REASON_BLOCK, REASON_INPUT, REJECT_VIEW, PlanButton
from bot.listeners.face import UNREADABLE, Face
from orchestrator.errors import Error


class Dialogs:
    """Takes what was typed into a dialog; what is wrong with it is said inside it."""

    def __init__(self, face: Face) -> None:
        self._face = face

    def register(self, app: AsyncApp) -> None:
        """Hear the submission."""
        app.view(REJECT_VIEW)(self._submitted)

    async def _submitted(self, ack: AsyncAck, body: dict[str, Any]) -> BoltResponse:
        refused = await self._face.in_time(self._reject(body))
        if refused is None:
            return await ack()
        words = await self._face.named(f"{refused.message} {refused.hint}".strip())
        return await ack(response_action="errors", errors={REASON_BLOCK: words})

    async def _reject(self, body: dict[str, Any]) -> Error | None:
        user, view = body.get("user") or {}, body.get("view") or {}
        button = PlanButton.decoded(view.get("private_metadata") or "")
        if button is None or not user.get("id"):
            return UNREADABLE
        barred = await self._face.barred(user["id"], user.get("team_id"))
        if barred is not None:
            return barred
        who = await self._face.identity(user["id"])
        done = await self._face.service.approve_plan(
            button.plan,
            user_approval=False,
            user_id=who.person,
            team=who.team,
            notes=_reason(view),
            digest=button.digest,
            source_key=f"{who.team}:{view.get('id', '')}",
        )
        return done.error


def _reason(view: dict[str, Any]) -> str | None:
    values = (view.get("state") or {}).get("values") or {}
    typed = ((values.get(REASON_BLOCK) or {}).get(REASON_INPUT) or {}).get("value")
    return (typed or "").strip() or None
