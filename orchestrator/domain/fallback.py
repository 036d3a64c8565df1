"""Which language model to use, and why: the decision as a value."""

from enum import StrEnum

from pydantic import Field

from orchestrator.domain.digest import ModelTier
from orchestrator.domain.value import Value


class FallbackChoice(StrEnum):
    """What was decided."""

    USE_EXTERNAL = "use_external"
    USE_LOCAL = "use_local"
    FAILED = "failed"  # neither gave an answer


class FallbackReason(StrEnum):
    """Why it was decided."""

    QUOTA_CRITICAL = "quota_critical"  # less than a fifth of the local quota is left
    HIGH_COMPLEXITY = "high_complexity"  # the plan has open-ended work
    LOCAL_SUFFICIENT = "local_sufficient"
    EXTERNAL_FAILED = "external_failed"
    POLICY = "policy"  # a written rule decided


class FallbackDecision(Value):
    """One decision about language models; each is kept as a row."""

    decision: FallbackChoice
    reason: FallbackReason
    quota: float | None = Field(
        default=None, ge=0, le=1, description="Fraction left of the local quota; None: no limit"
    )
    tier: ModelTier
    model: str | None = None
    tokens: int = 0
    cost: float = 0
    error: str | None = None
