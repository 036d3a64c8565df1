"""Stopping an agent: nothing new, what runs may finish, nothing is left or lost."""

import asyncio
import errno
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from agent import worker
from agent.executors.base import Ended, Job
from agent.journal import Entry, Journal, JournalError
from agent.processes import birth_of
from agent.worker import Agent
from orchestrator.catalog.models import Capability
from orchestrator.errors import BrokerUnavailable
from orchestrator.protocol import (
    RESULTS_QUEUE,
    AgentState,
    Claim,
    Go,
    Heartbeat,
    Outcome,
    WorkResult,
)
from orchestrator.transport.local import LocalTransport
from tests.agent.scene import (
    Book,
    FakeOrchestrator,
    carriers,
    python,
    settings,
    work_for,
)
from tests.plugins.waiting import until

OpenAgent = Callable[..., Awaitable[Agent]]

HELLO = python("hello", "print('hello')")
STUBBORN = python(
    "stubborn",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=1); time.sleep(99)",
)


async def test_what_runs_may_finish_and_what_waits_is_handed_back(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, tmp_path: Path
) -> None:
    code = "import os, sys, time\nwhile not os.path.exists(f'{sys.argv[1]}/end'): time.sleep(0.01)"
    patient = python("patient", code, str(tmp_path))
    agent = await open_agent(Book(patient, HELLO))
    running, waiting, late = work_for(patient), work_for(HELLO), work_for(HELLO)
    await orchestrator.send(running)
    await orchestrator.running(running)
    await orchestrator.send(waiting)
    await until(
        lambda: any(waiting.attempt_id in b.holds for b in orchestrator.all(Heartbeat)),
        what="the second attempt to be queued",
    )
    stopping = asyncio.create_task(agent.stop())
    handed_back = await orchestrator.result(waiting)
    assert (handed_back.outcome, handed_back.started) == (Outcome.INTERRUPTED, False)
    await until(
        lambda: any(b.status is AgentState.STOPPING for b in orchestrator.all(Heartbeat)),
        what="a heartbeat that says it stops",
    )
    await orchestrator.send(late)
    assert not stopping.done()
    (tmp_path / "end").touch()
    assert (await orchestrator.result(running)).outcome is Outcome.SUCCESS
    await asyncio.wait_for(stopping, 10)
    assert not orchestrator.all(Claim, late.attempt_id)
    assert not orchestrator.all(WorkResult, late.attempt_id)


async def test_before_it_stops_it_can_take_nothing_new_while_work_goes_on(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, tmp_path: Path
) -> None:
    code = "import os, sys, time\nwhile not os.path.exists(f'{sys.argv[1]}/end'): time.sleep(0.01)"
    patient = python("patient", code, str(tmp_path))
    agent = await open_agent(Book(patient, HELLO), slots=2)
    running, late = work_for(patient), work_for(HELLO)
    await orchestrator.send(running)
    await orchestrator.running(running)
    agent.take_nothing_new()
    await until(
        lambda: any(b.status is AgentState.STOPPING for b in orchestrator.all(Heartbeat)),
        what="a heartbeat that says it stops",
    )
    await orchestrator.send(late)
    handed_back = await orchestrator.result(late)
    assert (handed_back.outcome, handed_back.started) == (Outcome.INTERRUPTED, False)
    (tmp_path / "end").touch()
    assert (await orchestrator.result(running)).outcome is Outcome.SUCCESS
    await asyncio.wait_for(agent.stop(), 10)


async def test_what_does_not_finish_in_time_is_ended_and_interrupted(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    agent = await open_agent(Book(STUBBORN), stop_seconds=0.1)
    request = work_for(STUBBORN)
    await orchestrator.send(request)
    await orchestrator.printed(request, "up")
    await asyncio.wait_for(agent.stop(), 10)
    result = await orchestrator.result(request)
    assert (result.outcome, result.started) == (Outcome.INTERRUPTED, True)
    assert result.reason == "the agent was stopped"
    assert not carriers(request.attempt_id)


@pytest.mark.parametrize("graceful_first", [True, False])
async def test_at_once_waits_for_nobody(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, graceful_first: bool
) -> None:
    agent = await open_agent(Book(STUBBORN), stop_seconds=3_600, term_seconds=3_600)
    request = work_for(STUBBORN)
    await orchestrator.send(request)
    await orchestrator.printed(request, "up")
    if graceful_first:
        first = asyncio.create_task(agent.stop())
        await until(
            lambda: any(b.status is AgentState.STOPPING for b in orchestrator.all(Heartbeat)),
            what="the first stop",
        )
        await asyncio.wait_for(agent.stop(), 10)
        await first
    else:
        await asyncio.wait_for(agent.stop(graceful=False), 10)
    assert (await orchestrator.result(request)).outcome is Outcome.INTERRUPTED
    assert not carriers(request.attempt_id)


async def test_a_second_stop_waits_for_no_broker_that_is_away(
    orchestrator: FakeOrchestrator,
    broker: LocalTransport,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Steps end before anything is asked of it, and then it is given a second, all in all."""
    agent = Agent(
        settings(tmp_path, stop_seconds=3_600, term_seconds=3_600),
        broker,
        Book(STUBBORN),
        probes=(),
    )
    await agent.start()
    orchestrator.agent_id = agent.agent_id
    request = work_for(STUBBORN)
    await orchestrator.send(request)
    await orchestrator.printed(request, "up")

    async def no_answer(*_: object) -> None:
        await asyncio.Event().wait()

    assert agent._work is not None
    assert agent._control is not None
    subscriptions = (agent._work, agent._control)
    for each in subscriptions:
        monkeypatch.setattr(each, "cancel", no_answer)
    monkeypatch.setattr(broker, "publish", no_answer)
    first = asyncio.create_task(agent.stop())
    await until(lambda: agent._shutting_down is not None, what="the first stop")
    second = asyncio.create_task(agent.stop())
    await until(lambda: not carriers(request.attempt_id), what="the end of the step", seconds=5)
    async with asyncio.timeout(4):
        await asyncio.gather(first, second)
    journal = Journal(settings(tmp_path).journal_file)
    await journal.open()
    kept = await journal.find(request.attempt_id)
    await journal.close()
    assert kept is not None
    assert kept.result is not None
    assert not orchestrator.all(WorkResult)


async def test_a_second_stop_while_the_last_results_are_reported_ends_that_too(
    orchestrator: FakeOrchestrator,
    open_agent: OpenAgent,
    broker: LocalTransport,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "_LAST_REPORT_SECONDS", 3_600)
    agent = await open_agent(Book(HELLO), report_seconds=3_600)
    publish = broker.publish

    async def refuse(queue: str, body: bytes) -> None:
        if b"work_result" in body:
            raise BrokerUnavailable("away")
        await publish(queue, body)

    monkeypatch.setattr(broker, "publish", refuse)
    await orchestrator.send(work_for(HELLO))
    await until(lambda: agent._reporter._under_way, what="a report under way")
    first = asyncio.create_task(agent.stop())
    await until(lambda: agent._shutting_down is not None, what="the first stop")
    async with asyncio.timeout(5):
        await asyncio.gather(first, agent.stop())


async def test_run_works_until_it_is_stopped(
    orchestrator: FakeOrchestrator, broker: LocalTransport, tmp_path: Path
) -> None:
    agent = Agent(settings(tmp_path), broker, Book(HELLO), probes=())
    running = asyncio.create_task(agent.run())
    await orchestrator.some(Heartbeat)
    orchestrator.agent_id = agent.agent_id
    assert (await orchestrator.done(work_for(HELLO))).outcome is Outcome.SUCCESS
    await agent.stop()
    await asyncio.wait_for(running, 10)


async def test_a_cancelled_run_leaves_nothing(
    orchestrator: FakeOrchestrator, broker: LocalTransport, tmp_path: Path
) -> None:
    agent = Agent(settings(tmp_path, term_seconds=3_600), broker, Book(STUBBORN), probes=())
    running = asyncio.create_task(agent.run())
    await orchestrator.some(Heartbeat)
    orchestrator.agent_id = agent.agent_id
    request = work_for(STUBBORN)
    await orchestrator.send(request)
    await orchestrator.printed(request, "up")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 10)
    assert not carriers(request.attempt_id)
    journal = Journal(settings(tmp_path).journal_file)
    await journal.open()  # nobody holds it any more
    await journal.close()


async def test_a_second_agent_of_that_name_does_not_start(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, broker: LocalTransport, tmp_path: Path
) -> None:
    await open_agent(Book(HELLO))
    second = Agent(settings(tmp_path), broker, Book(HELLO), probes=())
    with pytest.raises(JournalError, match="another agent called one"):
        await second.start()
    assert (await orchestrator.done(work_for(HELLO))).outcome is Outcome.SUCCESS
    third = await open_agent(Book(HELLO), name="two")
    assert third.agent_id


async def test_a_start_that_fails_lets_go_of_the_journal(
    broker: LocalTransport, tmp_path: Path
) -> None:
    await broker.close()
    with pytest.raises(BrokerUnavailable):
        await Agent(settings(tmp_path), broker, Book(HELLO), probes=()).start()
    journal = Journal(settings(tmp_path).journal_file)
    await journal.open()
    await journal.close()


async def test_a_result_is_reported_until_it_is_confirmed(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, broker: LocalTransport
) -> None:
    """Given a reader that fails more often than one delivery allows, the result still comes."""
    failures = 7

    async def flaky(body: bytes) -> None:
        nonlocal failures
        if b"work_result" in body and failures:
            failures -= 1
            raise ConnectionError
        await read(body)

    read, orchestrator._read = orchestrator._read, flaky  # type: ignore[method-assign]
    for subscription in broker._subscriptions:
        await subscription.cancel()
    await broker.consume(RESULTS_QUEUE, flaky, prefetch=8)
    agent = await open_agent(Book(HELLO))
    request = work_for(HELLO)
    assert (await orchestrator.done(request)).outcome is Outcome.SUCCESS
    assert failures == 0
    await until(lambda: _owes_nothing(agent), what="the journal to say reported")


async def _owes_nothing(agent: Agent) -> bool:
    return not await agent._journal.open_entries()


async def test_what_could_not_be_reported_is_left_to_the_next_start(
    orchestrator: FakeOrchestrator, broker: LocalTransport, tmp_path: Path
) -> None:
    agent = Agent(settings(tmp_path, report_seconds=3_600), broker, Book(HELLO), probes=())
    await agent.start()
    orchestrator.agent_id = agent.agent_id
    request = work_for(HELLO)
    publish = broker.publish

    async def refuse(queue: str, body: bytes) -> None:
        if b"work_result" in body:
            raise BrokerUnavailable("away")
        await publish(queue, body)

    broker.publish = refuse  # type: ignore[method-assign]
    await orchestrator.send(request)
    await until(lambda: agent._reporter._under_way, what="a report under way")
    await asyncio.wait_for(agent.stop(graceful=False), 10)
    assert not orchestrator.all(WorkResult)
    broker.publish = publish  # type: ignore[method-assign]
    again = Agent(settings(tmp_path), broker, Book(HELLO), probes=())
    await again.start()
    assert (await orchestrator.result(request)).outcome is Outcome.SUCCESS
    await again.stop()


async def test_a_full_disk_delays_a_result_but_does_not_lose_it(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    agent = await open_agent(Book(HELLO))
    finish, refusals = agent._journal.finish, 3

    async def full(attempt_id: str, result: bytes) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise sqlite3.OperationalError("database or disk is full")
        await finish(attempt_id, result)

    agent._journal.finish = full  # type: ignore[method-assign]
    result = await orchestrator.done(work_for(HELLO))
    assert result.outcome is Outcome.SUCCESS
    assert refusals == 0


async def test_a_journal_on_a_full_disk_keeps_a_result_until_there_is_room(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    """SQLite's own refusal, given by a file that may not grow."""
    chatty = python("chatty", "print('x' * 60_000)")
    agent = await open_agent(Book(chatty))
    journal = agent._journal

    async def allow(more: int) -> None:
        def limit() -> None:
            assert journal._database is not None
            pages = journal._database.execute("PRAGMA page_count").fetchone()[0]
            journal._database.execute(f"PRAGMA max_page_count = {pages + more}")

        await journal._run_in_thread(limit)

    request = work_for(chatty)
    orchestrator.answer = lambda _: None
    await orchestrator.send(request)
    await orchestrator.some(Claim, request.attempt_id)
    await allow(2)
    refused: list[str] = []
    finish = journal.finish

    async def noted(attempt_id: str, result: bytes) -> None:
        try:
            await finish(attempt_id, result)
        except sqlite3.Error as fault:
            refused.append(str(fault))
            raise

    journal.finish = noted  # type: ignore[method-assign]
    orchestrator.answer = lambda claim: Go(attempt_id=claim.attempt_id, claim_id=claim.claim_id)
    await until(lambda: refused, what="a full disk")
    assert refused[0] == "database or disk is full"
    assert not orchestrator.all(WorkResult)
    await allow(1_000)
    result = await orchestrator.result(request)
    assert (result.outcome, len(result.output.strip())) == (Outcome.SUCCESS, 60_000)


async def test_work_waits_for_room_in_the_journal(
    orchestrator: FakeOrchestrator,
    open_agent: OpenAgent,
    broker: LocalTransport,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However often it is tried: a full disk makes no dead letter, and starts nothing."""
    agent = await open_agent(Book(HELLO))
    receive, refusals = agent._journal.receive, broker.delivery_limit + 2

    async def full(entry: Entry) -> Entry | None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise sqlite3.OperationalError("database or disk is full")
        return await receive(entry)

    monkeypatch.setattr(agent._journal, "receive", full)
    result = await orchestrator.done(work_for(HELLO))
    assert result.outcome is Outcome.SUCCESS
    assert refusals == 0
    assert not broker.dead


class Breaking:
    """An executor that breaks, with a process already there if asked for."""

    def __init__(self, fault: Exception, *, spawned: bool = False) -> None:
        self.fault = fault
        self.spawned = spawned

    def can_run(self, capability: Capability) -> bool:
        return True

    async def run(self, job: Job) -> Ended:
        if self.spawned:
            process = await asyncio.create_subprocess_exec(
                "sleep", "99", env={"CHIFFON_ATTEMPT_ID": job.attempt_id}, start_new_session=True
            )
            born = birth_of(process.pid)
            assert born is not None
            await job.started(born)
        raise self.fault


@pytest.mark.parametrize(
    ("executor", "outcome", "reason"),
    [
        (Breaking(ValueError("secret")), Outcome.FAILED, "a fault in the agent broke it off"),
        (Breaking(OSError(errno.ENOSPC, "disk full")), Outcome.FAILED, "not go on: disk full"),
        (
            Breaking(sqlite3.OperationalError("database or disk is full")),
            Outcome.FAILED,
            "its journal cannot be written: database or disk is full",
        ),
        (Breaking(ValueError("secret"), spawned=True), Outcome.INTERRUPTED, "see the agent's log"),
    ],
)
async def test_an_executor_that_breaks_still_gives_a_result(
    orchestrator: FakeOrchestrator,
    broker: LocalTransport,
    tmp_path: Path,
    executor: Breaking,
    outcome: Outcome,
    reason: str,
) -> None:
    agent = Agent(settings(tmp_path), broker, Book(HELLO), executors=(executor,), probes=())
    await agent.start()
    orchestrator.agent_id = agent.agent_id
    request = work_for(HELLO)
    result = await orchestrator.done(request)
    assert (result.outcome, result.started) == (outcome, executor.spawned)
    assert reason in result.reason
    assert "secret" not in result.reason
    assert not carriers(request.attempt_id)
    await agent.stop()


async def test_an_unpruned_journal_shrinks_at_the_start(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = await open_agent(Book(HELLO))
    request = work_for(HELLO)
    await orchestrator.done(request)
    await until(lambda: _owes_nothing(agent), what="the report to be noted")
    await agent.stop()
    monkeypatch.setattr(Journal.prune, "__defaults__", (-1.0,))
    agent = await open_agent(Book(HELLO))
    await until(lambda: _is_forgotten(agent, request.attempt_id), what="the old row to go")


async def _is_forgotten(agent: Agent, attempt_id: str) -> bool:
    return await agent._journal.find(attempt_id) is None
