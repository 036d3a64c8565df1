"""An agent that was killed ends what it left running, and says truly what became of it."""

import json
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from agent.journal import Entry, Journal, State
from agent.processes import Birth, boot_id
from agent.worker import Agent
from orchestrator.domain.ids import new_id
from orchestrator.protocol import Heartbeat, Outcome, Register, WorkRequest, WorkResult
from tests.agent.scene import Book, FakeOrchestrator, carriers, python, reported, settings, work_for
from tests.plugins.waiting import until, until_blocking

OpenAgent = Callable[..., Awaitable[Agent]]

ROOT = Path(__file__).parents[2]

# Writes a line for each turn into `canary`, with a child outside its group that ignores
# SIGTERM; ends when `end` is there.
WRITER = """
import os, subprocess, sys, time
canary, end = f"{sys.argv[1]}/canary", f"{sys.argv[1]}/end"
if not os.path.exists(end):
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(99)"
    subprocess.Popen([sys.executable, "-c", stubborn], start_new_session=True)
turn = 0
while turn == 0 or not os.path.exists(end):
    with open(canary, "a") as file:
        file.write(f"{turn}\\n")
    turn += 1
    time.sleep(0.01)
"""


class Life:
    """What the doomed agent is given, and what it may have done."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.canary = folder / "canary"
        self.end = folder / "end"
        self.entry = python("writer", WRITER, str(folder))
        self.request = work_for(self.entry)

    def until_killed(self, point: str) -> None:
        """Live until the named point and die there by SIGKILL."""
        run = self.entry.capability.run
        assert run is not None
        arguments = (str(self.home), point, self.request.model_dump_json(), json.dumps(run.command))
        doomed = subprocess.run(
            [sys.executable, "-m", "tests.agent.doomed_agent", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert doomed.returncode == -signal.SIGKILL, doomed.stderr

    def lines(self) -> list[str]:
        return self.canary.read_text().splitlines() if self.canary.exists() else []


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


async def reborn(life: Life, open_agent: OpenAgent) -> Agent:
    return await open_agent(Book(life.entry), home=life.home)


@pytest.mark.parametrize(
    "point",
    ["after:receive", "before:claimed", "after:claimed", "after:spawn", "before:started"],
)
async def test_killed_before_it_was_journalled_as_started_nothing_ran(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, life: Life, point: str
) -> None:
    life.until_killed(point)
    until_blocking(lambda: not carriers(life.request.attempt_id), what="the gate's end")
    await reborn(life, open_agent)
    result = await orchestrator.result(life.request)
    assert (result.outcome, result.started) == (Outcome.INTERRUPTED, False)
    assert life.lines() == []


async def test_killed_before_it_was_journalled_at_all(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, life: Life
) -> None:
    life.until_killed("before:receive")
    await reborn(life, open_agent)
    life.end.touch()
    result = await orchestrator.done(life.request)  # redelivered: it was never acknowledged
    assert result.outcome is Outcome.SUCCESS
    assert life.lines() == ["0"]


async def test_killed_between_journal_and_gate_it_is_interrupted_and_nothing_ran(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, life: Life
) -> None:
    life.until_killed("after:started")
    await reborn(life, open_agent)
    result = await orchestrator.result(life.request)
    assert (result.outcome, result.started) == (Outcome.INTERRUPTED, True)
    assert life.lines() == []


async def test_an_orphan_is_ended_before_its_attempt_is_called_interrupted(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, life: Life
) -> None:
    life.until_killed("after:let_go")
    await until(lambda: len(life.lines()) > 3, what="the orphan's lines")
    await until(lambda: len(carriers(life.request.attempt_id)) == 2, what="both orphans")
    agent = await reborn(life, open_agent)
    result = await orchestrator.result(life.request)
    await reported(agent)
    assert (result.outcome, result.started) == (Outcome.INTERRUPTED, True)
    assert "killed while it ran" in result.reason
    assert not carriers(life.request.attempt_id)
    assert not (life.home / "work" / life.request.attempt_id).exists()
    lines = life.lines()
    again = await _sent_again(orchestrator, life.request)
    assert again == result
    assert life.lines() == lines == [str(turn) for turn in range(len(lines))]


async def _sent_again(orchestrator: FakeOrchestrator, request: WorkRequest) -> WorkResult:
    await orchestrator.send(request)
    return await orchestrator.some(WorkResult, request.attempt_id, number=2)


async def test_killed_after_the_command_ended_but_before_it_was_written_down(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, life: Life
) -> None:
    life.end.touch()
    life.until_killed("before:finish")
    await reborn(life, open_agent)
    result = await orchestrator.result(life.request)
    assert (result.outcome, result.started) == (Outcome.INTERRUPTED, True)
    assert life.lines() == ["0"]


@pytest.mark.parametrize("point", ["after:finish", "before:reported"])
async def test_a_journalled_result_is_reported_by_the_next_life(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, life: Life, point: str
) -> None:
    life.end.touch()
    life.until_killed(point)
    await reborn(life, open_agent)
    result = await orchestrator.result(life.request)
    assert (result.outcome, result.exit_code) == (Outcome.SUCCESS, 0)
    assert life.lines() == ["0"]


async def test_after_a_confirmed_report_nothing_is_owed(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, life: Life
) -> None:
    life.end.touch()
    life.until_killed("after:reported")
    await reborn(life, open_agent)
    await orchestrator.some(Register)
    beat = await orchestrator.some(Heartbeat)
    assert beat.holds == ()
    assert not orchestrator.all(WorkResult)


async def test_the_id_stays_the_incarnation_changes(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, life: Life
) -> None:
    first = await reborn(life, open_agent)
    await orchestrator.some(Register)
    await first.stop()
    second = await reborn(life, open_agent)
    await orchestrator.some(Register, number=2)
    one, two = orchestrator.all(Register)
    assert first.agent_id == second.agent_id == one.agent_id == two.agent_id
    assert one.incarnation != two.incarnation


async def test_a_process_that_got_the_old_id_is_left_alone(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, life: Life
) -> None:
    """Given a journalled process id that names another program by now, nobody harms it."""
    stranger = subprocess.Popen(["sleep", "99"], start_new_session=True)
    try:
        for birth in (Birth(stranger.pid, "1", boot_id()), Birth(stranger.pid, "1", "old boot")):
            request = life.request.model_copy(update={"attempt_id": new_id()})
            await _journalled_as_started(life, request, birth)
            agent = await reborn(life, open_agent)
            result = await orchestrator.result(request)
            assert (result.outcome, result.started) == (Outcome.INTERRUPTED, True)
            await agent.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def _journalled_as_started(life: Life, request: WorkRequest, birth: Birth) -> None:
    journal = Journal(settings(life.home).journal_file)
    await journal.open()
    await journal.receive(
        Entry(attempt_id=request.attempt_id, task_id=request.task_id, attempt_number=1)
    )
    await journal.started(request.attempt_id, birth)
    await journal.close()


async def test_while_it_recovers_it_says_what_it_still_holds(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, life: Life
) -> None:
    life.until_killed("after:let_go")
    await until(lambda: len(carriers(life.request.attempt_id)) == 2, what="both orphans")
    agent = await reborn(life, open_agent)
    registered = await orchestrator.some(Register)
    assert registered.holds == (life.request.attempt_id,)
    await orchestrator.result(life.request)
    found = await agent._journal.find(life.request.attempt_id)
    assert found is not None
    assert found.state is State.FINISHED
    assert not [p for p in psutil.process_iter() if str(life.canary.parent) in _command(p)]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
