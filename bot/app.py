"""The Bolt app: middleware and listeners around the service. Nothing is built at import."""

import re
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.client import poster_beside
from bot.listeners.clicks import Clicks
from bot.listeners.correcting import Correcting
from bot.listeners.dialogs import Dialogs
from bot.listeners.doors import Doors
from bot.listeners.face import Face, NotKept
from bot.listeners.messages import Messages
from bot.listeners.payload import place_of
from bot.listeners.stops import Stops
from bot.listeners.thinking import Thinking
from bot.middleware import Doorstep, Known, stored
from bot.people import People
from bot.poster import Poster
from bot.settings import SlackSettings
from orchestrator.domain.ids import new_id
from orchestrator.errors import Error, ErrorCode
from orchestrator.service import OrchestratorService

_log = structlog.get_logger(__name__)
_KEPT_LATER = Error(
    code=ErrorCode.INTERNAL_ERROR,
    message="I could not save that.",
    hint="Slack brings it to me again within six minutes; say it once more if nothing follows.",
)


@dataclass(frozen=True)
class Bot:
    """The app, and what goes on behind it."""

    app: AsyncApp
    face: Face

    async def close(self) -> None:
        """End what goes on in the background."""
        await self.face.afterwards.close()


def build_app(
    settings: SlackSettings, service: OrchestratorService, client: AsyncWebClient | None = None
) -> AsyncApp:
    """Return the app alone, for whoever has their own way to run it."""
    return build_bot(settings, service, client).app


def build_bot(
    settings: SlackSettings,
    service: OrchestratorService,
    client: AsyncWebClient | None = None,
    poster: Poster | None = None,
) -> Bot:
    """Return the app with all its listeners.

    `poster` is the one that the notifier uses too, so that both keep the waits Slack asks for.

    Listeners run to their end before Slack hears the acknowledgement, so each commits first
    and leaves to `Face.afterwards` what may take long.
    """
    web = client or AsyncWebClient(token=settings.bot_token, base_url=settings.api_url)
    face = Face(service, web, People(web), poster or poster_beside(web), settings.listen_channels)
    messages = Messages(face, Thinking(face))
    doorstep = Doorstep(face, messages)
    app = AsyncApp(
        name="chiffon",
        client=_without_token(web),
        signing_secret=settings.signing_secret or "",
        process_before_response=True,
        before_authorize=doorstep.know_self,
        authorize=Known(face),
        ignoring_self_events_enabled=True,
    )
    app.use(doorstep.store)
    app.event("message")(stored)
    app.event("app_mention")(stored)
    Doors(face, messages).register(app)
    Stops(face).register(app)
    correcting = Correcting(face)
    correcting.register(app)
    Clicks(face, correcting).register(app)
    Dialogs(face).register(app)
    app.event(re.compile(r""))(stored)  # unheard, it would be brought again and again
    app.error(_Faults(face).answer)
    return Bot(app, face)


class _Faults:
    """Answers what no listener foresaw: logged under an id, said privately."""

    def __init__(self, face: Face) -> None:
        self._face = face

    async def answer(
        self, error: Exception, body: dict[str, Any], request: AsyncBoltRequest
    ) -> BoltResponse:
        place = place_of(body)
        fault_id = new_id()
        kept_back = isinstance(error, NotKept)
        # The payload is never logged: it holds what people wrote.
        _log.error("listener_fault", fault_id=fault_id, exc_info=None if kept_back else error)
        told = _KEPT_LATER if kept_back else _inside(fault_id)
        if place is not None and "x-slack-retry-num" not in request.headers:
            self._face.tell(place, told)
        # An event that Slack does not hear about comes again; a click would only show a sign.
        return BoltResponse(status=500 if "event" in body else 200)


def _inside(fault_id: str) -> Error:
    return Error(
        code=ErrorCode.INTERNAL_ERROR,
        message="Something went wrong inside Chiffon.",
        hint=f"The log tells more under fault {fault_id}.",
        fault_id=fault_id,
    )


def _without_token(client: AsyncWebClient) -> AsyncWebClient:
    """Return a like client: Bolt takes the token that `Known` names, and warns of a second one."""
    return AsyncWebClient(
        base_url=client.base_url, session=client.session, retry_handlers=client.retry_handlers
    )
