"""Fakes that implement the real seams, for tests here and for yours.

`ScriptedModel` is a language model, `ScriptedAgent` an agent on the wire, `ScriptedDecomposer`
an engine that understands what it was told to.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from pydantic import JsonValue

from orchestrator.domain.ids import new_id
from orchestrator.domain.request import DecomposedRequest
from orchestrator.errors import ModelError
from orchestrator.llm.port import DEFAULT_TOKENS, ModelAnswer
from orchestrator.nlu.decomposer import DecomposeContext
from orchestrator.protocol import (
    RESULTS_QUEUE,
    Claim,
    FreeResources,
    Go,
    Heartbeat,
    Outcome,
    Payload,
    Register,
    Superseded,
    WorkRequest,
    WorkResult,
    WorkStatus,
    control_queue,
    decode,
    seal,
    work_queue,
)
from orchestrator.transport.port import Subscription, Transport

_ROOM = FreeResources(cpu_cores=64, memory_mb=64_000, gpu_vram_mb=0)


class ScriptedModel:
    """A language model that answers from a script; a `ModelPort`.

    Each item of the script is one call's answer: text, an error to raise, or None for a call
    that never ends.
    """

    def __init__(self, name: str, script: Iterable[str | Exception | None]) -> None:
        self.name = name
        self.prompts: list[str] = []
        self.contexts: list[str] = []
        self._script = list(script)

    async def complete(
        self,
        prompt: str,
        context: str,
        *,
        schema: dict[str, JsonValue] | None = None,
        max_tokens: int = DEFAULT_TOKENS,
    ) -> ModelAnswer:
        """Answer with the next item of the script.

        Raises:
            ModelError: the script says so, or is at its end.
        """
        del schema, max_tokens
        self.prompts.append(prompt)
        self.contexts.append(context)
        if not self._script:
            raise ModelError("the script is at its end")
        item = self._script.pop(0)
        if item is None:
            await asyncio.Event().wait()
        if isinstance(item, Exception):
            raise item
        text = item or ""
        used = len(prompt.split()) + len(context.split())
        return ModelAnswer(text=text, tokens_in=used, tokens_out=len(text.split()))


class ScriptedDecomposer:
    """Understands every request as it was told to; stands in for `RequestDecomposer`."""

    def __init__(self, understanding: DecomposedRequest | Exception) -> None:
        self._understanding = understanding

    async def decompose(
        self, text: str, context: DecomposeContext | None = None
    ) -> DecomposedRequest:
        """Return what it was told, for any text.

        Raises:
            Exception: it was told to fail.
        """
        del context
        if isinstance(self._understanding, Exception):
            raise self._understanding
        return self._understanding.model_copy(update={"original_request": text})


Script = Callable[[WorkRequest], WorkResult | None]
"""What an agent answers to work; None: nothing, it falls silent after its claim."""


def result_of(work: WorkRequest, agent_id: str, outcome: Outcome, /, **more: object) -> WorkResult:
    """Build the result of an attempt; `more` overrides any field."""
    fields: dict[str, object] = {
        "agent_id": agent_id,
        "attempt_id": work.attempt_id,
        "attempt_number": work.attempt_number,
        "outcome": outcome,
        "started": True,
        "exit_code": 0 if outcome is Outcome.SUCCESS else 1,
        "output": f"{work.capability}: {outcome.value}",
        "reason": "" if outcome is Outcome.SUCCESS else "It was told to fail.",
        **more,
    }
    return WorkResult.model_validate(fields)


class ScriptedAgent:
    """An agent on the wire that runs nothing: it claims, waits for `go`, and answers by script.

    Args:
        transport: carries the messages.
        name: also its id.
        agent_type: its pool.
        capabilities: what it can do, by name, with the digest of the entry.
        script: what it answers; success by default.
    """

    def __init__(
        self,
        transport: Transport,
        name: str,
        capabilities: Mapping[str, str],
        *,
        agent_type: str = "infra",
        script: Script | None = None,
        free: FreeResources = _ROOM,
    ) -> None:
        self.agent_id = name
        self.agent_type = agent_type
        self.capabilities = dict(capabilities)
        self.specializations: tuple[str, ...] = ()
        self.labels: dict[str, str] = {}
        self.load = 0.0
        self.free = free
        self.incarnation = new_id()
        self.script = script
        self.received: list[WorkRequest] = []
        self.started: list[str] = []
        self.told: list[Payload] = []
        self._transport = transport
        self._answers: dict[str, asyncio.Future[bool]] = {}
        self._subscriptions: list[Subscription] = []
        self._work: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Open its queues, read them and register."""
        queues = {work_queue(self.agent_id): self._on_work}
        queues[control_queue(self.agent_id)] = self._on_control
        for queue, handler in queues.items():
            self._subscriptions.append(await self._transport.consume(queue, handler, prefetch=10))
        await self.register()

    async def register(self, *, holds: tuple[str, ...] = ()) -> None:
        """Say who it is; without `start` before, its queues do not exist."""
        await self.say(
            Register(
                agent_id=self.agent_id,
                name=self.agent_id,
                agent_type=self.agent_type,
                incarnation=self.incarnation,
                labels=self.labels,
                specializations=self.specializations,
                capabilities=self.capabilities,
                holds=holds,
                free=self.free,
            )
        )

    async def beat(self, *, holds: tuple[str, ...] = ()) -> None:
        """Give a sign of life."""
        await self.say(
            Heartbeat(
                agent_id=self.agent_id,
                incarnation=self.incarnation,
                load=self.load,
                labels=self.labels,
                free=self.free,
                holds=holds,
            )
        )

    async def say(self, payload: Payload, *, message_id: str | None = None) -> None:
        """Send a message to the orchestrator; returns once it was handled."""
        await self._transport.publish(RESULTS_QUEUE, seal(payload, message_id=message_id).encode())

    async def report(
        self, work: WorkRequest, outcome: Outcome = Outcome.SUCCESS, /, **more: object
    ) -> None:
        """Send the result of an attempt that its script left open."""
        await self.say(result_of(work, self.agent_id, outcome, **more))

    async def progress(self, work: WorkRequest, sequence: int, percent: int, output: str) -> None:
        """Send how an attempt gets on."""
        await self.say(
            WorkStatus(
                agent_id=self.agent_id,
                attempt_id=work.attempt_id,
                attempt_number=work.attempt_number,
                sequence=sequence,
                progress=percent,
                output=output,
            )
        )

    async def stop(self) -> None:
        """Read no more."""
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        for subscription in self._subscriptions:
            await subscription.cancel()

    async def _on_work(self, body: bytes) -> None:
        _, work = decode(body)
        if isinstance(work, WorkRequest):
            self.received.append(work)
            task = asyncio.create_task(self._carry_out(work))
            self._work.add(task)
            task.add_done_callback(self._work.discard)

    async def _carry_out(self, work: WorkRequest) -> None:
        go = self._answers.setdefault(work.attempt_id, asyncio.get_running_loop().create_future())
        claim = Claim(
            agent_id=self.agent_id,
            attempt_id=work.attempt_id,
            attempt_number=work.attempt_number,
        )
        await self.say(claim)
        if not await go:
            return
        self.started.append(work.attempt_id)
        script = self.script or (lambda work: result_of(work, self.agent_id, Outcome.SUCCESS))
        answer = script(work)
        if answer is not None:
            await self.say(answer)

    async def _on_control(self, body: bytes) -> None:
        _, order = decode(body)
        self.told.append(order)
        if isinstance(order, Go | Superseded):
            answer = self._answers.get(order.attempt_id)
            if answer is not None and not answer.done():
                answer.set_result(isinstance(order, Go))
