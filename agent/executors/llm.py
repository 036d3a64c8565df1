"""Runs `run: {llm: {prompt: …}}`: one question to a language model, its answer is the output.

The answer is text for people. Nothing reads it as an order: it may only become material of a
later step of this kind.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

from agent.executors.base import Ended, Job
from orchestrator.catalog.models import Capability, LlmAction
from orchestrator.catalog.template import render_prompt
from orchestrator.domain.digest import ModelTier
from orchestrator.domain.model_rules import ModelRules
from orchestrator.errors import ModelError
from orchestrator.llm.asking import EXTERNAL_SECONDS, LOCAL_SECONDS, Question, Way, ask
from orchestrator.llm.port import ModelAnswer, Models
from orchestrator.protocol import ModelCall, Outcome, ResourceUse

_CUT = "\n\n_(The answer ends here: it reached its limit of tokens.)_"


@dataclass
class _Asking:
    """What one step has asked so far."""

    calls: list[ModelCall]
    answer: ModelAnswer | None = None


class LlmExecutor:
    """Asks the model that the plan was approved with; where the external one fails, the local.

    Args:
        models: the models of this machine.
        rules: what may leave this machine; its settings, beside the orchestrator's word.
    """

    def __init__(
        self,
        models: Models,
        rules: ModelRules,
        *,
        external_seconds: float = EXTERNAL_SECONDS,
        local_seconds: float = LOCAL_SECONDS,
    ) -> None:
        self._models = models
        self._rules = rules
        self._external_seconds = external_seconds
        self._local_seconds = local_seconds

    def can_run(self, capability: Capability) -> bool:
        """Tell whether the capability asks a model, and there is one that may be asked."""
        if capability.run is None or capability.run.llm is None:
            return False
        may_leave = self._models.external is not None and not self._rules.external_closed()
        return self._models.local is not None or may_leave

    async def run(self, job: Job) -> Ended:
        """Ask, and put the answer out; a stop or the deadline ends the call."""
        action = job.entry.capability.run
        if action is None or action.llm is None:
            return Ended(Outcome.FAILED, started=False, reason="there is no prompt to ask")
        began = time.monotonic()
        asking = _Asking([])
        question = self._question(job, action.llm)
        working = asyncio.create_task(self._ask(job, question, asking))
        stopped = asyncio.create_task(job.stop.wait())
        try:
            await asyncio.wait(
                {working, stopped},
                timeout=job.deadline_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            ended = working.done()
        finally:
            working.cancel()
            stopped.cancel()
            await asyncio.gather(working, stopped, return_exceptions=True)
        use = _use(asking, time.monotonic() - began)
        if not ended:
            return _broken_off(job, use)
        if asking.answer is None:
            return Ended(Outcome.FAILED, reason=_reasons(asking), use=use)
        job.output.feed(f"{asking.answer.text}{_CUT if asking.answer.cut else ''}\n".encode())
        return Ended(Outcome.SUCCESS, exit_code=0, use=use)

    async def _ask(self, job: Job, question: Question, asking: _Asking) -> None:
        for way in self._ways(job):
            name = way.model.name if way.model is not None else ""
            try:
                asking.answer = await ask(way, question)
            except ModelError as fault:
                asked = way.model is not None and not way.closed
                asking.calls.append(
                    ModelCall(tier=way.tier, model=name, error=str(fault), asked=asked)
                )
                continue
            asking.calls.append(
                ModelCall(
                    tier=way.tier,
                    model=name,
                    tokens_in=asking.answer.tokens_in,
                    tokens_out=asking.answer.tokens_out,
                    cost=asking.answer.cost,
                )
            )
            return

    def _ways(self, job: Job) -> Iterator[Way]:
        if job.model_tier == ModelTier.EXTERNAL:
            closed = self._rules.external_closed(with_outputs=bool(job.material))
            yield Way(
                ModelTier.EXTERNAL,
                self._models.external,
                self._external_seconds,
                job.model_stops.get(ModelTier.EXTERNAL, "") or closed,
            )
        yield Way(
            ModelTier.LOCAL,
            self._models.local,
            self._local_seconds,
            job.model_stops.get(ModelTier.LOCAL, "") if self._models.local is not None else "",
        )

    @staticmethod
    def _question(job: Job, action: LlmAction) -> Question:
        schema = job.entry.capability.parameters
        prompt = render_prompt(action.prompt, job.parameters, schema)
        return Question(prompt, job.material, max_tokens=action.max_tokens)


def _reasons(asking: _Asking) -> str:
    return " ".join(call.error for call in asking.calls)


def _broken_off(job: Job, use: ResourceUse) -> Ended:
    if job.stop.is_set():
        return Ended(Outcome.INTERRUPTED, reason="stopped before its end", use=use)
    reason = f"stopped at its deadline of {job.deadline_seconds:g} s"
    return Ended(Outcome.TIMED_OUT, reason=reason, use=use)


def _use(asking: _Asking, seconds: float) -> ResourceUse:
    last = asking.calls[-1] if asking.calls else None
    return ResourceUse(
        wall_seconds=round(seconds, 3),
        model=last.model if last is not None and not last.error else None,
        tokens=sum(call.tokens_in + call.tokens_out for call in asking.calls),
        calls=tuple(asking.calls),
    )
