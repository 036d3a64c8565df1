"""The written rules about language models: what may be used, what may leave, what it may cost."""

from pydantic import Field

from orchestrator.domain.fallback import ExternalText, ModelPolicy
from orchestrator.domain.value import Value


class ModelRules(Value):
    """What the settings say; without any, nothing is limited."""

    policy: ModelPolicy = ModelPolicy.AUTO
    text: ExternalText = ExternalText.ALL
    quota: int | None = Field(default=None, description="Calls of the local model per hour")
    budget: float | None = Field(default=None, description="Money per calendar month (UTC)")

    @classmethod
    def of(cls, policy: ModelPolicy, text: ExternalText) -> "ModelRules":
        """Return the rules of a machine that keeps no account of calls and money."""
        return cls(policy=policy, text=text)

    def external_closed(self, *, with_outputs: bool = False) -> str:
        """Say why no text may leave for an external model; empty where it may.

        `with_outputs`: the text holds what earlier steps put out.
        """
        if self.policy is ModelPolicy.NEVER_EXTERNAL:
            return "CHIFFON_MODEL_POLICY is never_external: no external model is used."
        if self.text is ExternalText.NONE:
            return "CHIFFON_EXTERNAL_TEXT is none: no text leaves for an external model."
        if with_outputs and self.text is not ExternalText.ALL:
            return (
                f"CHIFFON_EXTERNAL_TEXT is {self.text}: what earlier steps put out does not "
                "leave for an external model."
            )
        return ""

    def budget_closed(self, spent: float) -> str:
        """Say that the month's budget is spent, and what to do; empty where it is not."""
        if self.budget is None or spent < self.budget:
            return ""
        return (
            f"This month's budget for the external model is spent ({spent:.2f} of "
            f"{self.budget:.2f}): raise CHIFFON_EXTERNAL_MODEL_BUDGET or wait for the next "
            "month, then retry."
        )

    def quota_closed(self, calls: int) -> str:
        """Say that this hour's calls are used up, and what to do; empty where they are not."""
        if self.quota is None or calls < self.quota:
            return ""
        return (
            f"This hour's calls of the local model are used up ({calls} of {self.quota}): raise "
            "CHIFFON_LOCAL_MODEL_QUOTA or wait, then retry."
        )

    def quota_left(self, calls: int) -> float | None:
        """Return the fraction of this hour's calls that is left; None: no limit is set."""
        return None if self.quota is None else max(0, self.quota - calls) / self.quota
