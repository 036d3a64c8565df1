"""A whole agent with its other end in one process, which kills itself at a named point.

Arguments: the home, the point (`before:receive`, `after:let_go`, …), a work request and its
command, both in JSON. See test_agent_recovery.py.
"""

import asyncio
import inspect
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.executors import command as command_module
from agent.executors.gate import GatedProcess
from agent.journal import Journal
from agent.worker import Agent
from orchestrator.protocol import WorkRequest, WorkResult
from orchestrator.transport.local import LocalTransport
from tests.agent.scene import Book, FakeOrchestrator, entry, settings

OWNERS: dict[str, object] = {
    "receive": Journal,
    "claimed": Journal,
    "spawn": command_module,
    "started": Journal,
    "let_go": GatedProcess,
    "finish": Journal,
    "reported": Journal,
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str) -> None:
    """Make this process kill itself right before or after a named step."""
    when, name = point.split(":")
    step: Callable[..., Any] = getattr(OWNERS[name], name)

    async def armed_async(*given: object, **named: object) -> object:
        if when == "before":
            die()
        answer = await step(*given, **named)
        die()
        return answer

    def armed(*given: object, **named: object) -> object:
        if when == "before":
            die()
        answer = step(*given, **named)
        die()
        return answer

    setattr(OWNERS[name], name, armed_async if inspect.iscoroutinefunction(step) else armed)


async def main(home: str, point: str, request: str, command: str) -> None:
    arm(point)
    work = WorkRequest.model_validate_json(request)
    broker = LocalTransport()
    orchestrator = FakeOrchestrator(broker)
    await orchestrator.open()
    book = Book(entry(work.capability, tuple(json.loads(command))))
    agent = Agent(settings(Path(home)), broker, book, probes=())
    await agent.start()
    orchestrator.agent_id = agent.agent_id
    await orchestrator.send(work)
    await orchestrator.some(WorkResult)
    await agent.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
