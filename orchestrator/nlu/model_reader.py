"""The second engine: a language model reads what the embedded engine is not sure of.

The embedded reading is the floor: it is there before a model is asked, and it stands whenever
no model gives a better one in time.
"""

import structlog

from orchestrator.domain.fallback import ModelPolicy
from orchestrator.domain.request import DecomposedRequest
from orchestrator.fallback import ExternalAIFallback
from orchestrator.llm.asking import Question
from orchestrator.llm.port import ModelAnswer
from orchestrator.nlu.engine import Engine
from orchestrator.nlu.proposal import MAX_TOKENS, answer_schema, instruction, read_proposal
from orchestrator.nlu.proposal_check import CLEAR, ProposalCheck

UNDERSTANDING_SECONDS = 12.0
"""What all models together get for one request."""

_log = structlog.get_logger(__name__)


class ModelReader:
    """Reads requests once more; see `RequestDecomposer`."""

    def __init__(
        self, fallback: ExternalAIFallback, *, seconds: float = UNDERSTANDING_SECONDS
    ) -> None:
        self._fallback = fallback
        self._seconds = seconds

    async def better(self, floor: DecomposedRequest, engine: Engine) -> DecomposedRequest:
        """Return a model's reading where it holds, else `floor`; never raises."""
        if not self._is_wanted(floor):
            return floor
        try:
            return await self._read(floor, engine)
        except Exception:  # noqa: BLE001 - logged; whatever breaks here, the floor stands
            _log.exception("model_reading_broke")
            return floor

    def _is_wanted(self, floor: DecomposedRequest) -> bool:
        if self._fallback.external is None and self._fallback.local is None:
            return False
        if self._fallback.rules.policy is ModelPolicy.EXTERNAL_FOR_PLANNING:
            return True
        return not is_clear(floor)

    async def _read(self, floor: DecomposedRequest, engine: Engine) -> DecomposedRequest:
        check = ProposalCheck(floor, engine)

        def reading(answer: ModelAnswer) -> DecomposedRequest:
            return check.reading(read_proposal(answer.text), "")

        found = await self._fallback.read_request(
            floor.complexity_level, self._question(check, engine), reading, self._seconds
        )
        asked = {"models_asked": found.asked}
        if found.found is None:
            return floor.model_copy(update=asked)
        return found.found.model_copy(update={**asked, "decomposer_model": found.model})

    def _question(self, check: ProposalCheck, engine: Engine) -> Question:
        profiles = engine.index.profiles
        return Question(
            prompt=instruction(profile.capability for profile in profiles),
            context=check.own.readable,
            schema=answer_schema(profile.name for profile in profiles),
            max_tokens=MAX_TOKENS,
        )


def is_clear(floor: DecomposedRequest) -> bool:
    """Whether the embedded engine is sure of all that was asked."""
    return (
        bool(floor.subtasks)
        and not floor.ambiguities
        and not floor.out_of_scope
        and all(subtask.confidence >= CLEAR for subtask in floor.subtasks)
    )
