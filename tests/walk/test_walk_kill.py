"""`kill -9` of `chiffon up`: no orphan beside a new attempt, no second line, no lost plan.

`TEST_KILLS` says how many random rounds are run (1 by default) and
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

_ROUNDS = int(os.environ.get("TEST_KILLS", "1"))
_SEED = int(os.environ.get("TEST_SEED", "2"))
_LONGEST = 1.6  # seconds; start of the first step to the end of the second, and a little


@pytest.fixture
def steps(program: Program) -> Iterator[SlowSteps]:
    made = SlowSteps(program, fence=False, shed=True)
    yield made
    made.let_on("fence", "shed")


def _settled(client: httpx.Client, plan: int) -> str:
    return wait_until(client, plan, "completed", "failed", "waiting")


def test_a_kill_ends_the_orphans_and_repeats_only_what_is_harmless(
    program: Program, steps: SlowSteps
) -> None:
    """Two plans are at work when it is killed: one may be repeated, of the other a person judges.

    First the person calls it failed and has it run again, then, after a second kill, done.
    """
    up = program.up()
    with program.api() as client:
        approved(client, "paint the fence")
        approved(client, "paint the shed")
    until_blocking(
        lambda: steps.has_begun("fence") and steps.has_begun("shed"),
        what="both steps have begun",
        seconds=20,
    )
    up.kill()
    up = program.up()
    with program.api() as client:
        wait_until(client, 1, "waiting")
        until_blocking(lambda: len(steps.lines("shed")) > 1, what="it is begun again", seconds=20)
        steps.let_on("shed")
        wait_until(client, 2, "completed")
        assert steps.lines("shed") == ["begin", "begin", "line"]
        said = program.run("status", "1")
        assert "may or may not have happened" in said.out
        assert "chiffon plan resolve 1.1" in said.out
        assert steps.nothing_lives_of("fence")
        _resolved(client, "1.1", "failed")
        wait_until(client, 1, "failed")
    program.ok("plan", "retry", "1.1")
    until_blocking(lambda: len(steps.lines("fence")) > 1, what="it is begun again", seconds=20)
    up.kill()
    program.up()
    with program.api() as client:
        wait_until(client, 1, "waiting")
    steps.let_on("fence")
    program.ok("plan", "resolve", "1.1", "done")
    assert "1 of 1 steps done" in program.ok("status", "1")
    assert steps.lines("fence") == ["begin", "begin"]


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
