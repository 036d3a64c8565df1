"""The REST application: routes, door and envelope in one."""

from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from orchestrator.api import pages
from orchestrator.api.door import Door
from orchestrator.api.envelope import Envelope
from orchestrator.api.problems import Problem, register_problems
from orchestrator.api.rate import PersonLimit
from orchestrator.api.routes import router
from orchestrator.errors import SettingsError
from orchestrator.offhost import is_loopback
from orchestrator.service import OrchestratorService
from orchestrator.settings import Settings

_EVERY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104 - refused as a name

_DESCRIPTION = """\
Turns a sentence into planned, approved and finished work by agents.

Every call under `/api/v1` needs `Authorization: Bearer …` with a key or the local token.
A **key** (`chf_…`, from `chiffon keys add NAME --person PERSON`) acts as its one person:
`user_id` may be left out, and naming somebody else is 403. The **local token** (the content of
`CHIFFON_HOME/token`) acts for the `user_id` that a body names; where Chiffon listens beyond the
loopback, it counts from its own machine only.

Errors are problem documents (RFC 9457) with a `code` for programs and a `hint` for people.
Everything that takes a plan takes `12`, `#12`, its id or the start of its id.
The same `Idempotency-Key` again gets the first answer again; with another request, 409.

This page and its schema need neither: they show how Chiffon is used, not what it holds. The
server listens on this machine only unless told otherwise, and answers only requests addressed to
it by name (Host) and sent by no foreign page (Origin).
"""


def build_app(service: OrchestratorService, *, token: str, settings: Settings) -> FastAPI:
    """Build the application.

    Args:
        service: Who does the work.
        token: The local bearer token; its holder may act for the person that a body names.
        settings: `host` and `allowed_hosts` may name this server besides the loopback names;
            beyond the loopback the token counts from this machine only; `requests_per_minute`
            bounds each person.

    Raises:
        SettingsError: the token is empty.
    """
    if not token:
        raise SettingsError("The API needs a token; an empty one would let everybody in.")
    app = FastAPIOffline(
        title="Chiffon",
        version="1",
        description=_DESCRIPTION,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url="/docs/oauth2-redirect",
        swagger_ui_parameters={"persistAuthorization": False},
    )
    app.state.service = service
    app.state.limit = PersonLimit(settings.requests_per_minute)
    register_problems(app)
    app.include_router(pages.router)
    app.include_router(router)
    # The last one added is the outermost.
    app.add_middleware(
        Door,
        token=token,
        keys=service.key_holder,
        hosts=_names(settings),
        is_open=not is_loopback(settings.host),
    )
    app.add_middleware(Envelope)
    _document_problems(app)
    return app


def _names(settings: Settings) -> list[str]:
    """Return what may stand in Host; "every address" is none, though browsers reach it."""
    own = [] if settings.host in _EVERY_ADDRESS else [settings.host]
    return [*own, *settings.allowed_hosts]


def _document_problems(app: FastAPI) -> None:
    """Put the problem document among the schemas: the answers only refer to it."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        document = described()
        schemas = document["components"]["schemas"]
        if "Problem" not in schemas:
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs"))
            schemas["Problem"] = problem
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend it
