"""Errors as problem documents (RFC 9457), and the one place that gives each its status."""

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from orchestrator.domain.views import Result
from orchestrator.errors import Error, ErrorCode, Refused

MEDIA_TYPE = "application/problem+json"

STATUS_OF: Mapping[ErrorCode, int] = {
    ErrorCode.INVALID_REQUEST: 400,
    ErrorCode.UNAUTHORISED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.PLAN_NOT_READY: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.DIGEST_MISMATCH: 409,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.TOO_MANY_REQUESTS: 429,
    ErrorCode.INTERNAL_ERROR: 500,
    ErrorCode.DISPATCH_FAILED: 503,
    ErrorCode.UNAVAILABLE: 503,
}
"""The HTTP status of every expected failure."""

TITLE_OF: Mapping[ErrorCode, str] = {
    ErrorCode.INVALID_REQUEST: "The request is not valid",
    ErrorCode.UNAUTHORISED: "A valid token is needed",
    ErrorCode.FORBIDDEN: "This is not allowed",
    ErrorCode.NOT_FOUND: "There is nothing of that name",
    ErrorCode.PLAN_NOT_READY: "The plan is not ready yet",
    ErrorCode.CONFLICT: "Something else was decided first",
    ErrorCode.DIGEST_MISMATCH: "The plan is not the one that was shown",
    ErrorCode.TOO_LARGE: "The request is too large",
    ErrorCode.TOO_MANY_REQUESTS: "Too many requests",
    ErrorCode.INTERNAL_ERROR: "A fault in Chiffon",
    ErrorCode.DISPATCH_FAILED: "The work could not be handed over",
    ErrorCode.UNAVAILABLE: "The database cannot be used now",
}

_PLAN_WAIT_SECONDS = 1
_OUTAGE_WAIT_SECONDS = 5
_CODE_OF_STATUS = {404: ErrorCode.NOT_FOUND, 403: ErrorCode.FORBIDDEN}

R = TypeVar("R", bound=Result)


class FieldProblem(BaseModel):
    """One field of the input that is not as it should be."""

    field: str
    reason: str


class Problem(BaseModel):
    """What went wrong, for programs (`code`) and for people (`detail`, `hint`)."""

    type: str = Field(description="A name for this kind of problem")
    title: str
    status: int
    detail: str
    code: str
    hint: str | None = Field(default=None, description="What to do next")
    fault_id: str | None = Field(default=None, description="Where the log tells more")
    errors: list[FieldProblem] | None = None


class ServiceRefused(Refused):
    """The service answered with an error; carries it whole, fault id included."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.code, error.message, error.hint)
        self.error = error


class TooSoon(Refused):
    """This person asked too often; `wait` says for how many seconds to pause."""

    def __init__(self, wait: int) -> None:
        super().__init__(
            ErrorCode.TOO_MANY_REQUESTS,
            "You have sent too many requests within a minute.",
            f"Try again in {wait} s.",
        )
        self.wait = wait


def given(result: R) -> R:
    """Return `result` if it holds an answer.

    Raises:
        ServiceRefused: it holds an error instead.
    """
    if result.error is not None:
        raise ServiceRefused(result.error)
    return result


def problem_of(error: Error, *, errors: list[FieldProblem] | None = None) -> Problem:
    """Return the problem document for `error`."""
    return Problem(
        type=f"urn:chiffon:problem:{error.code}",
        title=TITLE_OF[error.code],
        status=STATUS_OF[error.code],
        detail=error.message,
        code=error.code,
        hint=error.hint or None,
        fault_id=error.fault_id,
        errors=errors,
    )


def refusal_response(refusal: Refused) -> Response:
    """Return the HTTP answer to a refused call."""
    return _response(problem_of(refusal.error), _headers_for(refusal))


def register_problems(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    app.add_exception_handler(Refused, _on_refused)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


def _headers_for(refusal: Refused) -> dict[str, str]:
    if isinstance(refusal, TooSoon):
        return {"Retry-After": str(refusal.wait)}
    if refusal.error.code is ErrorCode.PLAN_NOT_READY:
        return {"Retry-After": str(_PLAN_WAIT_SECONDS)}
    if refusal.error.code is ErrorCode.UNAVAILABLE:
        return {"Retry-After": str(_OUTAGE_WAIT_SECONDS)}
    if refusal.error.code is ErrorCode.UNAUTHORISED:
        return {"WWW-Authenticate": 'Bearer realm="chiffon"'}
    return {}


def _response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    content = problem.model_dump(mode="json", exclude_none=True)
    return JSONResponse(content, problem.status, headers, MEDIA_TYPE)


def _on_refused(_request: Request, fault: Exception) -> Response:
    if not isinstance(fault, Refused):
        raise fault
    return refusal_response(fault)


def _on_invalid(_request: Request, fault: Exception) -> Response:
    """Invalid input of any kind is 400 with the field and the reason, never the value."""
    if not isinstance(fault, RequestValidationError):
        raise fault
    found = [_field_problem(error) for error in fault.errors()]
    detail = "; ".join(f"{each.field}: {each.reason}" for each in found[:5])
    error = Error(
        code=ErrorCode.INVALID_REQUEST,
        message=f"{detail}.",
        hint="Correct the named field; /docs shows what is expected.",
    )
    return _response(problem_of(error, errors=found))


def _field_problem(error: Mapping[str, Any]) -> FieldProblem:
    if error["type"] == "json_invalid":  # its place is a count of characters, and no field
        where = f"{error['ctx']['error']} at character {error['loc'][-1] + 1}"
        return FieldProblem(field="body", reason=f"is no valid JSON: {where}")
    if error["type"] == "value_error":  # our own words, without the prefix that pydantic gives them
        return FieldProblem(field=_field_name(error["loc"]), reason=str(error["ctx"]["error"]))
    return FieldProblem(field=_field_name(error["loc"]), reason=str(error["msg"]))


def _field_name(location: tuple[int | str, ...]) -> str:
    inner = [str(part) for part in location[1:] if not isinstance(part, int) or location[0] != part]
    return ".".join(inner) if inner else str(location[0])


def _on_http(_request: Request, fault: Exception) -> Response:
    """What the framework refuses by itself: unknown addresses, wrong methods, unreadable bodies."""
    if not isinstance(fault, HTTPException):
        raise fault
    code = _CODE_OF_STATUS.get(fault.status_code, ErrorCode.INVALID_REQUEST)
    problem = problem_of(
        Error(code=code, message=f"{fault.detail}.", hint="/docs lists every address.")
    )
    return _response(problem.model_copy(update={"status": fault.status_code}), fault.headers)
