"""A language model over HTTP: one call, no retry of the SDK's, everything bounded.

The SDKs are an extra and take seconds to import: `sdk.py` is loaded in a thread when first used.
"""

import asyncio
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from pydantic import JsonValue

from orchestrator.llm.port import DEFAULT_TOKENS, ModelAnswer

if TYPE_CHECKING:
    from orchestrator.llm.sdk import SdkModel

SDK = "orchestrator.llm.sdk"


@dataclass(frozen=True)
class Endpoint:
    """Where a model is, and what it costs.

    `provider` is `ollama`, `openai` or `anthropic`. A free one costs nothing; for the others
    `price` is money per million tokens in and out, None where the shipped price list counts.
    """

    provider: str
    model: str
    url: str
    key: str = ""
    is_free: bool = True
    price: tuple[float, float] | None = None


class ModelClient:
    """A `ModelPort` over HTTP."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.name = f"{endpoint.provider}:{endpoint.model}"
        self._endpoint = endpoint
        self._model: SdkModel | None = None
        self._opening = asyncio.Lock()

    async def complete(
        self,
        prompt: str,
        context: str,
        *,
        schema: dict[str, JsonValue] | None = None,
        max_tokens: int = DEFAULT_TOKENS,
    ) -> ModelAnswer:
        """Answer `prompt`, with `context` as material.

        Raises:
            ModelError: no usable answer; the text says why, without what was sent.
        """
        async with self._opening:
            if self._model is None:
                sdk = await asyncio.to_thread(import_module, SDK)
                self._model = sdk.SdkModel(self._endpoint)
        return await self._model.complete(prompt, context, schema=schema, max_tokens=max_tokens)
