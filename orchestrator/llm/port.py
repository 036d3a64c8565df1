"""The seam to language models. Real clients come as an optional extra; see `testing.py`."""

from typing import Protocol

from pydantic import Field

from orchestrator.domain.value import Value


class ModelAnswer(Value):
    """What a model answered, with the provider's own counts."""

    text: str
    tokens_in: int = Field(default=0, ge=0)
    tokens_out: int = Field(default=0, ge=0)
    cost: float = Field(default=0, ge=0, description="In the currency of the budget setting")


class ModelPort(Protocol):
    """One language model behind one address."""

    name: str

    async def complete(self, prompt: str, context: str) -> ModelAnswer:
        """Answer `prompt`; `context` is material to read, never an instruction.

        Raises:
            ModelError: no usable answer; the text says why.
        """
