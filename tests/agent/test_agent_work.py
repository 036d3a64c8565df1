"""What an agent does with an attempt, over the wire and with real processes."""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.worker import Agent
from orchestrator.domain.agents import LEASE
from orchestrator.domain.ids import new_id
from orchestrator.protocol import (
    Cancel,
    Claim,
    Go,
    Heartbeat,
    Outcome,
    Superseded,
    WorkRequest,
    WorkResult,
    WorkStatus,
    work_queue,
)
from orchestrator.transport.local import LocalTransport
from tests.agent.scene import Book, FakeOrchestrator, carriers, entry, python, reported, work_for
from tests.plugins.waiting import until

OpenAgent = Callable[..., Awaitable[Agent]]

HELLO = python("hello", "print('hello')")
WAIT = python("wait", "import time; print('up', flush=True); time.sleep(60)")
TWO_SLOTS = 2


def changed(request: WorkRequest, **changes: object) -> WorkRequest:
    return request.model_copy(update=changes)


async def test_an_attempt_is_claimed_run_and_reported(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    agent = await open_agent(Book(HELLO))
    request = work_for(HELLO)
    await orchestrator.send(request, trace="story")
    result = await orchestrator.result(request)
    assert result.outcome is Outcome.SUCCESS
    assert result.started
    assert result.exit_code == 0
    assert result.output == "hello\n"
    assert result.reason == ""
    assert result.use.wall_seconds > 0
    assert result.agent_id == agent.agent_id
    assert len(orchestrator.all(Claim, request.attempt_id)) == 1
    assert [s.sequence for s in orchestrator.all(WorkStatus)][:1] == [1]
    of_attempt = {
        envelope.trace
        for envelope, payload in orchestrator.messages
        if isinstance(payload, Claim | WorkStatus | WorkResult)
    }
    assert of_attempt == {"story"}


async def test_nothing_runs_before_go_and_an_unanswered_claim_is_sent_again(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    orchestrator.answer = lambda _: None
    await open_agent(Book(HELLO))
    request = work_for(HELLO)
    await orchestrator.send(request)
    claim = await orchestrator.some(Claim, request.attempt_id, number=3)
    assert not orchestrator.all(WorkStatus)
    assert not carriers(request.attempt_id)
    orchestrator.answer = lambda latest: Go(attempt_id=latest.attempt_id, claim_id=latest.claim_id)
    assert (await orchestrator.result(request)).outcome is Outcome.SUCCESS
    assert claim.claim_id != orchestrator.all(Claim)[0].claim_id


async def test_an_old_go_starts_nothing(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    """Given an agent that slept past its lease, the answer that waited for it is stale."""
    orchestrator.answer = lambda claim: Go(attempt_id=claim.attempt_id, claim_id="long ago")
    await open_agent(Book(HELLO))
    request = work_for(HELLO)
    await orchestrator.send(request)
    await orchestrator.some(Claim, number=3)
    assert not orchestrator.all(WorkResult)
    orchestrator.answer = lambda claim: Go(attempt_id=claim.attempt_id)
    assert (await orchestrator.result(request)).outcome is Outcome.SUCCESS


async def test_leave_that_took_most_of_a_lease_to_come_is_asked_for_anew(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine slept in between, so that no other clock has seen it: others may have it now."""
    slept = 0.0
    clock = time.clock_gettime

    def since_boot(which: int) -> float:
        return clock(which) + (slept if which == time.CLOCK_BOOTTIME else 0)

    def late(claim: Claim) -> Go:
        nonlocal slept
        slept += LEASE.total_seconds() / 2
        orchestrator.answer = again
        return Go(attempt_id=claim.attempt_id, claim_id=claim.claim_id)

    def again(claim: Claim) -> Go:
        assert not carriers(claim.attempt_id)
        return Go(attempt_id=claim.attempt_id, claim_id=claim.claim_id)

    monkeypatch.setattr(time, "clock_gettime", since_boot)
    orchestrator.answer = late
    await open_agent(Book(HELLO), claim_seconds=30)
    request = work_for(HELLO)
    result = await orchestrator.done(request)
    assert result.outcome is Outcome.SUCCESS
    assert len(orchestrator.all(Claim, request.attempt_id)) == 2


async def test_a_superseded_claim_is_dropped_without_a_word(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    orchestrator.answer = lambda claim: Superseded(attempt_id=claim.attempt_id)
    agent = await open_agent(Book(HELLO))
    request = work_for(HELLO)
    await orchestrator.send(request)
    await until(lambda: _is_done(agent, request.attempt_id), what="the attempt to be dropped")
    await orchestrator.send(request)
    orchestrator.answer = lambda claim: Go(attempt_id=claim.attempt_id)
    other = work_for(HELLO)
    await orchestrator.done(other)
    assert not orchestrator.all(WorkResult, request.attempt_id)
    assert not orchestrator.all(WorkStatus, request.attempt_id)


async def _is_done(agent: Agent, attempt_id: str) -> bool:
    found = await agent._journal.find(attempt_id)
    return found is not None and found.state == "finished"


async def test_superseded_after_the_start_changes_nothing(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    code = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)"
    patient = python("patient", code, str(gate))
    await open_agent(Book(patient))
    request = work_for(patient)
    await orchestrator.send(request)
    await orchestrator.running(request)
    await orchestrator.send(Superseded(attempt_id=request.attempt_id))
    await orchestrator.send(Superseded(attempt_id=new_id()))
    await orchestrator.send(Go(attempt_id=new_id()))
    gate.touch()
    assert (await orchestrator.result(request)).outcome is Outcome.SUCCESS


async def test_a_repeated_request_runs_nothing_and_is_answered_with_the_same_result(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, tmp_path: Path
) -> None:
    lines = tmp_path / "lines"
    append = python("append", "import sys; open(sys.argv[1], 'a').write('line\\n')", str(lines))
    agent = await open_agent(Book(append))
    request = work_for(append)
    for _ in range(5):
        await orchestrator.send(request)
    first = await orchestrator.result(request)
    await reported(agent)
    await orchestrator.send(request)
    second = await orchestrator.some(WorkResult, request.attempt_id, number=2)
    assert first == second
    ids = {e.message_id for e, payload in orchestrator.messages if isinstance(payload, WorkResult)}
    assert len(ids) == 1
    assert lines.read_text() == "line\n"


async def test_a_changed_script_is_refused(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, tmp_path: Path
) -> None:
    script = tmp_path / "script.sh"
    script.write_text("#!/bin/sh\necho approved\n")
    approved = entry("scripted", ("/bin/sh", "script.sh"), folder=tmp_path)
    await open_agent(Book(approved))
    fine = await orchestrator.done(work_for(approved))
    assert fine.output == "approved\n"
    script.write_text("#!/bin/sh\necho something else\n")
    result = await orchestrator.done(work_for(approved))
    assert result.outcome is Outcome.FAILED
    assert not result.started
    assert "changed after the approval; ask again" in result.reason
    assert result.output == ""


async def test_a_script_changed_while_it_waited_for_leave_is_refused(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, tmp_path: Path
) -> None:
    script = tmp_path / "script.sh"
    script.write_text("#!/bin/sh\necho approved\n")
    approved = entry("scripted", ("/bin/sh", "script.sh"), folder=tmp_path)
    await open_agent(Book(approved))

    def tamper(claim: Claim) -> Go:
        script.write_text("#!/bin/sh\necho something else\n")
        return Go(attempt_id=claim.attempt_id)

    orchestrator.answer = tamper
    result = await orchestrator.done(work_for(approved))
    assert (result.outcome, result.started) == (Outcome.FAILED, False)


WORD = entry(
    "word",
    ("echo", "--word={{ word }}"),
    properties={"word": {"type": "string", "maxLength": 20}},
)
THINK = entry("think", None, reasoning=True)
FOREIGN = entry("foreign", ("true",), agent_type="code")


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        pytest.param(
            changed(work_for(WORD, {"word": "a"}), parameters={"word": "b"}),
            "changed after the approval",
            id="parameters",
        ),
        pytest.param(
            changed(work_for(WORD), target="elsewhere"), "changed after the approval", id="target"
        ),
        pytest.param(
            changed(work_for(WORD), model_tier="external"), "changed after", id="model tier"
        ),
        pytest.param(work_for(WORD, {"word": "x" * 21}), "`word` must have at most", id="schema"),
        pytest.param(work_for(WORD, {"other": "x"}), "`other` is not known", id="unknown"),
        pytest.param(
            changed(work_for(WORD), parameters={"word": 2**60}), "changed after", id="no form"
        ),
        pytest.param(
            changed(work_for(WORD), capability="unheard_of"), "not in the catalogue", id="absent"
        ),
        pytest.param(work_for(FOREIGN), "work for code agents", id="another type"),
        pytest.param(work_for(THINK), "no way to run", id="reasoning"),
    ],
)
async def test_what_is_not_as_approved_is_refused(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, request_: WorkRequest, reason: str
) -> None:
    await open_agent(Book(WORD, THINK, FOREIGN))
    result = await orchestrator.done(request_)
    assert result.outcome is Outcome.FAILED
    assert not result.started
    assert reason in result.reason
    assert not orchestrator.all(Claim)


async def test_an_attempt_that_came_too_late_is_handed_back(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    await open_agent(Book(HELLO))
    late = changed(work_for(HELLO), start_before=datetime.now(UTC) - timedelta(seconds=1))
    result = await orchestrator.done(late)
    assert (result.outcome, result.started) == (Outcome.INTERRUPTED, False)


async def test_no_leave_in_time_hands_it_back(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    orchestrator.answer = lambda _: None
    await open_agent(Book(HELLO))
    soon = datetime.now(UTC) + timedelta(seconds=0.5)
    result = await orchestrator.done(changed(work_for(HELLO), start_before=soon))
    assert (result.outcome, result.started) == (Outcome.INTERRUPTED, False)
    assert "leave" in result.reason


async def test_an_agent_busy_for_too_long_hands_back_what_waits(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    await open_agent(Book(WAIT, HELLO))
    long = work_for(WAIT)
    await orchestrator.send(long)
    await orchestrator.running(long)
    soon = datetime.now(UTC) + timedelta(seconds=0.3)
    result = await orchestrator.done(changed(work_for(HELLO), start_before=soon))
    assert (result.outcome, result.started) == (Outcome.INTERRUPTED, False)
    assert "busy" in result.reason


async def test_no_more_than_slots_run_at_once_and_the_load_says_so(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    await open_agent(Book(WAIT), slots=TWO_SLOTS)
    requests = [work_for(WAIT) for _ in range(3)]
    for request in requests:
        await orchestrator.send(request)
    await orchestrator.running(requests[0])
    await orchestrator.running(requests[1])
    await until(
        lambda: any(
            beat.load == 1 and len(beat.holds) == 3 for beat in orchestrator.all(Heartbeat)
        ),
        what="a heartbeat of a busy agent that holds three attempts",
    )
    assert not orchestrator.all(Claim, requests[2].attempt_id)
    await orchestrator.send(Cancel(attempt_id=requests[0].attempt_id))
    await orchestrator.running(requests[2])


async def test_cancel_ends_the_whole_group(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    code = "import subprocess; subprocess.run(['sleep', '60'])"
    family = python("family", code)
    await open_agent(Book(family))
    request = work_for(family)
    await orchestrator.send(request)
    await until(lambda: len(carriers(request.attempt_id)) >= 2, what="two processes")
    await orchestrator.send(Cancel(attempt_id=request.attempt_id))
    result = await orchestrator.result(request)
    assert (result.outcome, result.started) == (Outcome.CANCELLED, True)
    assert not carriers(request.attempt_id)


async def test_cancel_before_the_start(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    await open_agent(Book(WAIT, HELLO))
    running, waiting = work_for(WAIT), work_for(HELLO)
    await orchestrator.send(running)
    await orchestrator.running(running)
    await orchestrator.send(waiting)
    await orchestrator.some(Heartbeat)
    await orchestrator.send(Cancel(attempt_id=waiting.attempt_id))
    result = await orchestrator.result(waiting)
    assert (result.outcome, result.started) == (Outcome.CANCELLED, False)


async def test_a_cancel_that_overtakes_its_attempt_counts(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, broker: LocalTransport
) -> None:
    await open_agent(Book(HELLO))
    request = work_for(HELLO)
    await orchestrator.send(Cancel(attempt_id=request.attempt_id))
    await asyncio.wait_for(broker.drained(), 10)
    result = await orchestrator.done(request)
    assert (result.outcome, result.started) == (Outcome.CANCELLED, False)
    assert not orchestrator.all(Claim)


async def test_a_cancel_after_the_end_changes_nothing(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, broker: LocalTransport
) -> None:
    agent = await open_agent(Book(HELLO))
    request = work_for(HELLO)
    first = await orchestrator.done(request)
    await reported(agent)
    await orchestrator.send(Cancel(attempt_id=request.attempt_id))
    await asyncio.wait_for(broker.drained(), 10)
    await orchestrator.send(request)
    assert await orchestrator.some(WorkResult, request.attempt_id, number=2) == first


async def test_a_newer_try_ends_the_older_one_before_it_starts(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    await open_agent(Book(WAIT, HELLO), slots=TWO_SLOTS)
    old = work_for(WAIT)
    await orchestrator.send(old)
    await orchestrator.printed(old, "up")
    new = changed(work_for(HELLO), task_id=old.task_id, attempt_number=2)

    def when_claimed(claim: Claim) -> Go:
        assert claim.attempt_id == old.attempt_id or not carriers(old.attempt_id)
        return Go(attempt_id=claim.attempt_id)

    orchestrator.answer = when_claimed
    result = await orchestrator.done(new)
    assert result.outcome is Outcome.SUCCESS
    ended = await orchestrator.result(old)
    assert (ended.outcome, ended.started) == (Outcome.INTERRUPTED, True)
    assert "newer try" in ended.reason


async def test_an_older_try_that_comes_late_is_refused(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent
) -> None:
    await open_agent(Book(HELLO))
    new = changed(work_for(HELLO), attempt_number=2)
    await orchestrator.done(new)
    old = changed(work_for(HELLO), task_id=new.task_id)
    result = await orchestrator.done(old)
    assert (result.outcome, result.started) == (Outcome.FAILED, False)
    assert "newer try" in result.reason


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\xff\xfe no json", id="no json"),
        pytest.param(b"{}", id="no envelope"),
        pytest.param(b'{"protocol_version": 99, "type": "work_request", "payload": {}}', id="new"),
        pytest.param(b'{"type": "claim", "payload": {}}', id="bad payload"),
        pytest.param(
            b'{"type": "go", "payload": {"attempt_id": "x"}}', id="not for the work queue"
        ),
    ],
)
async def test_a_poison_message_is_a_dead_letter_and_work_goes_on(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, broker: LocalTransport, body: bytes
) -> None:
    agent = await open_agent(Book(HELLO))
    await broker.publish(work_queue(agent.agent_id), body)
    assert (await orchestrator.done(work_for(HELLO))).outcome is Outcome.SUCCESS
    assert [letter.body for letter in broker.dead] == [body]


async def test_an_attempt_id_is_never_a_path(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, broker: LocalTransport, tmp_path: Path
) -> None:
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    await open_agent(Book(HELLO))
    await orchestrator.send(changed(work_for(HELLO), attempt_id="../treasure"))
    await asyncio.wait_for(broker.drained(), 10)
    assert treasure.is_dir()
    assert len(broker.dead) == 1


async def test_an_unfit_order_is_a_dead_letter(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, broker: LocalTransport
) -> None:
    agent = await open_agent(Book(HELLO))
    await orchestrator.send(Claim(agent_id=agent.agent_id, attempt_id=new_id(), attempt_number=1))
    await asyncio.wait_for(broker.drained(), 10)
    assert len(broker.dead) == 1


async def test_the_work_folder_is_empty_private_and_removed(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, tmp_path: Path
) -> None:
    code = (
        "import json, os; here = os.getcwd(); open('left', 'w').close();"
        "print(json.dumps([here, oct(os.stat(here).st_mode & 0o777), os.listdir()]))"
    )
    look = python("look", code)
    await open_agent(Book(look))
    request = work_for(look)
    leftover = tmp_path / "work" / request.attempt_id / "old"
    leftover.mkdir(parents=True)
    here, mode, content = json.loads((await orchestrator.done(request)).output)
    assert here == os.path.realpath(tmp_path / "work" / request.attempt_id)
    assert mode == "0o700"
    assert content == ["left"]
    assert not Path(here).exists()


async def test_a_work_folder_that_cannot_be_made_is_said(
    orchestrator: FakeOrchestrator, open_agent: OpenAgent, tmp_path: Path
) -> None:
    (tmp_path / "work").write_text("a file in the way")
    await open_agent(Book(HELLO))
    result = await orchestrator.done(work_for(HELLO))
    assert (result.outcome, result.started) == (Outcome.FAILED, False)
    assert "the agent could not go on" in result.reason
