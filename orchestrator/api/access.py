"""What the routes get handed: the service, the caller's right to be here, clean references."""

from typing import Annotated, TypeAlias

from fastapi import Depends, Path, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from orchestrator.api.bodies import Person, plain_reference
from orchestrator.api.caller import Caller
from orchestrator.api.rate import PersonLimit
from orchestrator.errors import ErrorCode, Refused
from orchestrator.service import OrchestratorService

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description=(
        "A key that `chiffon keys add NAME --person PERSON` printed (`chf_…`): it acts as that "
        "person only. Or, on Chiffon's own machine, the content of `CHIFFON_HOME/token`, which "
        "`chiffon up` writes: it acts for the `user_id` that a body names."
    ),
)


def require_token(
    request: Request,
    _credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> None:
    """Let nobody in whom the door did not check.

    `orchestrator.api.door` checks token or key before the body is read; this holds where the
    router is used without it.

    Raises:
        Refused: neither was checked.
    """
    _ = _caller(request)


def _caller(request: Request) -> Caller:
    found = getattr(request.state, "caller", None)
    if not isinstance(found, Caller):
        raise Refused(ErrorCode.UNAUTHORISED, "The token is missing or wrong.")
    return found


def _service(request: Request) -> OrchestratorService:
    service: OrchestratorService = request.app.state.service
    return service


def _limit(request: Request) -> PersonLimit:
    limit: PersonLimit = request.app.state.limit
    return limit


def _plan_reference(
    plan_id: Annotated[
        str, Path(description="A plan as `12`, `#12`, `#12 r3` or (part of) its id")
    ],
) -> str:
    return plain_reference(plan_id)


def _plan_or_step_reference(
    plan_id: Annotated[str, Path(description="A plan, as elsewhere, or a step as `12.2`")],
) -> str:
    return plain_reference(plan_id, or_step=True)


def _request_reference(
    request_id: Annotated[str, Path(description="The id that `POST /request` returned")],
) -> str:
    return plain_reference(request_id)


CallerHere: TypeAlias = Annotated[Caller, Depends(_caller)]
ServiceHere: TypeAlias = Annotated[OrchestratorService, Depends(_service)]
LimitHere: TypeAlias = Annotated[PersonLimit, Depends(_limit)]
PlanHere: TypeAlias = Annotated[str, Depends(_plan_reference)]
PlanOrStepHere: TypeAlias = Annotated[str, Depends(_plan_or_step_reference)]
RequestHere: TypeAlias = Annotated[str, Depends(_request_reference)]
SpeakerHere: TypeAlias = Annotated[
    Person | None, Query(description="Who speaks, as in a body: needed with the local token")
]
PartHere: TypeAlias = Annotated[
    int | None, Query(ge=1, le=999_999, description="Only this part of the request")
]
Newest: TypeAlias = Annotated[int, Query(ge=1, le=200, description="How many at most")]
