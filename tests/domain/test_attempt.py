"""What the end of an attempt means for its task."""

from itertools import product

import pytest

from orchestrator.domain.attempt import MAX_RETRIES, Consequence, consequence
from orchestrator.domain.lifecycle import AttemptStatus
from tests.domain.make import NOON, make_attempt, make_task

_ENDS = ["failed", "timed_out", "interrupted", "unknown", "superseded"]


@pytest.mark.parametrize(("started", "idempotent"), list(product([True, False], repeat=2)))
def test_a_success_is_done_whatever_else_holds(*, started: bool, idempotent: bool) -> None:
    assert (
        consequence(AttemptStatus.SUCCEEDED, started=started, idempotent=idempotent)
        is Consequence.DONE
    )


@pytest.mark.parametrize("status", _ENDS)
@pytest.mark.parametrize("idempotent", [True, False])
def test_what_never_started_goes_to_another_agent(status: str, *, idempotent: bool) -> None:
    found = consequence(AttemptStatus(status), started=False, idempotent=idempotent)
    assert found is Consequence.REROUTE


@pytest.mark.parametrize("status", _ENDS)
def test_what_may_be_done_twice_goes_to_another_agent(status: str) -> None:
    found = consequence(AttemptStatus(status), started=True, idempotent=True)
    assert found is Consequence.REROUTE


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("failed", Consequence.FAIL),
        ("timed_out", Consequence.FAIL),
        ("interrupted", Consequence.ASK),
        ("unknown", Consequence.ASK),
        ("superseded", Consequence.ASK),
    ],
)
def test_what_started_and_may_not_be_repeated_is_a_failure_or_a_question(
    status: str, expected: Consequence
) -> None:
    assert consequence(AttemptStatus(status), started=True, idempotent=False) is expected


@pytest.mark.parametrize("status", list(AttemptStatus))
def test_what_was_withdrawn_before_its_start_is_not_spent(status: AttemptStatus) -> None:
    attempt = make_attempt(make_task(), "plan", status=status)
    unspent = status in {AttemptStatus.SUPERSEDED, AttemptStatus.INTERRUPTED}
    assert attempt.is_spent is not unspent
    assert attempt.model_copy(update={"started_at": NOON}).is_spent


def test_a_task_has_one_budget_of_one_and_three_attempts() -> None:
    assert MAX_RETRIES == 3
