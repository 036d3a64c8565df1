"""One orchestrator's end, and agents that are stopped after the test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from agent.worker import Agent
from orchestrator.transport.local import LocalTransport
from tests.agent.scene import Book, FakeOrchestrator, settings

OpenAgent = Callable[..., Awaitable[Agent]]


@pytest.fixture
async def broker() -> AsyncIterator[LocalTransport]:
    broker = LocalTransport(redelivery_seconds=0.001)
    yield broker
    await broker.close()


@pytest.fixture
async def orchestrator(broker: LocalTransport) -> FakeOrchestrator:
    orchestrator = FakeOrchestrator(broker)
    await orchestrator.open()
    return orchestrator


@pytest.fixture
async def open_agent(
    broker: LocalTransport, orchestrator: FakeOrchestrator, tmp_path: Path
) -> AsyncIterator[OpenAgent]:
    """Start an agent on a book; keyword arguments change its settings."""
    opened: list[Agent] = []

    async def open_(book: Book, home: Path = tmp_path, **changes: object) -> Agent:
        agent = Agent(settings(home, **changes), broker, book, probes=())
        opened.append(agent)
        await agent.start()
        orchestrator.agent_id = agent.agent_id
        return agent

    yield open_
    for agent in opened:
        await agent.stop(graceful=False)
