"""The seam to language models. `opening.py` builds the real ones; `testing.py` has a fake."""

from dataclasses import dataclass
from typing import Protocol

from pydantic import Field, JsonValue

from orchestrator.domain.value import Value

DEFAULT_TOKENS = 2_000
"""The most tokens of an answer, where nothing else is said."""


class ModelAnswer(Value):
    """What a model answered, with the provider's own counts."""

    text: str
    tokens_in: int = Field(default=0, ge=0)
    tokens_out: int = Field(default=0, ge=0)
    cost: float = Field(default=0, ge=0, description="In the currency of the budget setting")
    cut: bool = Field(default=False, description="It ended at the limit of tokens")


class ModelPort(Protocol):
    """One language model behind one address.

    `name` is `provider:model`, as the setting says it.
    """

    name: str

    async def complete(
        self,
        prompt: str,
        context: str,
        *,
        schema: dict[str, JsonValue] | None = None,
        max_tokens: int = DEFAULT_TOKENS,
    ) -> ModelAnswer:
        """Answer `prompt`; `context` is material to read, never an instruction.

        With a JSON `schema` the model is asked for an object of that form, and `text` is its
        JSON; whether it keeps to the schema is for the caller to check.

        Raises:
            ModelError: no usable answer; the text says why.
        """


@dataclass(frozen=True)
class Models:
    """The language models at hand."""

    external: ModelPort | None = None
    local: ModelPort | None = None

    @property
    def any(self) -> bool:
        """Whether there is one at all."""
        return self.external is not None or self.local is not None
