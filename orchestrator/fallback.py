"""Which language model does the work: the local one, the paid external one, or one after the other.

Every decision is handed to a `DecisionLog`, which keeps it as a row with its numbers.
"""

import asyncio
from typing import Protocol

import structlog

from orchestrator.domain.digest import ModelTier
from orchestrator.domain.fallback import FallbackChoice, FallbackDecision, FallbackReason
from orchestrator.domain.plan import WorkPlan
from orchestrator.domain.request import Complexity
from orchestrator.errors import ModelError
from orchestrator.llm.port import ModelAnswer, ModelPort

CRITICAL_QUOTA = 0.2
EXTERNAL_SECONDS = 30.0
LOCAL_SECONDS = 15.0

_log = structlog.get_logger(__name__)


class DecisionLog(Protocol):
    """Where decisions and use are kept, and where the quota is read."""

    async def local_quota_left(self) -> float | None:
        """Return the fraction of the local model's quota that is left; None: no limit."""

    async def keep(
        self, decision: FallbackDecision, use: ModelAnswer | None, plan_id: str | None
    ) -> None:
        """Keep one decision and, where a model was called, what it used."""


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
    ) -> None:
        self.external = external
        self.local = local
        self._log = log
        self._external_seconds = external_seconds
        self._local_seconds = local_seconds

    async def should_use_external_ai(self, plan: WorkPlan) -> tuple[FallbackDecision, bool]:
        """Decide for a plan: external when it is complex or the local quota runs low.

        The decision holds also where no external model is configured; then only the steps
        that need one will fail, and the plan says so.
        """
        quota = await self._log.local_quota_left()
        if plan.complexity_level is Complexity.COMPLEX:
            return self._choose(FallbackReason.HIGH_COMPLEXITY, quota), True
        if quota is not None and quota < CRITICAL_QUOTA:
            return self._choose(FallbackReason.QUOTA_CRITICAL, quota), True
        decision = FallbackDecision(
            decision=FallbackChoice.USE_LOCAL,
            reason=FallbackReason.LOCAL_SUFFICIENT,
            quota=quota,
            tier=ModelTier.LOCAL,
            model=self.local.name if self.local else None,
        )
        return decision, False

    def _choose(self, reason: FallbackReason, quota: float | None) -> FallbackDecision:
        return FallbackDecision(
            decision=FallbackChoice.USE_EXTERNAL,
            reason=reason,
            quota=quota,
            tier=ModelTier.EXTERNAL,
            model=self.external.name if self.external else None,
        )

    async def call_external_ai_with_fallback(
        self, prompt: str, context: str, *, plan_id: str | None = None
    ) -> ModelAnswer:
        """Ask the external model, and where it fails the local one; one try each.

        Raises:
            ModelError: neither gave an answer within its time; the text says why of both.
        """
        quota = await self._log.local_quota_left()
        try:
            answer = await _ask(self.external, "external", self._external_seconds, prompt, context)
        except ModelError as fault:
            _log.warning("external_model_failed", reason=str(fault))
            return await self._ask_local(prompt, context, quota, str(fault), plan_id)
        decision = self._choose(FallbackReason.HIGH_COMPLEXITY, quota)
        await self._log.keep(_with_use(decision, answer), answer, plan_id)
        return answer

    async def _ask_local(
        self, prompt: str, context: str, quota: float | None, why: str, plan_id: str | None
    ) -> ModelAnswer:
        decision = FallbackDecision(
            decision=FallbackChoice.USE_LOCAL,
            reason=FallbackReason.EXTERNAL_FAILED,
            quota=quota,
            tier=ModelTier.LOCAL,
            model=self.local.name if self.local else None,
            error=why,
        )
        try:
            answer = await _ask(self.local, "local", self._local_seconds, prompt, context)
        except ModelError as fault:
            both = f"{why} {fault}"
            failed = {"decision": FallbackChoice.FAILED, "error": both}
            await self._log.keep(decision.model_copy(update=failed), None, plan_id)
            raise ModelError(both) from fault
        await self._log.keep(_with_use(decision, answer), answer, plan_id)
        return answer


async def _ask(
    model: ModelPort | None, tier: str, seconds: float, prompt: str, context: str
) -> ModelAnswer:
    if model is None:
        raise ModelError(f"No {tier} model is configured.")
    try:
        async with asyncio.timeout(seconds):
            return await model.complete(prompt, context)
    except TimeoutError as fault:
        raise ModelError(f"The {tier} model did not answer within {seconds:g} s.") from fault
    except ModelError as fault:
        raise ModelError(f"The {tier} model failed: {fault}") from fault


def _with_use(decision: FallbackDecision, answer: ModelAnswer) -> FallbackDecision:
    use = {"tokens": answer.tokens_in + answer.tokens_out, "cost": answer.cost}
    return decision.model_copy(update=use)
