"""The front: one short method a use case. What can be expected to go wrong comes as a value."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import TypeVar

import structlog

from orchestrator.domain.approval import LOCAL_TEAM, Decision
from orchestrator.domain.conversation import CardList, NoticeList
from orchestrator.domain.ids import new_id
from orchestrator.domain.request import Answer, Correction
from orchestrator.domain.views import (
    AgentList,
    ApproveResult,
    CapabilityForm,
    CorrectionOptions,
    DispatchResult,
    Explanation,
    GapList,
    HeardResult,
    Identity,
    KeyHolder,
    PhraseList,
    PlanList,
    PlanResult,
    PlanStatusResult,
    RememberResult,
    RequestView,
    Result,
    SubmitResult,
)
from orchestrator.errors import Error, ErrorCode, Refused, StoreError
from orchestrator.usecases.answer_request import answer_request
from orchestrator.usecases.approve_plan import approve_plan
from orchestrator.usecases.context import Context
from orchestrator.usecases.control_plan import (
    Order,
    Resolution,
    cancel_plan,
    resolve_outcome,
    resume_plan,
    retry_task,
)
from orchestrator.usecases.converse import (
    card_released,
    card_shown,
    due_cards,
    due_notices,
    notice_posted,
    notice_released,
)
from orchestrator.usecases.dispatch_plan import dispatch_plan
from orchestrator.usecases.explain import explain, list_gaps
from orchestrator.usecases.generate_plan import available_resources, generate_plan
from orchestrator.usecases.keys import check_key
from orchestrator.usecases.plan_status import plan_status
from orchestrator.usecases.read_plan import get_plan, list_plans
from orchestrator.usecases.read_request import get_request, heard, request_of_thread
from orchestrator.usecases.readiness import readiness
from orchestrator.usecases.record_agent import list_agents
from orchestrator.usecases.remember_phrase import phrases_of, remember_phrases
from orchestrator.usecases.revise_plan import (
    capability_form,
    correct_request,
    correction_options,
)
from orchestrator.usecases.submit_request import (
    Asked,
    keep_request,
    name_people,
    submit_request,
    think,
)

_log = structlog.get_logger(__name__)
_Answer = TypeVar("_Answer", bound=Result)


class OrchestratorService:
    """Everything the outside may ask of Chiffon. No method raises; look at `error`.

    `user_id` and `team` are who the door (token, key, Slack) vouches for; `key` names the REST
    key where it was one, since only the local token decides where nobody is named. A plan is
    named by its number (12, #12, #12 r3), its UUID or an unambiguous beginning of it; a step
    by 12.2.
    """

    def __init__(self, context: Context) -> None:
        self.context = context

    async def submit_request(
        self,
        request_text: str,
        user_id: str,
        *,
        team: str = LOCAL_TEAM,
        source_key: str | None = None,
        channel: str | None = None,
        thread: str | None = None,
    ) -> SubmitResult:
        """Keep a request, understand it, and plan it where nothing is left to ask."""
        asked = Asked(source_key=source_key, channel=channel, thread=thread)
        call = submit_request(self.context, request_text, _who(user_id, team), asked)
        return await _answered(SubmitResult, call)

    async def keep_request(
        self,
        request_text: str,
        user_id: str,
        *,
        team: str = LOCAL_TEAM,
        source_key: str | None = None,
        channel: str | None = None,
        thread: str | None = None,
    ) -> SubmitResult:
        """Keep a request and do no more; `think` comes next. A repeat gives the first one."""
        asked = Asked(source_key=source_key, channel=channel, thread=thread)
        call = keep_request(self.context, request_text, _who(user_id, team), asked)
        return await _answered(SubmitResult, call)

    async def name_people(self, request_id: str, names: Mapping[str, str]) -> Result:
        """Put names in the place of ids in a kept request; after `think` it does nothing."""
        return await _answered(Result, name_people(self.context, request_id, names))

    async def think(self, request_id: str) -> SubmitResult:
        """Understand a kept request, and plan it; safe to repeat."""
        return await _answered(SubmitResult, think(self.context, request_id))

    async def answer_request(
        self,
        request_id: str,
        answers: Sequence[Answer],
        user_id: str,
        *,
        team: str = LOCAL_TEAM,
        source_key: str | None = None,
    ) -> SubmitResult:
        """Take answers to what was unclear; what stays unclear is asked again."""
        who = _who(user_id, team)
        call = answer_request(self.context, request_id, answers, who, source_key=source_key)
        return await _answered(SubmitResult, call)

    async def correction_options(
        self, request_id: str, user_id: str, *, team: str = LOCAL_TEAM, order: int | None = None
    ) -> CorrectionOptions:
        """Say which capabilities may have been meant, the nearest first; `order` picks a part."""
        call = correction_options(self.context, request_id, _who(user_id, team), order)
        return await _answered(CorrectionOptions, call)

    async def capability_form(
        self,
        request_id: str,
        capability: str,
        user_id: str,
        *,
        team: str = LOCAL_TEAM,
        order: int | None = None,
    ) -> CapabilityForm:
        """Say what a capability asks for, with what the words of the request hold for it."""
        call = capability_form(self.context, request_id, _who(user_id, team), capability, order)
        return await _answered(CapabilityForm, call)

    async def correct_request(
        self,
        request_id: str,
        correction: Correction,
        user_id: str,
        *,
        team: str = LOCAL_TEAM,
        key: str | None = None,
        source_key: str | None = None,
    ) -> SubmitResult:
        """Plan what a person meant in the place of what was understood; the old plan is over."""
        who = _who(user_id, team, key)
        call = correct_request(self.context, request_id, correction, who, source_key)
        return await _answered(SubmitResult, call)

    async def phrases_of(self, reference: str) -> PhraseList:
        """Return the words of a plan that may be remembered, with what they mean so far."""
        return await _answered(PhraseList, phrases_of(self.context, reference))

    async def remember_phrases(
        self,
        reference: str,
        *,
        user_id: str,
        team: str = LOCAL_TEAM,
        key: str | None = None,
        source_key: str | None = None,
    ) -> RememberResult:
        """Save the words that were corrected in a plan as examples of what they mean."""
        call = remember_phrases(self.context, reference, _who(user_id, team, key), source_key)
        return await _answered(RememberResult, call)

    async def generate_plan(self, request_id: str) -> PlanResult:
        """Return the newest plan of a request; make it where there is none yet."""
        return await _answered(PlanResult, generate_plan(self.context, request_id))

    async def approve_plan(  # noqa: PLR0913 - a decision's whole origin
        self,
        plan_id: str,
        user_approval: bool = True,  # noqa: FBT001, FBT002 - the contract's own signature
        *,
        user_id: str,
        team: str = LOCAL_TEAM,
        key: str | None = None,
        notes: str | None = None,
        digest: str | None = None,
        source_key: str | None = None,
    ) -> ApproveResult:
        """Approve or reject; binds to the digest, and the first decision counts."""
        decision = Decision(
            approved=user_approval, notes=notes, digest=digest, source_key=source_key
        )
        call = approve_plan(self.context, plan_id, _who(user_id, team, key), decision)
        return await _answered(ApproveResult, call)

    async def dispatch_plan(self, plan_id: str) -> DispatchResult:
        """Hand over what is ready, in order; what is under way is listed as it is."""
        return await _answered(DispatchResult, dispatch_plan(self.context, plan_id))

    async def get_plan_status(self, plan_id: str) -> PlanStatusResult:
        """Say where a plan stands."""
        return await _answered(PlanStatusResult, plan_status(self.context, plan_id))

    async def get_request(self, request_id: str) -> RequestView:
        """Return one stored request."""
        return await _answered(RequestView, get_request(self.context, request_id))

    async def request_of_thread(self, team: str, channel: str, thread: str) -> RequestView:
        """Return the request that was asked last in a thread, with its open questions."""
        return await _answered(RequestView, request_of_thread(self.context, team, channel, thread))

    async def heard(self, source_key: str) -> HeardResult:
        """Say whether what came in under this key was kept, as a request or as an answer."""
        return await _answered(HeardResult, heard(self.context, source_key))

    async def get_plan(self, reference: str) -> PlanResult:
        """Return a plan, or the newest plan of a request; nothing is generated."""
        return await _answered(PlanResult, get_plan(self.context, reference))

    async def list_plans(self, limit: int = 20) -> PlanList:
        """Return the newest plans first."""
        return await _answered(PlanList, list_plans(self.context, limit))

    async def cancel_plan(
        self,
        reference: str,
        *,
        user_id: str,
        team: str = LOCAL_TEAM,
        key: str | None = None,
        notes: str | None = None,
        source_key: str | None = None,
    ) -> ApproveResult:
        """Stop a plan: what has not started never will, what runs is told to stop."""
        order = Order(_who(user_id, team, key), notes, source_key)
        return await _answered(ApproveResult, cancel_plan(self.context, reference, order))

    async def retry_task(
        self,
        reference: str,
        *,
        user_id: str,
        team: str = LOCAL_TEAM,
        key: str | None = None,
        notes: str | None = None,
        source_key: str | None = None,
    ) -> ApproveResult:
        """Run a failed step again, and what was skipped because of it."""
        order = Order(_who(user_id, team, key), notes, source_key)
        return await _answered(ApproveResult, retry_task(self.context, reference, order))

    async def resolve_outcome(  # noqa: PLR0913 - same
        self,
        reference: str,
        decision: str,
        *,
        user_id: str,
        team: str = LOCAL_TEAM,
        key: str | None = None,
        notes: str | None = None,
        source_key: str | None = None,
    ) -> ApproveResult:
        """Say what became of a step with an unknown outcome: `retry`, `done` or `failed`."""
        if decision not in set(Resolution):
            message = f"{decision!r} is no decision."
            error = Error(
                code=ErrorCode.INVALID_REQUEST, message=message, hint="Say retry, done or failed."
            )
            return ApproveResult(error=error)
        order = Order(_who(user_id, team, key), notes, source_key)
        call = resolve_outcome(self.context, reference, Resolution(decision), order)
        return await _answered(ApproveResult, call)

    async def resume_plan(
        self,
        reference: str,
        *,
        user_id: str,
        team: str = LOCAL_TEAM,
        key: str | None = None,
        notes: str | None = None,
        source_key: str | None = None,
    ) -> ApproveResult:
        """Run what failed or was skipped again; what is done stays done."""
        order = Order(_who(user_id, team, key), notes, source_key)
        return await _answered(ApproveResult, resume_plan(self.context, reference, order))

    async def explain(self, reference: str) -> Explanation:
        """Tell the story of a plan or a step from the database alone."""
        return await _answered(Explanation, explain(self.context, reference))

    async def list_agents(self) -> AgentList:
        """Return every agent that has registered."""
        return await _answered(AgentList, list_agents(self.context))

    async def list_gaps(self, limit: int = 20) -> GapList:
        """Return what was asked for and nothing covers, the most frequent first."""
        return await _answered(GapList, list_gaps(self.context, limit))

    async def get_available_resources(self) -> dict[str, float]:
        """Return what the online agents have free: cores, MiB, MiB of GPU memory."""
        free = await available_resources(self.context)
        return free.model_dump(include={"gpu_vram_mb", "cpu_cores", "memory_mb"})

    @property
    def conversation_waiting(self) -> asyncio.Event:
        """Set whenever a card or a reply has become due; who waits for it clears it."""
        return self.context.store.conversation_waiting

    async def due_cards(self, limit: int = 20) -> CardList:
        """Claim, for 30 seconds, cards that show an old state; say what they must show now."""
        return await _answered(CardList, due_cards(self.context, limit))

    async def card_shown(self, card_id: str, *, version: int, messages: Sequence[str]) -> Result:
        """Note which messages (time stamps) show a card as it was at `version`."""
        return await _answered(Result, card_shown(self.context, card_id, version, messages))

    async def card_released(self, card_id: str, *, retry_after: float) -> Result:
        """Note that a card was not shown; it is due again after so many seconds."""
        return await _answered(Result, card_released(self.context, card_id, retry_after))

    async def due_notices(self, limit: int = 20) -> NoticeList:
        """Claim, for 30 seconds, the oldest reply that is owed to each thread."""
        return await _answered(NoticeList, due_notices(self.context, limit))

    async def notice_posted(self, notice_id: str, *, message: str | None = None) -> Result:
        """Note that a reply stands in its thread as `message` (time stamp); the next one is due."""
        return await _answered(Result, notice_posted(self.context, notice_id, message))

    async def notice_released(self, notice_id: str, *, retry_after: float) -> Result:
        """Note that a reply was not posted; it is due again after so many seconds."""
        return await _answered(Result, notice_released(self.context, notice_id, retry_after))

    async def key_holder(self, key: str) -> KeyHolder:
        """Say whom a REST key lets in; `unauthorised` where it is unknown or revoked."""
        return await _answered(KeyHolder, check_key(self.context.store, key))

    async def readiness(self) -> dict[str, str]:
        """Return for each thing that Chiffon needs `ok`, or a sentence that says what is off."""
        return await readiness(self.context)


def _who(user_id: str, team: str, key: str | None = None) -> Identity:
    return Identity(person=user_id, team=team, key=key)


async def _answered(kind: type[_Answer], call: Awaitable[_Answer]) -> _Answer:
    """Turn what was refused, and any fault, into a value; a fault is logged under an id."""
    try:
        return await call
    except Refused as refusal:
        _log.warning("refused", code=refusal.error.code.value, reason=refusal.error.message)
        return kind(error=refusal.error)
    except StoreError as fault:
        _log.warning("store_unavailable", reason=str(fault))
        return kind(error=Error(code=ErrorCode.UNAVAILABLE, message=str(fault)))
    except Exception:  # noqa: BLE001 - the boundary: no method raises
        fault_id = new_id()
        _log.exception("internal_error", fault_id=fault_id)
        error = Error(
            code=ErrorCode.INTERNAL_ERROR,
            message="Something went wrong inside Chiffon.",
            hint=f"The log tells more under fault {fault_id}.",
            fault_id=fault_id,
        )
        return kind(error=error)
