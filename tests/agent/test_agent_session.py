"""How an agent introduces itself and shows that it is there."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import psutil
import pytest

from agent import labels, machine
from agent.worker import Agent
from orchestrator.catalog.models import Catalog
from orchestrator.protocol import (
    AgentState,
    Heartbeat,
    Register,
    ReportIn,
    WorkStatus,
)
from orchestrator.transport.local import LocalTransport
from tests.agent.scene import Book, FakeOrchestrator, entry, python, settings, work_for
from tests.plugins.waiting import until

OpenAgent = Callable[..., Awaitable[Agent]]

HELLO = python("hello", "print('hello')")
THINK = entry("think", None, reasoning=True)
THINK_BY_COMMAND = entry("think_by_command", ("true",), reasoning=True)
FOREIGN = entry("foreign", ("true",), agent_type="code")


async def test_it_registers_with_what_it_can_do_and_nothing_else(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    agent = await open_agent(
        Book(HELLO, THINK, THINK_BY_COMMAND, FOREIGN),
        labels={"room": "attic"},
        specializations=("hello",),
        slots=3,
    )
    registered = await orchestrator.some(Register)
    assert registered.agent_id == agent.agent_id
    assert (registered.name, registered.agent_type, registered.slots) == ("one", "infra", 3)
    assert registered.capabilities == {"hello": HELLO.digest}
    assert registered.labels == {"room": "attic"}
    assert registered.specializations == ("hello",)
    assert registered.holds == ()
    assert registered.free.memory_mb > 0


async def test_a_heartbeat_tells_what_is_free(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    await open_agent(Book(HELLO))
    beat = await orchestrator.some(Heartbeat, number=3)
    registered = orchestrator.all(Register)[0]
    assert beat.incarnation == registered.incarnation
    assert beat.status is AgentState.READY
    assert (beat.load, beat.holds) == (0, ())
    cores = psutil.cpu_count() or 1
    assert cores / 2 <= beat.free.cpu_cores <= cores
    assert 0 < beat.free.memory_mb < psutil.virtual_memory().total // 2**20
    assert len(orchestrator.all(Register)) == 1


async def test_it_registers_again_when_asked_to(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    agent = await open_agent(Book(HELLO), heartbeat_seconds=3_600)
    await orchestrator.some(Register)
    await orchestrator.send(ReportIn(agent_id=agent.agent_id))
    await orchestrator.some(Register, number=2)


async def test_it_registers_again_when_its_catalogue_changes(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    book = Book(HELLO)
    await open_agent(book)
    await orchestrator.some(Register)
    other = python("hello", "print('hello, changed')")
    book.entries["hello"] = other
    again = await orchestrator.some(Register, number=2)
    assert again.capabilities == {"hello": other.digest}


async def test_labels_are_asked_for_again(
    orchestrator: FakeOrchestrator, broker: LocalTransport, tmp_path: Path
) -> None:
    found: dict[str, str] = {"docker": "27.0"}

    async def probe() -> Mapping[str, str]:
        return dict(found)

    chosen = settings(tmp_path, labels={"own": "1"}, label_seconds=0.02, heartbeat_seconds=3_600)
    agent = Agent(chosen, broker, Book(HELLO), probes=(probe,))
    await agent.start()
    assert (await orchestrator.some(Register)).labels == {"docker": "27.0", "own": "1"}
    found["own"] = "a probe does not win over what a person said"
    del found["docker"]
    assert (await orchestrator.some(Heartbeat)).labels == {"own": "1"}
    await agent.stop()


async def test_it_keeps_trying_until_somebody_reads(broker: LocalTransport, tmp_path: Path) -> None:
    """Given an orchestrator that comes later, the agent is registered when it is there."""
    impatient = settings(tmp_path).model_copy(update={"introduction_seconds": 0.1})
    agent = Agent(impatient, broker, Book(HELLO), probes=())
    await agent.start()
    await until(
        lambda: agent._session is not None and not agent._session._reachable,
        what="the agent to notice that nobody answers",
    )
    orchestrator = FakeOrchestrator(broker)
    await orchestrator.open()
    orchestrator.agent_id = agent.agent_id
    await orchestrator.some(Register)
    await orchestrator.some(Heartbeat)
    await agent.stop()


async def test_a_fault_does_not_silence_it(
    orchestrator: FakeOrchestrator, broker: LocalTransport, tmp_path: Path
) -> None:
    class Moody(Book):
        looks = 0

        def current(self) -> Catalog:
            self.looks += 1
            if self.looks == 2:
                raise RuntimeError("the disk hiccups")
            return super().current()

    agent = Agent(settings(tmp_path), broker, Moody(HELLO), probes=())
    await agent.start()
    await orchestrator.some(Heartbeat, number=2)
    await agent.stop()


async def test_output_is_told_while_it_runs_without_its_secrets(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("local-token-4711")
    code = (
        "import os, sys, time\nfor part in ('tok: local-to', 'ken-47', '11.', ' more'):\n"
        " print(part, end='', flush=True); time.sleep(0.1)"
    )
    leaky = python("leaky", code)
    await open_agent(Book(leaky))
    request = work_for(leaky)
    result = await orchestrator.done(request)
    assert result.output == "tok: [redacted]. more"
    statuses = orchestrator.all(WorkStatus, request.attempt_id)
    assert [each.sequence for each in statuses] == list(range(1, len(statuses) + 1))
    live = "".join(each.output for each in statuses)
    assert "tok: [redacted]." in live
    assert "ken" not in live.replace("[redacted]", "")


async def test_live_output_is_merged(orchestrator: FakeOrchestrator, open_agent: OpenAgent) -> None:
    code = "import time\nfor n in range(100): print(n, flush=True); time.sleep(0.005)"
    counting = python("counting", code)
    await open_agent(Book(counting), status_seconds=0.25)
    request = work_for(counting)
    result = await orchestrator.done(request)
    assert len(orchestrator.all(WorkStatus)) <= 2 + result.use.wall_seconds / 0.25


async def test_the_host_is_a_label() -> None:
    assert await labels.host() == {"host": socket.gethostname()}


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a shell script first on PATH, and nothing else but the system's own programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def put(name: str, script: str) -> None:
        (folder / name).write_text(script if script.startswith("#!") else f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return put


@pytest.mark.parametrize(
    ("script", "found"),
    [
        pytest.param('[ "$*" = "version --format {{.Server.Version}}" ] && echo 27.5.1', "27.5.1"),
        pytest.param("echo 27.5.1-ce+azure~2", "27.5.1-ce+azure~2"),
        pytest.param("echo 'Cannot connect to the daemon' >&2; exit 1", None, id="no engine"),
        pytest.param("echo", None, id="nothing said"),
        pytest.param("echo '<!channel> 27'", None, id="no version"),
        pytest.param("printf '\\377\\376'", None, id="no text"),
        pytest.param("#!/no/such/interpreter\n", None, id="does not start"),
    ],
)
async def test_docker_is_a_label_where_the_engine_answers(
    on_path: Callable[[str, str], None], script: str, found: str | None
) -> None:
    on_path("docker", script)
    assert await labels.docker() == ({"docker": found} if found else {})


async def test_an_engine_that_does_not_answer_in_time_is_none(
    on_path: Callable[[str, str], None], tmp_path: Path
) -> None:
    on_path("docker", f"echo $$ > {tmp_path}/pid; exec sleep 99")
    asking = asyncio.create_task(machine.ask(("docker", "version"), seconds=0.5))
    assert await asking is None
    pid = int((tmp_path / "pid").read_text())
    assert not psutil.pid_exists(pid)


async def test_a_missing_program_answers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert await labels.docker() == {}


@pytest.mark.parametrize(
    ("script", "free"),
    [
        ("echo 2048; echo 10240", 10_240),
        ("echo '[N/A]'", 0),
        ("exit 9", 0),
    ],
)
async def test_gpu_memory_is_told_where_nvidia_smi_answers(
    on_path: Callable[[str, str], None], script: str, free: int
) -> None:
    on_path("nvidia-smi", script)
    assert (await machine.Machine().free()).gpu_vram_mb == free
