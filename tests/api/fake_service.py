"""A service in memory: it understands a few words and walks each plan on as it is looked at."""

from collections.abc import Sequence
from datetime import timedelta

from typing_extensions import override

from orchestrator.domain.digest import ModelTier
from orchestrator.domain.fallback import FallbackChoice, FallbackReason
from orchestrator.domain.ids import new_id
from orchestrator.domain.lifecycle import TASK_BUCKET, PlanStatus, RequestStatus, TaskStatus
from orchestrator.domain.plan import digest_of, summary_counts
from orchestrator.domain.request import Ambiguity, Answer, Correction
from orchestrator.domain.views import (
    AgentList,
    AgentView,
    ApproveResult,
    AuditEvent,
    CapabilityForm,
    CorrectionOptions,
    Explanation,
    FallbackView,
    GapList,
    GapView,
    Phrase,
    PhraseList,
    PhraseMeaning,
    PlanList,
    PlanListItem,
    PlanResult,
    PlanStatusResult,
    RememberResult,
    RequestPart,
    RequestView,
    SubmitResult,
)
from orchestrator.errors import Error, ErrorCode
from orchestrator.service import OrchestratorService
from tests.api.fake_scene import (
    HOSTILE,
    NOW,
    StoredPlan,
    absent,
    capabilities,
    form_of,
    has_run,
    log_of,
    open_questions,
    routing,
    state_of,
    task,
    walk_on,
)


class FakeService(OrchestratorService):
    """What it says depends on words in the request.

    `coffee`: out of scope; `which`: asks back once, with options and without; `slow`: the plan
    takes three looks; `partly`: something is left out; `several`: it has two parts;
    `break`: step 2 fails; `vanish`: the outcome of step 2 is unknown; `puzzle`: not understood;
    `fault`: raises.
    """

    def __init__(self) -> None:
        self.requests: dict[str, RequestView] = {}
        self.plans: list[StoredPlan] = []
        self.calls: list[tuple[str, dict[str, object]]] = []
        self.error: Error | None = None
        self.parts = {"database": "ok"}
        self.not_ready = 0
        self.hold = False
        self.looks = 0

    def _note(self, name: str, **given: object) -> None:
        self.calls.append((name, given))

    @override
    async def submit_request(
        self,
        request_text: str,
        user_id: str,
        *,
        team: str = "local",
        source_key: str | None = None,
        channel: str | None = None,
        thread: str | None = None,
    ) -> SubmitResult:
        self._note("submit", text=request_text, user=user_id, key=source_key)
        if "fault" in request_text:
            message = f"cannot read {request_text}"
            raise RuntimeError(message)
        if not request_text.strip():
            return SubmitResult(
                error=Error(
                    code=ErrorCode.INVALID_REQUEST, message="The request is empty.", hint="Say it."
                )
            )
        return self._understand(new_id(), request_text, user_id, answered=False)

    def _understand(self, request_id: str, text: str, user: str, *, answered: bool) -> SubmitResult:
        status = RequestStatus.PARSING_COMPLETE
        questions: tuple[Ambiguity, ...] = ()
        left_out = ("make coffee",) if "coffee" in text or "partly" in text else ()
        if "which" in text and not answered:
            status, questions = RequestStatus.REQUIRES_CLARIFICATION, open_questions()
        elif "coffee" in text:
            status = RequestStatus.OUT_OF_SCOPE
        elif "puzzle" in text:
            status = RequestStatus.FAILED
        plan = None
        if status is RequestStatus.PARSING_COMPLETE:
            plan = self._make_plan(request_id, text, user, left_out)
        self.not_ready = 3 if "slow" in text else 0
        self.requests[request_id] = RequestView(
            request_id=request_id,
            status=status,
            request_text=text,
            requester=user,
            created_at=NOW,
            plan_id=plan.plan_id if plan else None,
            plan_number=plan.number if plan else None,
            ambiguities=questions,
            out_of_scope=left_out,
        )
        told = plan if "slow" not in text else None
        return SubmitResult(
            request_id=request_id,
            status=status,
            ambiguities=questions,
            out_of_scope=left_out,
            offers=("restart services", "deploy services") if left_out else (),
            plan_id=told.plan_id if told else None,
            plan_number=told.number if told else None,
        )

    def _make_plan(
        self, request_id: str, text: str, user: str, left_out: tuple[str, ...]
    ) -> PlanResult:
        tasks = (task(1), task(2, risk="medium", after=(1,)))
        shown = PlanResult(
            plan_id=new_id(),
            request_id=request_id,
            number=len(self.plans) + 1,
            request_text=text,
            requester=user,
            tasks=tasks,
            human_readable_summary="1. …",
            out_of_scope=left_out,
            will_use_external_ai="model" in text,
            notes=("One approver: nobody else looked.",),
            digest=digest_of(tasks, 1),
            created_at=NOW,
            expires_at=NOW + timedelta(days=1),
        )
        ends = {1: TaskStatus.COMPLETED, 2: TaskStatus.COMPLETED}
        if "break" in text:
            ends[2] = TaskStatus.FAILED
        if "vanish" in text:
            ends[2] = TaskStatus.OUTCOME_UNKNOWN
        states = dict.fromkeys(ends, TaskStatus.PENDING)
        self.plans.append(StoredPlan(shown, ends, states=states))
        return shown

    @override
    async def answer_request(
        self,
        request_id: str,
        answers: Sequence[Answer],
        user_id: str,
        *,
        team: str = "local",
        source_key: str | None = None,
    ) -> SubmitResult:
        self._note("answer", answers=list(answers), user=user_id)
        if request_id not in self.requests:
            return SubmitResult(error=absent())
        text = self.requests[request_id].request_text
        return self._understand(request_id, text, user_id, answered=True)

    @override
    async def correction_options(
        self, request_id: str, user_id: str, *, team: str = "local", order: int | None = None
    ) -> CorrectionOptions:
        self._note("options", user=user_id, team=team, order=order)
        asked = self.requests.get(request_id)
        if asked is None:
            return CorrectionOptions(error=absent())
        if asked.requester != user_id:
            return CorrectionOptions(error=_not_theirs())
        parts = () if asked.plan_id is None else (RequestPart(order=1, name="Restart nginx"),)
        if "several" in asked.request_text:
            parts = (*parts, RequestPart(order=2, name="Restart nginx twice"))
        understood = capabilities() if parts else ()
        return CorrectionOptions(
            request_id=request_id,
            plan_id=asked.plan_id,
            plan_number=asked.plan_number,
            words=f"{asked.request_text}, part {order}" if order else asked.request_text,
            parts=parts,
            nearest=understood or capabilities()[1:],
        )

    @override
    async def capability_form(
        self,
        request_id: str,
        capability: str,
        user_id: str,
        *,
        team: str = "local",
        order: int | None = None,
    ) -> CapabilityForm:
        self._note("form", capability=capability, user=user_id, order=order)
        known = capability in {each.name for each in capabilities()}
        return form_of(capability) if known else CapabilityForm(error=absent())

    @override
    async def correct_request(
        self,
        request_id: str,
        correction: Correction,
        user_id: str,
        *,
        team: str = "local",
        key: str | None = None,
        source_key: str | None = None,
    ) -> SubmitResult:
        self._note("correct", correction=correction, user=user_id, key=source_key)
        if request_id not in self.requests:
            return SubmitResult(error=absent())
        if self.error is not None:
            return SubmitResult(error=self.error)
        for name, value in correction.parameters.items():
            if value == "wrong":
                message = f"{correction.capability}: `{name}` must be another one."
                refused = Error(code=ErrorCode.INVALID_REQUEST, message=message, hint="Like this.")
                return SubmitResult(error=refused)
        if correction.plan_id is not None and (shown := self._find(correction.plan_id)):
            shown.status = PlanStatus.SUPERSEDED
        return self._understand(request_id, "restart what was meant", user_id, answered=True)

    @override
    async def phrases_of(self, reference: str) -> PhraseList:
        plan = self._find(reference)
        if plan is None:
            return PhraseList(error=absent())
        known = any(name == "remember" for name, _ in self.calls)
        phrase = PhraseMeaning(
            capability="restart_service",
            text=plan.shown.request_text,
            remembered=known,
            means=("stop_service",),
        )
        return PhraseList(plan_id=plan.shown.plan_id, phrases=(phrase,))

    @override
    async def remember_phrases(
        self,
        reference: str,
        *,
        user_id: str,
        team: str = "local",
        key: str | None = None,
        source_key: str | None = None,
    ) -> RememberResult:
        self._note("remember", reference=reference, user=user_id, key=source_key)
        plan = self._find(reference)
        if plan is None:
            return RememberResult(error=absent())
        phrase = Phrase(capability="restart_service", text=plan.shown.request_text, remembered=True)
        return RememberResult(plan_id=plan.shown.plan_id, phrases=(phrase,))

    @override
    async def generate_plan(self, request_id: str) -> PlanResult:
        return await self.get_plan(request_id)

    @override
    async def get_request(self, request_id: str) -> RequestView:
        return self.requests.get(request_id, RequestView(error=absent()))

    @override
    async def get_plan(self, reference: str) -> PlanResult:
        if self.not_ready:
            self.not_ready -= 1
            return PlanResult(
                error=Error(code=ErrorCode.PLAN_NOT_READY, message="The plan is being made.")
            )
        found = self._find(reference)
        if found is None:
            return PlanResult(error=self.error or absent())
        return found.shown.model_copy(update={"status": found.status})

    def _find(self, reference: str) -> StoredPlan | None:
        name = reference.lstrip("#").split(" ")[0].split(".")[0]
        for plan in reversed(self.plans):
            if name in {str(plan.shown.number), plan.shown.request_id, plan.shown.plan_id}:
                return plan
        return None

    @override
    async def approve_plan(
        self,
        plan_id: str,
        user_approval: bool = True,
        *,
        user_id: str,
        team: str = "local",
        key: str | None = None,
        notes: str | None = None,
        digest: str | None = None,
        source_key: str | None = None,
    ) -> ApproveResult:
        self._note("approve", yes=user_approval, notes=notes, digest=digest, key=source_key)
        plan = self._find(plan_id)
        if plan is None:
            return ApproveResult(error=absent())
        if user_id == "mallory":
            return ApproveResult(
                error=Error(code=ErrorCode.FORBIDDEN, message="mallory may not approve.")
            )
        if digest not in {None, plan.shown.digest}:
            return ApproveResult(
                error=Error(code=ErrorCode.DIGEST_MISMATCH, message="The plan has changed.")
            )
        if plan.status is not PlanStatus.PENDING_APPROVAL:
            message = f"Plan #{plan.shown.number} was already decided."
            return ApproveResult(error=Error(code=ErrorCode.CONFLICT, message=message))
        plan.status = PlanStatus.APPROVED if user_approval else PlanStatus.REJECTED
        return ApproveResult(
            plan_id=plan.shown.plan_id, status=plan.status, dispatch_started=user_approval
        )

    @override
    async def get_plan_status(self, plan_id: str) -> PlanStatusResult:
        plan = self._find(plan_id)
        if plan is None:
            return PlanStatusResult(error=self.error or absent())
        self.looks += 1
        if not self.hold:
            walk_on(plan)
        return PlanStatusResult(
            plan_id=plan.shown.plan_id,
            number=plan.shown.number,
            request_text=plan.shown.request_text,
            status=plan.status,
            tasks=tuple(state_of(each, plan.states) for each in plan.shown.tasks),
            execution_logs=tuple(
                log_of(each) for each in plan.shown.tasks if has_run(plan, each.step_number)
            ),
            summary=summary_counts(plan.states.values(), TASK_BUCKET),
        )

    @override
    async def list_plans(self, limit: int = 20) -> PlanList:
        newest = [
            PlanListItem(
                plan_id=plan.shown.plan_id,
                number=plan.shown.number,
                revision=1,
                status=plan.status,
                request_text=plan.shown.request_text,
                requester=plan.shown.requester,
                created_at=NOW,
                steps=2,
                completed=list(plan.states.values()).count(TaskStatus.COMPLETED),
            )
            for plan in reversed(self.plans)
        ]
        return PlanList(plans=tuple(newest[:limit]))

    async def _decided(self, kind: str, reference: str, **given: object) -> ApproveResult:
        self._note(kind, reference=reference, **given)
        plan = self._find(reference)
        if plan is None:
            return ApproveResult(error=absent())
        status = PlanStatus.CANCELLED if kind == "cancel" else PlanStatus.EXECUTING
        plan.status = status
        return ApproveResult(plan_id=plan.shown.plan_id, status=status)

    @override
    async def cancel_plan(
        self,
        reference: str,
        *,
        user_id: str,
        team: str = "local",
        key: str | None = None,
        notes: str | None = None,
        source_key: str | None = None,
    ) -> ApproveResult:
        return await self._decided("cancel", reference, notes=notes, key=source_key)

    @override
    async def retry_task(
        self,
        reference: str,
        *,
        user_id: str,
        team: str = "local",
        key: str | None = None,
        notes: str | None = None,
        source_key: str | None = None,
    ) -> ApproveResult:
        return await self._decided("retry", reference, notes=notes, key=source_key)

    @override
    async def resolve_outcome(
        self,
        reference: str,
        decision: str,
        *,
        user_id: str,
        team: str = "local",
        key: str | None = None,
        notes: str | None = None,
        source_key: str | None = None,
    ) -> ApproveResult:
        return await self._decided("resolve", reference, decision=decision, notes=notes)

    @override
    async def resume_plan(
        self,
        reference: str,
        *,
        user_id: str,
        team: str = "local",
        key: str | None = None,
        notes: str | None = None,
        source_key: str | None = None,
    ) -> ApproveResult:
        return await self._decided("resume", reference, notes=notes, key=source_key)

    @override
    async def explain(self, reference: str) -> Explanation:
        plan = self._find(reference)
        if plan is None:
            return Explanation(error=absent())
        step = int(reference.split(".")[1]) if "." in reference else None
        return Explanation(
            plan_id=plan.shown.plan_id,
            number=plan.shown.number,
            step_number=step,
            understood=(f"Step 1 comes from “restart nginx {HOSTILE}”, 93 % sure.",),
            routing=(routing(),),
            fallback=(
                FallbackView(
                    decision=FallbackChoice.USE_LOCAL,
                    reason=FallbackReason.LOCAL_SUFFICIENT,
                    model="small",
                    quota=0.5,
                    tier=ModelTier.NONE,
                    at=NOW,
                ),
            ),
            events=(
                AuditEvent(
                    sequence=1, kind="plan_approved", actor="alice", at=NOW, details={"digest": "d"}
                ),
            ),
        )

    @override
    async def list_agents(self) -> AgentList:
        agent = AgentView(
            agent_id="a1",
            name="embedded",
            agent_type="infra",
            online=True,
            labels={"node": "node1"},
            capabilities=("restart_service",),
            load=0.25,
            last_seen_at=NOW,
        )
        return AgentList(agents=(agent,))

    @override
    async def list_gaps(self, limit: int = 20) -> GapList:
        return GapList(gaps=(GapView(text="make coffee", times=3, last_asked_at=NOW),)[:limit])

    @override
    async def readiness(self) -> dict[str, str]:
        return self.parts


def _not_theirs() -> Error:
    return Error(code=ErrorCode.FORBIDDEN, message="Only whoever asked can say what was meant.")
