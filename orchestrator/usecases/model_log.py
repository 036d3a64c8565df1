"""Keep model decisions and use in the database, and read quota and budget from them."""

from collections.abc import Sequence
from datetime import timedelta

from orchestrator.domain.attempt import Attempt
from orchestrator.domain.digest import ModelTier
from orchestrator.domain.fallback import FallbackChoice, FallbackDecision, FallbackReason
from orchestrator.domain.model_rules import ModelRules
from orchestrator.llm.port import ModelAnswer
from orchestrator.protocol import ModelCall, ResourceUse
from orchestrator.store.repositories.decisions import ModelUse
from orchestrator.store.repositories.plans import StoredPlan
from orchestrator.store.unit_of_work import Store, UnitOfWork

HOUR = timedelta(hours=1)


class StoredDecisionLog:
    """The `DecisionLog` of the fallback, in tables; the quota is calls per hour."""

    def __init__(self, store: Store, local_quota: int | None) -> None:
        self._store = store
        self._rules = ModelRules(quota=local_quota)

    async def local_quota_left(self) -> float | None:
        """Return the fraction of this hour's calls that is left; None: no limit is set."""
        if self._rules.quota is None:
            return None

        async def count(uow: UnitOfWork) -> int:
            return await uow.decisions.calls_within("local", HOUR)

        return self._rules.quota_left(await self._store.read(count))

    async def external_spent(self) -> float:
        """Return what the external model has cost in this calendar month (UTC)."""
        return await self._store.read(external_spent)

    async def keep(
        self, decision: FallbackDecision, use: ModelAnswer | None, plan_id: str | None
    ) -> str:
        """Keep one decision and, where a model was called, what it used; return the row's id."""

        async def write(uow: UnitOfWork) -> str:
            row = await uow.decisions.fell_back(decision, plan_id=plan_id)
            if use is not None:
                await uow.decisions.used(
                    ModelUse(
                        tier=decision.tier.value,
                        model=decision.model or "",
                        tokens_in=use.tokens_in,
                        tokens_out=use.tokens_out,
                        cost=use.cost,
                        plan_id=plan_id,
                    )
                )
            return row

        return await self._store.transact(write)


async def external_spent(uow: UnitOfWork) -> float:
    """Return what external models have cost since the first of this month (UTC)."""
    first = uow.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return await uow.decisions.cost_since("external", first)


async def book_work(
    uow: UnitOfWork, rules: ModelRules, stored: StoredPlan, attempt: Attempt, use: ResourceUse
) -> None:
    """Book what a step used of language models, and keep how it came to the last of them."""
    if not use.calls:
        return
    plan_id = stored.plan.plan_id
    for call in use.calls:
        if call.tokens_in or call.tokens_out or not call.error:
            await uow.decisions.used(
                ModelUse(
                    tier=call.tier.value,
                    plan_id=plan_id,
                    **call.model_dump(include={"model", "tokens_in", "tokens_out", "cost"}),
                )
            )
    used = await uow.decisions.calls_within("local", HOUR)
    decision = _decided(use.calls, rules.quota_left(used))
    await uow.decisions.fell_back(decision, plan_id=plan_id, task_id=attempt.task_id)


def _why_local(before: Sequence[ModelCall]) -> FallbackReason:
    if not before:
        return FallbackReason.LOCAL_SUFFICIENT
    forbidden = all(not call.asked and call.model for call in before)
    return FallbackReason.POLICY if forbidden else FallbackReason.EXTERNAL_FAILED


def _decided(calls: Sequence[ModelCall], quota: float | None) -> FallbackDecision:
    last = calls[-1]
    errors = " ".join(call.error for call in calls if call.error)
    if last.error:
        choice, reason = FallbackChoice.FAILED, FallbackReason.EXTERNAL_FAILED
    elif last.tier is ModelTier.EXTERNAL:
        choice, reason = FallbackChoice.USE_EXTERNAL, FallbackReason.HIGH_COMPLEXITY
    else:
        choice = FallbackChoice.USE_LOCAL
        reason = _why_local(calls[:-1])
    return FallbackDecision(
        decision=choice,
        reason=reason,
        quota=quota,
        tier=last.tier,
        model=last.model or None,
        tokens=last.tokens_in + last.tokens_out,
        cost=last.cost,
        error=errors or None,
    )
