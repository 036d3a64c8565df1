"""The REST API as methods: what the commands call."""

import re
import time
import uuid
from types import TracebackType
from typing import Literal, Self, TypeVar
from urllib.parse import quote, urlencode

import httpx
from pydantic import BaseModel, JsonValue, ValidationError

from orchestrator.cli.place import NotRunning, Place, find_place
from orchestrator.domain.ids import is_id
from orchestrator.domain.request import Answer, Correction
from orchestrator.domain.views import (
    AgentList,
    ApproveResult,
    CapabilityForm,
    CorrectionOptions,
    Explanation,
    PhraseList,
    PlanList,
    PlanResult,
    PlanStatusResult,
    RememberResult,
    RequestView,
    SubmitResult,
)
from orchestrator.errors import Error, ErrorCode, Refused

Decision = Literal["cancel", "resume"]
Outcome = Literal["retry", "done", "failed"]
M = TypeVar("M", bound=BaseModel)

_TRIES = 3
_REFERENCE = re.compile(r"#?\w[\w .-]{0,60}")
_PATIENCE = httpx.Timeout(60, connect=5)  # seconds; understanding with a model takes a while
_PLAN_SECONDS = 90.0
_PLAN_PAUSE = 0.5


class ApiClient:
    """One person's way to a running Chiffon; a context manager.

    Every method raises `NotRunning` where nothing answers and `Refused` where the answer is a
    problem. What changes something carries an idempotency key, so a call whose answer got lost
    is repeated without being done twice.
    """

    def __init__(self, place: Place, person: str) -> None:
        self._place = place
        self._person = person
        self._http = _connection(place)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def look_again(self) -> None:
        """Find Chiffon anew: after a restart it may have another address."""
        place = find_place()
        if place != self._place:
            self._http.close()
            self._place, self._http = place, _connection(place)

    def submit(self, text: str) -> SubmitResult:
        """Ask for something."""
        return self._post("request", SubmitResult, {"request": text})

    def answer(self, request_id: str, answers: list[Answer]) -> SubmitResult:
        """Answer what a request left open."""
        given: list[JsonValue] = [each.model_dump(mode="json") for each in answers]
        path = f"request/{_part(request_id)}/answer"
        return self._post(path, SubmitResult, {"answers": given})

    def request_of(self, reference: str) -> tuple[str, str | None]:
        """Return the ids of a request and its plan, where the plan or the request is named."""
        try:
            plan = self.plan(reference)
        except Refused:
            if not is_id(reference.strip()):
                raise
            return self._get(f"request/{_part(reference)}", RequestView).request_id, None
        return plan.request_id, plan.plan_id

    def options(self, request_id: str, order: int | None) -> CorrectionOptions:
        """Ask what may have been meant by a request, or by one part of it."""
        path = f"request/{_part(request_id)}/correction?{self._asking(order)}"
        return self._get(path, CorrectionOptions)

    def form(self, request_id: str, capability: str, order: int | None) -> CapabilityForm:
        """Ask what a capability asks for."""
        path = f"request/{_part(request_id)}/correction/{_part(capability)}?{self._asking(order)}"
        return self._get(path, CapabilityForm)

    def correct(self, request_id: str, correction: Correction) -> SubmitResult:
        """Say what was meant."""
        path = f"request/{_part(request_id)}/correction"
        return self._post(path, SubmitResult, correction.model_dump(mode="json"))

    def phrases(self, reference: str) -> PhraseList:
        """Ask which words of a plan may be remembered, and what they mean so far."""
        return self._get(f"plan/{_part(reference)}/phrase", PhraseList)

    def remember(self, reference: str) -> RememberResult:
        """Have the words that were corrected in a plan remembered."""
        return self._post(f"plan/{_part(reference)}/phrase", RememberResult, {})

    def plan(self, reference: str) -> PlanResult:
        """Look up a plan."""
        return self._get(f"plan/{_part(reference)}", PlanResult)

    def await_plan(self, request_id: str) -> PlanResult:
        """Look up the plan of a request, waiting while it is made."""
        deadline = time.monotonic() + _PLAN_SECONDS
        while True:
            try:
                return self.plan(request_id)
            except Refused as refusal:
                ready = refusal.error.code is not ErrorCode.PLAN_NOT_READY
                if ready or time.monotonic() > deadline:
                    raise
            time.sleep(_PLAN_PAUSE)

    def decide(
        self,
        reference: str,
        *,
        approved: bool,
        digest: str | None = None,
        notes: str | None = None,
    ) -> ApproveResult:
        """Approve or reject a plan."""
        body: dict[str, JsonValue] = {"approved": approved, "digest": digest, "notes": notes}
        return self._post(f"plan/{_part(reference)}/approve", ApproveResult, body)

    def change(self, action: Decision, reference: str, notes: str | None = None) -> ApproveResult:
        """Cancel or resume a plan."""
        return self._post(f"plan/{_part(reference)}/{action}", ApproveResult, {"notes": notes})

    def retry(
        self, step: str, decision: Outcome | None = None, notes: str | None = None
    ) -> ApproveResult:
        """Try a failed step again, or say what became of an unknown one."""
        body: dict[str, JsonValue] = {"decision": decision, "notes": notes}
        return self._post(f"plan/{_part(step)}/retry", ApproveResult, body)

    def status(self, reference: str) -> PlanStatusResult:
        """Look where a plan stands."""
        return self._get(f"plan/{_part(reference)}/status", PlanStatusResult)

    def plans(self, limit: int) -> PlanList:
        """List the newest plans."""
        return self._get(f"plans?limit={limit}", PlanList)

    def agents(self) -> AgentList:
        """List the agents."""
        return self._get("agents", AgentList)

    def explain(self, reference: str) -> Explanation:
        """Ask why."""
        return self._get(f"plan/{_part(reference)}/why", Explanation)

    def _asking(self, order: int | None) -> str:
        said = {"user_id": self._person}
        return urlencode(said if order is None else {**said, "order": str(order)})

    def _get(self, path: str, model: type[M]) -> M:
        return self._call("GET", path, model, None)

    def _post(self, path: str, model: type[M], body: dict[str, JsonValue]) -> M:
        return self._call("POST", path, model, {**body, "user_id": self._person})

    def _call(self, method: str, path: str, model: type[M], body: dict[str, JsonValue] | None) -> M:
        response = self._send(method, path, body)
        if not response.is_success:
            raise _refusal(response, self._place.address)
        try:
            return model.model_validate_json(response.content)
        except ValidationError as fault:
            raise _not_ours(self._place.address) from fault

    def _send(self, method: str, path: str, body: dict[str, JsonValue] | None) -> httpx.Response:
        headers = {} if body is None else {"Idempotency-Key": str(uuid.uuid4())}
        for _ in range(_TRIES):
            try:
                return self._http.request(method, f"/api/v1/{path}", json=body, headers=headers)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                break
            except httpx.TransportError:
                continue  # the connection broke off: the key makes it safe to ask again
        raise NotRunning(f"Chiffon does not answer at {self._place.address}.")


def _connection(place: Place) -> httpx.Client:
    # No proxy from the environment: the token goes to that address alone. Loading the
    # certificates takes longer than most calls, and plain HTTP on this machine needs none.
    return httpx.Client(
        verify=place.address.startswith("https:"),
        base_url=place.address,
        headers={"Authorization": f"Bearer {place.token}"},
        timeout=_PATIENCE,
        trust_env=False,
    )


def _part(reference: str) -> str:
    """Return a reference as one part of an address.

    Raises:
        Refused: it cannot name anything, and would only lead the address astray.
    """
    if not _REFERENCE.fullmatch(reference.strip()):
        raise Refused(
            ErrorCode.NOT_FOUND,
            f"There is no plan or step {reference[:60]!r}.",
            "`chiffon status` lists the plans.",
        )
    return quote(reference, safe="")


def _refusal(response: httpx.Response, address: str) -> Refused:
    """Return a problem document as the error it was."""
    try:
        problem = _ProblemSeen.model_validate_json(response.content)
    except ValidationError:
        return _not_ours(address)
    refusal = Refused(problem.code, problem.detail, problem.hint)
    refusal.error = Error(
        code=problem.code, message=problem.detail, hint=problem.hint, fault_id=problem.fault_id
    )
    return refusal


def _not_ours(address: str) -> Refused:
    return Refused(
        ErrorCode.INTERNAL_ERROR,
        f"What answers at {address} does not speak as this version of Chiffon does.",
        "Restart Chiffon, or look what else listens there.",
    )


class _ProblemSeen(BaseModel):
    code: ErrorCode
    detail: str
    hint: str = ""
    fault_id: str | None = None
