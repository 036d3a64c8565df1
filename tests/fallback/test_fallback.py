"""ExternalAIFallback: when the paid model is used, what follows when one fails, which rows stay."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from orchestrator.domain.digest import ModelTier
from orchestrator.domain.fallback import FallbackChoice, FallbackDecision, FallbackReason
from orchestrator.domain.plan import WorkPlan
from orchestrator.domain.request import Complexity
from orchestrator.errors import ModelError
from orchestrator.fallback import CRITICAL_QUOTA, ExternalAIFallback
from orchestrator.llm.asking import EXTERNAL_SECONDS, LOCAL_SECONDS
from orchestrator.llm.port import ModelAnswer
from orchestrator.store.tables import fallback_decisions, llm_usage
from orchestrator.store.unit_of_work import Store, UnitOfWork
from orchestrator.testing import ScriptedModel
from orchestrator.usecases.model_log import StoredDecisionLog
from tests.domain.make import make_plan
from tests.store.rows import column, stored_plan

Kept = tuple[FallbackDecision, ModelAnswer | None, str | None]


class MemoryLog:
    """A `DecisionLog` that remembers; the quota is what it was told."""

    def __init__(self, quota: float | None = None) -> None:
        self.quota = quota
        self.kept: list[Kept] = []

    async def local_quota_left(self) -> float | None:
        return self.quota

    async def external_spent(self) -> float:
        return 0.0

    async def keep(
        self, decision: FallbackDecision, use: ModelAnswer | None, plan_id: str | None
    ) -> str:
        self.kept.append((decision, use, plan_id))
        return f"row {len(self.kept)}"


def _models(
    external: list[str | Exception | None] | None = None,
    local: list[str | Exception | None] | None = None,
) -> tuple[ScriptedModel, ScriptedModel]:
    return ScriptedModel("big", external or []), ScriptedModel("small", local or [])


def _plan(complexity: Complexity) -> WorkPlan:
    return make_plan(complexity_level=complexity)


def test_the_limits_are_those_of_the_contract() -> None:
    assert (CRITICAL_QUOTA, EXTERNAL_SECONDS, LOCAL_SECONDS) == (0.2, 30.0, 15.0)


@pytest.mark.parametrize(
    ("complexity", "quota", "reason"),
    [
        (Complexity.COMPLEX, None, FallbackReason.HIGH_COMPLEXITY),
        (Complexity.COMPLEX, 1.0, FallbackReason.HIGH_COMPLEXITY),
        (Complexity.COMPLEX, 0.0, FallbackReason.HIGH_COMPLEXITY),
        (Complexity.SIMPLE, 0.0, FallbackReason.QUOTA_CRITICAL),
        (Complexity.SIMPLE, 0.199, FallbackReason.QUOTA_CRITICAL),
        (Complexity.MEDIUM, 0.1, FallbackReason.QUOTA_CRITICAL),
    ],
)
async def test_the_external_model_is_used_for_complex_plans_or_a_low_quota(
    complexity: Complexity, quota: float | None, reason: FallbackReason
) -> None:
    external, local = _models()
    log = MemoryLog(quota)
    fallback = ExternalAIFallback(log, external=external, local=local)
    decision, use = await fallback.should_use_external_ai(_plan(complexity))
    assert use is True
    assert decision == FallbackDecision(
        decision=FallbackChoice.USE_EXTERNAL,
        reason=reason,
        quota=quota,
        tier=ModelTier.EXTERNAL,
        model="big",
    )


@pytest.mark.parametrize("complexity", [Complexity.SIMPLE, Complexity.MEDIUM])
@pytest.mark.parametrize("quota", [None, 0.2, 0.21, 1.0])
async def test_else_the_local_one_suffices(complexity: Complexity, quota: float | None) -> None:
    external, local = _models()
    fallback = ExternalAIFallback(MemoryLog(quota), external=external, local=local)
    decision, use = await fallback.should_use_external_ai(_plan(complexity))
    assert use is False
    assert decision == FallbackDecision(
        decision=FallbackChoice.USE_LOCAL,
        reason=FallbackReason.LOCAL_SUFFICIENT,
        quota=quota,
        tier=ModelTier.LOCAL,
        model="small",
    )


@pytest.mark.parametrize("complexity", [Complexity.SIMPLE, Complexity.COMPLEX])
async def test_the_decision_holds_where_no_model_is_configured(complexity: Complexity) -> None:
    decision, use = await ExternalAIFallback(MemoryLog()).should_use_external_ai(_plan(complexity))
    assert use is (complexity is Complexity.COMPLEX)
    assert decision.model is None


async def test_deciding_calls_nobody() -> None:
    external, local = _models(["a"], ["b"])
    fallback = ExternalAIFallback(MemoryLog(), external=external, local=local)
    await fallback.should_use_external_ai(_plan(Complexity.COMPLEX))
    assert (external.prompts, local.prompts) == ([], [])


async def test_the_external_model_answers_and_its_use_is_kept() -> None:
    external, local = _models(["three words here"], ["never asked"])
    log = MemoryLog(0.5)
    fallback = ExternalAIFallback(log, external=external, local=local)
    answer = await fallback.call_external_ai_with_fallback("do it", "read this", plan_id="p")
    assert (answer.text, answer.tokens_in, answer.tokens_out) == ("three words here", 4, 3)
    assert (external.prompts, local.prompts) == (["do it"], [])
    [(decision, use, plan_id)] = log.kept
    assert (decision.decision, decision.tier) == (FallbackChoice.USE_EXTERNAL, ModelTier.EXTERNAL)
    assert (decision.model, decision.tokens, decision.quota) == ("big", 7, 0.5)
    assert (decision.error, use, plan_id) == (None, answer, "p")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ([ModelError("429: out of money")], "The external model failed: 429: out of money"),
        ([None], "The external model did not answer within 0.01 s."),
        ([TimeoutError()], "The external model did not answer within 0.01 s."),
        ([], "The external model failed: the script is at its end"),
    ],
)
async def test_where_the_external_model_fails_the_local_one_answers(
    script: list[str | Exception | None], why: str
) -> None:
    external, local = _models(script, ["local answer"])
    log = MemoryLog(0.9)
    fallback = ExternalAIFallback(log, external=external, local=local, external_seconds=0.01)
    answer = await fallback.call_external_ai_with_fallback("do it", "read this")
    assert (answer.text, local.prompts) == ("local answer", ["do it"])
    [(decision, use, plan_id)] = log.kept
    assert decision == FallbackDecision(
        decision=FallbackChoice.USE_LOCAL,
        reason=FallbackReason.EXTERNAL_FAILED,
        quota=0.9,
        tier=ModelTier.LOCAL,
        model="small",
        tokens=6,
        error=why,
    )
    assert (use, plan_id) == (answer, None)


async def test_without_an_external_model_the_local_one_answers_and_the_row_says_why() -> None:
    _, local = _models(local=["local answer"])
    log = MemoryLog()
    fallback = ExternalAIFallback(log, local=local)
    assert (await fallback.call_external_ai_with_fallback("p", "c")).text == "local answer"
    assert log.kept[0][0].error == "No external model is configured."


@pytest.mark.parametrize(
    ("local_script", "why"),
    [
        ([ModelError("no memory")], "The local model failed: no memory"),
        ([None], "The local model did not answer within 0.02 s."),
    ],
)
async def test_where_both_fail_the_failure_names_both_and_is_kept(
    local_script: list[str | Exception | None], why: str
) -> None:
    external, local = _models([None], local_script)
    log = MemoryLog()
    fallback = ExternalAIFallback(
        log, external=external, local=local, external_seconds=0.01, local_seconds=0.02
    )
    both = f"The external model did not answer within 0.01 s. {why}"
    with pytest.raises(ModelError) as failed:
        await fallback.call_external_ai_with_fallback("p", "c", plan_id="plan")
    assert str(failed.value) == both
    [(decision, use, plan_id)] = log.kept
    assert (decision.decision, decision.reason) == (
        FallbackChoice.FAILED,
        FallbackReason.EXTERNAL_FAILED,
    )
    assert (decision.error, use, plan_id) == (both, None, "plan")


async def test_with_no_model_at_all_it_fails_and_says_so() -> None:
    log = MemoryLog()
    expected = "No external model is configured. No local model is configured."
    with pytest.raises(ModelError, match=expected):
        await ExternalAIFallback(log).call_external_ai_with_fallback("p", "c")
    assert len(log.kept) == 1


async def test_each_model_is_asked_once() -> None:
    external, local = _models([ModelError("x"), "late"], [ModelError("y"), "late"])
    fallback = ExternalAIFallback(MemoryLog(), external=external, local=local)
    with pytest.raises(ModelError):
        await fallback.call_external_ai_with_fallback("p", "c")
    assert (len(external.prompts), len(local.prompts)) == (1, 1)


async def test_a_decision_becomes_a_row_and_a_call_a_second_one(store: Store) -> None:
    plan = await stored_plan(store)
    external, local = _models([ModelError("429")], ["local answer"])
    log = StoredDecisionLog(store, 10)
    fallback = ExternalAIFallback(log, external=external, local=local)
    await fallback.call_external_ai_with_fallback("do it", "read this", plan_id=plan.plan_id)
    [view] = await store.read(lambda uow: uow.decisions.fallback_of(plan.plan_id))
    assert view.model_dump(exclude={"at"}) == {
        "decision": FallbackChoice.USE_LOCAL,
        "reason": FallbackReason.EXTERNAL_FAILED,
        "quota": 1.0,
        "tier": ModelTier.LOCAL,
        "model": "small",
        "tokens": 6,
        "cost": 0.0,
        "error": "The external model failed: 429",
    }
    assert view.at.utcoffset() == timedelta(0)
    assert await column(store, llm_usage, "model") == ["small"]
    assert await column(store, llm_usage, "tokens_in") == [4]
    assert await column(store, llm_usage, "tokens_out") == [2]
    assert await column(store, llm_usage, "plan_id") == [plan.plan_id]


async def test_a_failure_is_a_row_of_its_own_and_books_no_use(store: Store) -> None:
    plan = await stored_plan(store)
    fallback = ExternalAIFallback(StoredDecisionLog(store, None))
    with pytest.raises(ModelError):
        await fallback.call_external_ai_with_fallback("p", "c", plan_id=plan.plan_id)
    assert await column(store, fallback_decisions, "decision") == ["failed"]
    assert await column(store, fallback_decisions, "quota") == [None]
    assert await column(store, llm_usage, "id") == []


async def test_without_a_limit_there_is_no_quota(store: Store) -> None:
    assert await StoredDecisionLog(store, None).local_quota_left() is None


async def test_the_quota_is_what_is_left_of_this_hours_local_calls(store: Store) -> None:
    log = StoredDecisionLog(store, 4)
    answer = ModelAnswer(text="a")
    seen = [await log.local_quota_left()]
    for tier in (ModelTier.LOCAL, ModelTier.EXTERNAL, *[ModelTier.LOCAL] * 4):
        decision = FallbackDecision(
            decision=FallbackChoice.USE_LOCAL, reason=FallbackReason.POLICY, tier=tier, model="m"
        )
        await log.keep(decision, answer, None)
        seen.append(await log.local_quota_left())
    assert seen == [1.0, 0.75, 0.75, 0.5, 0.25, 0.0, 0.0]


async def test_a_fifth_that_is_left_is_not_less_than_a_fifth(store: Store) -> None:
    """8 of 10 calls made: 1 - 8/10 is less than 0.2 in binary fractions."""
    log = StoredDecisionLog(store, 10)
    fallback = ExternalAIFallback(log)
    decision = FallbackDecision(
        decision=FallbackChoice.USE_LOCAL, reason=FallbackReason.POLICY, tier=ModelTier.LOCAL
    )
    for _ in range(8):
        await log.keep(decision, ModelAnswer(text="a"), None)
    assert (await fallback.should_use_external_ai(_plan(Complexity.SIMPLE)))[1] is False
    await log.keep(decision, ModelAnswer(text="a"), None)
    assert (await fallback.should_use_external_ai(_plan(Complexity.SIMPLE)))[1] is True


async def test_a_call_counts_for_one_hour(store: Store) -> None:
    log = StoredDecisionLog(store, 4)
    decision = FallbackDecision(
        decision=FallbackChoice.USE_LOCAL, reason=FallbackReason.POLICY, tier=ModelTier.LOCAL
    )
    await log.keep(decision, ModelAnswer(text="a"), None)
    for minutes, left in ((59, 0.75), (61, 1.0)):

        async def age(uow: UnitOfWork, minutes: int = minutes) -> None:
            ago = uow.now - timedelta(minutes=minutes)
            await uow.mail._session.execute(update(llm_usage).values(used_at=ago))

        await store.transact(age)
        assert await log.local_quota_left() == left
    assert await column(store, llm_usage, "model") == [""]


async def test_a_used_up_quota_turns_to_the_external_model(store: Store) -> None:
    """From the row of the call to the decision, through the database."""
    external, local = _models([None], ["local answer"])
    log = StoredDecisionLog(store, 1)
    fallback = ExternalAIFallback(log, external=external, local=local, external_seconds=0.01)
    simple = _plan(Complexity.SIMPLE)
    assert (await fallback.should_use_external_ai(simple))[1] is False
    await fallback.call_external_ai_with_fallback("p", "c")
    decision, use = await fallback.should_use_external_ai(simple)
    assert (use, decision.reason) == (True, FallbackReason.QUOTA_CRITICAL)
    assert decision.quota == 0.0


async def test_a_choice_of_what_is_not_set_up_claims_no_model() -> None:
    decision, _ = await ExternalAIFallback(MemoryLog(0.5)).should_use_external_ai(
        _plan(Complexity.SIMPLE)
    )
    assert decision.sentence() == (
        "The local model would do: it suffices; none is set up here."
        " 50% of the local quota was left."
    )
