"""Ask models one after the other, each once and within its time, until one answers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from orchestrator.domain.digest import ModelTier
from orchestrator.errors import ModelError
from orchestrator.llm.port import DEFAULT_TOKENS, ModelAnswer, ModelPort

EXTERNAL_SECONDS = 30.0
LOCAL_SECONDS = 15.0


@dataclass(frozen=True)
class Way:
    """One model that may be asked, and the time it gets.

    `closed` is the sentence that says why it must not be used now; empty where it may.
    """

    tier: ModelTier
    model: ModelPort | None
    seconds: float
    closed: str = ""


@dataclass(frozen=True)
class Question:
    """What is asked: see `ModelPort.complete`."""

    prompt: str
    context: str = ""
    schema: dict[str, JsonValue] | None = None
    max_tokens: int = DEFAULT_TOKENS


@dataclass(frozen=True)
class Reply:
    """Who answered, and why those asked before did not, each as a sentence."""

    way: Way
    answer: ModelAnswer
    failed: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """The name of the model that answered."""
        return self.way.model.name if self.way.model is not None else ""


async def ask(way: Way, question: Question) -> ModelAnswer:
    """Ask one model, once.

    Raises:
        ModelError: it did not answer in its time, failed, or must not be asked.
    """
    if way.closed:
        raise ModelError(way.closed)
    if way.model is None:
        raise ModelError(f"No {way.tier} model is configured.")
    try:
        async with asyncio.timeout(way.seconds):
            return await way.model.complete(
                question.prompt,
                question.context,
                schema=question.schema,
                max_tokens=question.max_tokens,
            )
    except TimeoutError as fault:
        message = f"The {way.tier} model did not answer within {way.seconds:g} s."
        raise ModelError(message) from fault
    except ModelError as fault:
        raise ModelError(f"The {way.tier} model failed: {fault}") from fault


async def ask_in_turn(ways: Sequence[Way], question: Question) -> Reply:
    """Ask one model after the other.

    Raises:
        ModelError: none gave an answer; the text says why of each.
    """
    failed: list[str] = []
    for way in ways:
        try:
            return Reply(way, await ask(way, question), tuple(failed))
        except ModelError as fault:
            failed.append(str(fault))
    raise ModelError(" ".join(failed))
