"""Which language model does the work: the local one, the paid external one, or one after the other.

Every decision is handed to a `DecisionLog`, which keeps it as a row with its numbers. The order
of the reasons: a written rule, then complexity, then the quota.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import structlog

from orchestrator.domain.digest import ModelTier
from orchestrator.domain.fallback import (
    FallbackChoice,
    FallbackDecision,
    FallbackReason,
    ModelPolicy,
)
from orchestrator.domain.model_rules import ModelRules
from orchestrator.domain.plan import WorkPlan
from orchestrator.domain.request import Complexity, ModelAsked
from orchestrator.errors import ModelError
from orchestrator.llm.asking import EXTERNAL_SECONDS, LOCAL_SECONDS, Question, Way, ask
from orchestrator.llm.port import ModelAnswer, ModelPort

CRITICAL_QUOTA = 0.2
_FIRST_SHARE = 2 / 3  # of the time that is left, while another model may still be asked

_log = structlog.get_logger(__name__)
_Found = TypeVar("_Found")


class DecisionLog(Protocol):
    """Where decisions and use are kept, and where quota and budget are read."""

    async def local_quota_left(self) -> float | None:
        """Return the fraction of the local model's quota that is left; None: no limit."""

    async def external_spent(self) -> float:
        """Return what the external model has cost in this calendar month (UTC)."""

    async def keep(
        self, decision: FallbackDecision, use: ModelAnswer | None, plan_id: str | None
    ) -> str:
        """Keep one decision and, where a model was called, what it used; return the row's id."""


@dataclass(frozen=True)
class Reading(Generic[_Found]):
    """What models made of a request; `found` is None where none gave an answer of use."""

    found: _Found | None
    model: str = ""
    asked: tuple[ModelAsked, ...] = ()


class ExternalAIFallback:
    """Decides between the local and the external model, and calls one after the other."""

    def __init__(
        self,
        log: DecisionLog,
        *,
        external: ModelPort | None = None,
        local: ModelPort | None = None,
        external_seconds: float = EXTERNAL_SECONDS,
        local_seconds: float = LOCAL_SECONDS,
        rules: ModelRules | None = None,
    ) -> None:
        self.external = external
        self.local = local
        self.rules = rules or ModelRules()
        self._log = log
        self._seconds = {ModelTier.EXTERNAL: external_seconds, ModelTier.LOCAL: local_seconds}

    async def should_use_external_ai(self, plan: WorkPlan) -> tuple[FallbackDecision, bool]:
        """Decide for a plan: external when it is complex or the local quota runs low.

        The decision holds also where no external model is configured, or no text may leave for
        it: then the local one does the work, where there is one, and the plan says so.
        """
        quota = await self._log.local_quota_left()
        decision = self._decide(self._wanted(plan.complexity_level, quota), quota)
        return decision, decision.decision is FallbackChoice.USE_EXTERNAL

    async def call_external_ai_with_fallback(
        self, prompt: str, context: str, *, plan_id: str | None = None
    ) -> ModelAnswer:
        """Ask the external model, and where it fails the local one; one try each.

        Raises:
            ModelError: neither gave an answer within its time; the text says why of both.
        """
        quota = await self._log.local_quota_left()
        question = Question(prompt, context)
        try:
            answer = await ask(await self._way(ModelTier.EXTERNAL, quota), question)
        except ModelError as fault:
            _log.warning("external_model_failed", reason=str(fault))
            return await self._ask_local(question, quota, str(fault), plan_id)
        decision = self._choose(FallbackReason.HIGH_COMPLEXITY, quota)
        await self._log.keep(_with_use(decision, answer), answer, plan_id)
        return answer

    async def read_request(
        self,
        complexity: Complexity,
        question: Question,
        check: Callable[[ModelAnswer], _Found],
        seconds: float,
    ) -> Reading[_Found]:
        """Have a request read within `seconds` in all: one try each, each kept as a row.

        `check` turns an answer into what it means; a `ModelError` that it raises counts as a
        failure of the model.
        """
        end = asyncio.get_running_loop().time() + seconds
        quota = await self._log.local_quota_left()
        reason = self._wanted(complexity, quota)
        if self.rules.policy is ModelPolicy.EXTERNAL_FOR_PLANNING:
            reason = FallbackReason.POLICY
        decision = self._decide(reason, quota)
        asked: list[ModelAsked] = []
        while True:
            way = await self._way(decision.tier, quota)
            if way.tier is ModelTier.EXTERNAL and (way.closed or way.model is None):
                decision = self._without_external(way, quota)
                continue
            is_last = decision.tier is ModelTier.LOCAL or self.local is None
            left = max(0.0, end - asyncio.get_running_loop().time())
            way = Way(way.tier, way.model, left if is_last else left * _FIRST_SHARE, way.closed)
            found, row = await self._try(way, question, check, decision, is_last=is_last)
            if way.model is not None and not way.closed:
                asked.append(ModelAsked(decision_id=row, tier=way.tier, model=way.model.name))
            if found is not None or is_last:
                name = way.model.name if way.model is not None else ""
                return Reading(found, name, tuple(asked))
            decision = self._local(FallbackReason.EXTERNAL_FAILED, quota)

    async def _try(
        self,
        way: Way,
        question: Question,
        check: Callable[[ModelAnswer], _Found],
        decision: FallbackDecision,
        *,
        is_last: bool,
    ) -> tuple[_Found | None, str]:
        """Ask once; return what was found, and the id of the row that tells of it."""
        answer: ModelAnswer | None = None
        try:
            answer = await ask(way, question)
            found = check(answer)
        except ModelError as fault:
            _log.warning("model_gave_no_reading", tier=way.tier.value, reason=str(fault))
            failed = {"error": " ".join(filter(None, (decision.error, str(fault))))}
            if is_last:
                failed["decision"] = FallbackChoice.FAILED
            kept = decision.model_copy(update=failed)
            used = kept if answer is None else _with_use(kept, answer)
            return None, await self._log.keep(used, answer, None)
        return found, await self._log.keep(_with_use(decision, answer), answer, None)

    def _without_external(self, way: Way, quota: float | None) -> FallbackDecision:
        if way.closed:
            return self._local(FallbackReason.POLICY, quota, way.closed)
        error = "No external model is configured."
        return self._local(FallbackReason.EXTERNAL_FAILED, quota, error)

    async def _way(self, tier: ModelTier, quota: float | None) -> Way:
        """Return the model of a tier, closed where a rule, the budget or the quota forbids it."""
        if tier is ModelTier.LOCAL:
            spent = quota is not None and quota <= 0
            closed = self.rules.quota_closed(self.rules.quota or 0) if spent else ""
            return Way(tier, self.local, self._seconds[tier], closed if self.local else "")
        closed = self.rules.external_closed()
        if not closed and self.rules.budget is not None:
            closed = self.rules.budget_closed(await self._log.external_spent())
        return Way(tier, self.external, self._seconds[tier], closed if self.external else "")

    def _wanted(self, complexity: Complexity, quota: float | None) -> FallbackReason:
        if complexity is Complexity.COMPLEX:
            return FallbackReason.HIGH_COMPLEXITY
        if quota is not None and quota < CRITICAL_QUOTA:
            return FallbackReason.QUOTA_CRITICAL
        return FallbackReason.LOCAL_SUFFICIENT

    def _decide(self, reason: FallbackReason, quota: float | None) -> FallbackDecision:
        if reason is FallbackReason.LOCAL_SUFFICIENT:
            return self._local(reason, quota)
        if self.rules.policy is ModelPolicy.NEVER_EXTERNAL:
            return self._local(FallbackReason.POLICY, quota, self.rules.external_closed())
        return self._choose(reason, quota)

    def _choose(self, reason: FallbackReason, quota: float | None) -> FallbackDecision:
        return FallbackDecision(
            decision=FallbackChoice.USE_EXTERNAL,
            reason=reason,
            quota=quota,
            tier=ModelTier.EXTERNAL,
            model=self.external.name if self.external else None,
        )

    def _local(
        self, reason: FallbackReason, quota: float | None, error: str | None = None
    ) -> FallbackDecision:
        return FallbackDecision(
            decision=FallbackChoice.USE_LOCAL,
            reason=reason,
            quota=quota,
            tier=ModelTier.LOCAL,
            model=self.local.name if self.local else None,
            error=error,
        )

    async def _ask_local(
        self, question: Question, quota: float | None, why: str, plan_id: str | None
    ) -> ModelAnswer:
        decision = self._local(FallbackReason.EXTERNAL_FAILED, quota, why)
        try:
            answer = await ask(await self._way(ModelTier.LOCAL, quota), question)
        except ModelError as fault:
            both = f"{why} {fault}"
            failed = {"decision": FallbackChoice.FAILED, "error": both}
            await self._log.keep(decision.model_copy(update=failed), None, plan_id)
            raise ModelError(both) from fault
        await self._log.keep(_with_use(decision, answer), answer, plan_id)
        return answer


def _with_use(decision: FallbackDecision, answer: ModelAnswer) -> FallbackDecision:
    use = {"tokens": answer.tokens_in + answer.tokens_out, "cost": answer.cost}
    return decision.model_copy(update=use)
