"""What needs no token: the first page and the health checks."""

from importlib import resources

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import HTMLResponse, JSONResponse, Response

from orchestrator.api import examples
from orchestrator.api.access import ServiceHere

router = APIRouter()

_PAGE = (resources.files("orchestrator.api") / "landing.html").read_text(encoding="utf-8")
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


class Alive(BaseModel):
    """The process answers."""

    alive: bool = True


class Readiness(BaseModel):
    """Whether work can be taken, and what is in the way."""

    ready: bool
    parts: dict[str, str]


@router.get("/", include_in_schema=False)
async def landing() -> HTMLResponse:
    """Say what this is and how to use it."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _PAGE_POLICY})


@router.get("/healthz", tags=["health"])
async def alive() -> Alive:
    """Say that the process answers."""
    return Alive()


@router.get(
    "/readyz",
    tags=["health"],
    response_model=Readiness,
    responses={
        200: {"content": {"application/json": {"example": examples.READY}}},
        503: {
            "description": "Something is missing; the part says what",
            "model": Readiness,
            "content": {"application/json": {"example": examples.NOT_READY}},
        },
    },
)
async def ready(service: ServiceHere) -> Response:
    """Say whether every part is ready; 503 where one is not."""
    parts = await service.readiness()
    answer = Readiness(ready=all(state == "ok" for state in parts.values()), parts=parts)
    return JSONResponse(answer.model_dump(), status_code=200 if answer.ready else 503)
