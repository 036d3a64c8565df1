"""`kill -9` of `chiffon up`: no orphan beside a new attempt, no second line, no lost plan.

`TEST_KILLS` says how many random rounds are run (3 by default) and
`TEST_SEED` where they start.
"""

import os
import random
import threading
from collections.abc import Iterator

import httpx
import pytest

from tests.plugins.waiting import until_blocking
from tests.walk.program import Program, approved, wait_until
from tests.walk.slow import SlowSteps

_ROUNDS = int(os.environ.get("TEST_KILLS", "3"))
_SEED = int(os.environ.get("TEST_SEED", "2"))
_LONGEST = 1.6  # seconds; start of the first step to the end of the second, and a little


@pytest.fixture
def steps(program: Program) -> Iterator[SlowSteps]:
    made = SlowSteps(program, fence=False, shed=True)
    yield made
    made.let_on("fence", "shed")


def _killed_during(program: Program, steps: SlowSteps, thing: str) -> None:
    up = program.up()
    with program.api() as client:
        approved(client, f"paint the {thing}")
    until_blocking(lambda: steps.has_begun(thing), what="the step has begun", seconds=20)
    up.kill()


def _settled(client: httpx.Client, plan: int) -> str:
    return wait_until(client, plan, "completed", "failed", "waiting")


def test_a_step_that_may_have_happened_is_for_a_person_to_judge(
    program: Program, steps: SlowSteps
) -> None:
    """The orphan is ended, nothing is repeated, and "done" ends the plan."""
    _killed_during(program, steps, "fence")
    program.up()
    with program.api() as client:
        wait_until(client, 1, "waiting")
    said = program.run("status", "1")
    assert "may or may not have happened" in said.out
    assert "chiffon plan resolve 1.1" in said.out
    assert steps.nothing_lives_of("fence")
    steps.let_on("fence")
    program.ok("plan", "resolve", "1.1", "done")
    assert "1 of 1 steps done" in program.ok("status", "1")
    assert steps.lines("fence") == ["begin"]


def test_a_person_may_call_it_failed_and_have_it_run_again(
    program: Program, steps: SlowSteps
) -> None:
    _killed_during(program, steps, "fence")
    program.up()
    with program.api() as client:
        wait_until(client, 1, "waiting")
        _resolved(client, "1.1", "failed")
        wait_until(client, 1, "failed")
    steps.let_on("fence")
    said = program.ok("plan", "retry", "1.1", "--follow")
    assert "1 of 1 steps done" in said
    assert steps.lines("fence") == ["begin", "begin", "line"]


def test_a_harmless_step_is_run_again_by_itself_once_the_orphan_is_gone(
    program: Program, steps: SlowSteps
) -> None:
    _killed_during(program, steps, "shed")
    program.up()
    until_blocking(lambda: len(steps.lines("shed")) > 1, what="the step is begun again", seconds=20)
    steps.let_on("shed")
    with program.api() as client:
        wait_until(client, 1, "completed")
    assert steps.lines("shed") == ["begin", "begin", "line"]


def _resolved(client: httpx.Client, step: str, decision: str) -> None:
    body = {"user_id": "newcomer", "decision": decision}
    answer = client.post(f"/plan/{step}/retry", json=body)
    assert answer.status_code == 200, answer.text


@pytest.mark.slow
@pytest.mark.timeout(60 + 30 * _ROUNDS)
def test_kills_at_random_moments_lose_nothing_and_double_nothing(
    program: Program, steps: SlowSteps
) -> None:
    """Each round: two steps, a kill somewhere in between, a new start, and the end."""
    moments = random.Random(_SEED)  # noqa: S311 - the same moments each time
    steps.let_on("fence", "shed")
    up = program.up()
    for number in range(1, _ROUNDS + 1):
        with program.api() as client:
            plan = approved(client, "paint the fence and paint the shed")
        assert plan == number
        threading.Timer(moments.uniform(0, _LONGEST), up.process.kill).start()
        up.wait()
        up = program.up()
        with program.api() as client:
            ended = _settled(client, plan)
            if ended == "waiting":  # do as a person would: look at what the step changed
                done = steps.lines("fence").count("line") == number
                _resolved(client, f"{plan}.1", "done" if done else "retry")
                ended = _settled(client, plan)
            assert ended == "completed", client.get(f"/plan/{plan}/audit").text
        assert steps.lines("fence").count("line") == number
        assert steps.lines("shed").count("line") >= number
        assert "overlap" not in steps.lines("fence") + steps.lines("shed")
