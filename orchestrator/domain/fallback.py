"""Which language model to use, and why: the decision as a value."""

from enum import StrEnum

from pydantic import Field

from orchestrator.domain.digest import ModelTier
from orchestrator.domain.value import Value


class ModelPolicy(StrEnum):
    """A written rule that comes before complexity and quota."""

    AUTO = "auto"
    NEVER_EXTERNAL = "never_external"
    EXTERNAL_FOR_PLANNING = "external_for_planning"  # each request is read by the external model


class ExternalText(StrEnum):
    """Which text may leave for an external model."""

    NONE = "none"
    REQUESTS = "requests"  # the words of requests, and prompts made of them
    ALL = "all"  # what earlier steps put out as well


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

    def sentence(self) -> str:
        """Say the decision in words, with its numbers."""
        who = f"{self.tier.value} model" + (f" ({self.model})" if self.model else "")
        left = "" if self.quota is None else f" {self.quota:.0%} of the local quota was left."
        used = f" {self.tokens:,} tokens, cost {self.cost:.4f}." if self.tokens else ""
        error = f" {self.error}" if self.error else ""
        if self.decision is FallbackChoice.FAILED:
            return f"No model gave an answer of use.{error}{left}{used}"
        because = _BECAUSE[self.reason]
        if self.model is None:
            return f"The {who} would do: {because}; none is set up here.{error}{left}"
        verb = "was used" if self.tokens else "was chosen"
        return f"The {who} {verb}: {because}.{error}{left}{used}"


_BECAUSE = {
    FallbackReason.QUOTA_CRITICAL: "less than a fifth of the local quota was left",
    FallbackReason.HIGH_COMPLEXITY: "it is open-ended work",
    FallbackReason.LOCAL_SUFFICIENT: "it suffices",
    FallbackReason.EXTERNAL_FAILED: "the external one failed",
    FallbackReason.POLICY: "a written rule says so",
}
