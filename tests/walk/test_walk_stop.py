"""Ctrl-C while a step runs: it may finish, or it is ended and honestly reported."""

import signal
import sqlite3
from collections.abc import Iterator

import pytest

from tests.plugins.waiting import until_blocking
from tests.walk.program import Program, Up, approved, plan_status, wait_until
from tests.walk.slow import SlowSteps


@pytest.fixture
def steps(program: Program) -> Iterator[SlowSteps]:
    made = SlowSteps(program, fence=False, shed=True)
    yield made
    made.let_on("fence", "shed")


def _begun(program: Program, steps: SlowSteps, *things: str) -> Up:
    """Approve one plan for each thing, and wait until all are at work."""
    up = program.up()
    with program.api() as client:
        for thing in things:
            approved(client, f"paint the {thing}")
    for thing in things:
        until_blocking(lambda: steps.has_begun(thing), what="the step has begun", seconds=20)  # noqa: B023 - called at once
    return up


def test_a_second_ctrl_c_ends_the_steps(program: Program, steps: SlowSteps) -> None:
    """What is harmless is run again by itself; of the other a person is asked."""
    up = _begun(program, steps, "fence", "shed")
    up.signal(signal.SIGINT)
    until_blocking(lambda: "Stopping" in up.out + up.err, what="it says that it stops")
    up.signal(signal.SIGINT)
    assert up.wait() == 0
    steps.let_on("fence", "shed")
    program.up()
    with program.api() as client:
        wait_until(client, 1, "waiting")
        wait_until(client, 2, "completed")
        assert plan_status(client, 2)["summary"] == {
            "total": 1,
            "waiting": 0,
            "dispatched": 0,
            "executing": 0,
            "completed": 1,
            "failed": 0,
        }
    said = program.run("status", "1")
    assert "may or may not have happened" in said.out
    assert steps.lines("fence") == ["begin"]
    assert steps.lines("shed") == ["begin", "begin", "line"]


def test_a_running_step_finishes_and_the_next_one_waits_for_the_new_start(
    program: Program, steps: SlowSteps
) -> None:
    up = program.up()
    with program.api() as client:
        approved(client, "paint the fence and paint the shed")
    until_blocking(lambda: steps.has_begun("fence"), what="step 1 has begun", seconds=20)
    up.signal(signal.SIGINT)
    until_blocking(lambda: "Stopping" in up.out + up.err, what="it says that it stops")
    steps.let_on("fence", "shed")
    assert up.wait() == 0
    assert steps.lines("shed") == []
    away = program.run("status", "1")
    assert away.status == 1
    assert "chiffon up" in away.err
    program.up()
    with program.api() as client:
        wait_until(client, 1, "completed")
    assert steps.lines("fence") == steps.lines("shed") == ["begin", "line"]


def test_a_long_pause_costs_nothing(program: Program, steps: SlowSteps) -> None:
    """Agents that were away because Chiffon was off are not taken for dead."""
    up = _begun(program, steps, "shed")
    up.kill()
    with sqlite3.connect(program.home / "chiffon.db") as database:
        long_ago = "2026-01-01 00:00:00.000000"
        database.execute("UPDATE agents SET last_seen_at = ?", (long_ago,))
        database.execute("UPDATE attempts SET lease_until = ?", (long_ago,))
    program.up()
    until_blocking(lambda: len(steps.lines("shed")) > 1, what="it is begun again", seconds=20)
    steps.let_on("shed")
    with program.api() as client:
        wait_until(client, 1, "completed")
    assert steps.lines("shed") == ["begin", "begin", "line"]
