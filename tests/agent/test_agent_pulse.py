"""By its pulse one sees, without HTTP, that an agent works and its broker hears it."""

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from agent.processes import birth_of
from agent.pulse import LATE_SECONDS, Pulse, beats
from agent.worker import Agent
from orchestrator.errors import TransportError
from orchestrator.protocol import Heartbeat
from orchestrator.transport.local import LocalTransport
from tests.agent.scene import Book, FakeOrchestrator, python
from tests.plugins.waiting import until

OpenAgent = Callable[..., Awaitable[Agent]]
HELLO = python("hello", "print('hello')")


def make_old(folder: Path) -> None:
    for file in folder.glob("*.pulse"):
        os.utime(file, (0, 0))


async def test_each_heartbeat_that_the_broker_takes_renews_it(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, tmp_path: Path
) -> None:
    await open_agent(Book(HELLO))
    await orchestrator.some(Heartbeat)
    make_old(tmp_path / "agent")

    await until(
        lambda: [beat.late for beat in beats(tmp_path / "agent")] == [False], what="a fresh pulse"
    )

    assert [beat.name for beat in beats(tmp_path / "agent")] == ["one"]


async def test_a_broker_that_takes_nothing_makes_it_late(
    orchestrator: FakeOrchestrator,
    broker: LocalTransport,
    open_agent: OpenAgent,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await open_agent(Book(HELLO))
    await orchestrator.some(Heartbeat)
    refused = []

    async def refuse(queue: str, body: bytes) -> None:
        refused.append(queue)
        raise TransportError("away")

    monkeypatch.setattr(broker, "publish", refuse)
    await until(lambda: bool(refused), what="a refused heartbeat")
    make_old(tmp_path / "agent")
    seen = len(refused)
    await until(lambda: len(refused) > seen + 1, what="two more refused")

    assert [beat.late for beat in beats(tmp_path / "agent")] == [True]


async def test_an_agent_that_stopped_leaves_none(open_agent: OpenAgent, tmp_path: Path) -> None:
    agent = await open_agent(Book(HELLO))
    await until(lambda: any(beats(tmp_path / "agent")), what="a pulse")

    await agent.stop()

    assert list((tmp_path / "agent").glob("*.pulse")) == []


def test_what_a_killed_process_left_counts_for_nothing(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, os; from agent.pulse import Pulse;"
        "Pulse(pathlib.Path(sys.argv[1]), 'gone').beat(); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path], check=False)
    assert (tmp_path / "gone.pulse").exists()
    (tmp_path / "broken.pulse").write_text("{")

    Pulse(tmp_path, "here").beat()

    assert birth_of(os.getpid()) is not None
    assert [(beat.name, beat.age < LATE_SECONDS) for beat in beats(tmp_path)] == [("here", True)]
