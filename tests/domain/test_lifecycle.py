"""The lifecycle tables: whole, without dead ends that lie, and as the contract words them."""

from collections.abc import Mapping
from enum import StrEnum

import pytest

from orchestrator.domain.lifecycle import (
    ATTEMPT_MOVES,
    ENDED_TASKS,
    OPEN_ATTEMPTS,
    PLAN_MOVES,
    REQUEST_MOVES,
    STARTED_ATTEMPTS,
    TASK_BUCKET,
    TASK_MOVES,
    AttemptStatus,
    Moves,
    PlanStatus,
    RequestStatus,
    Status,
    TaskStatus,
    may_move,
    sources_of,
)
from orchestrator.domain.plan import summary_counts

Table = Mapping[StrEnum, frozenset[StrEnum]]

TABLES = [
    pytest.param(REQUEST_MOVES, RequestStatus, {"pending"}, id="request"),
    pytest.param(PLAN_MOVES, PlanStatus, {"pending_approval"}, id="plan"),
    pytest.param(TASK_MOVES, TaskStatus, {"pending"}, id="task"),
    pytest.param(ATTEMPT_MOVES, AttemptStatus, {"queued"}, id="attempt"),
]
TERMINAL = {
    "request": {"parsing_complete", "failed"},
    "plan": {"completed", "rejected", "cancelled", "superseded"},
    "task": {"completed", "cancelled"},
    "attempt": {"succeeded", "failed", "timed_out", "interrupted", "superseded", "unknown"},
}


@pytest.mark.parametrize(("table", "statuses", "start"), TABLES)
def test_every_status_has_an_entry(table: Table, statuses: type[StrEnum], start: set[str]) -> None:
    assert set(table) == set(statuses)


@pytest.mark.parametrize(("table", "statuses", "start"), TABLES)
def test_nothing_becomes_what_it_is_already(
    table: Table, statuses: type[StrEnum], start: set[str]
) -> None:
    assert [source for source, targets in table.items() if source in targets] == []


@pytest.mark.parametrize(("table", "statuses", "start"), TABLES)
def test_every_status_can_be_reached_from_the_start(
    table: Table, statuses: type[StrEnum], start: set[str]
) -> None:
    reached = {status for status in statuses if status.value in start}
    while more := {target for source in reached for target in table[source]} - reached:
        reached |= more
    assert reached == set(statuses)


@pytest.mark.parametrize(("table", "statuses", "start"), TABLES)
def test_a_terminal_status_can_be_reached_from_everywhere(
    table: Table, statuses: type[StrEnum], start: set[str]
) -> None:
    ending = {status for status, targets in table.items() if not targets}
    while more := {s for s in statuses if s not in ending and table[s] & ending}:
        ending |= more
    assert ending == set(statuses)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("request", REQUEST_MOVES),
        ("plan", PLAN_MOVES),
        ("task", TASK_MOVES),
        ("attempt", ATTEMPT_MOVES),
    ],
)
def test_the_terminal_statuses_are_those_of_the_contract(name: str, table: Table) -> None:
    assert {status.value for status, targets in table.items() if not targets} == TERMINAL[name]


def test_the_request_moves_are_those_of_the_contract() -> None:
    assert _words(REQUEST_MOVES) == {
        "pending": {"parsing_complete", "requires_clarification", "out_of_scope", "failed"},
        "requires_clarification": {"parsing_complete", "out_of_scope"},
        "out_of_scope": {"parsing_complete"},
    }


def test_the_plan_moves_are_those_of_the_contract() -> None:
    assert _words(PLAN_MOVES) == {
        "pending_approval": {"approved", "rejected", "expired", "superseded", "cancelled"},
        "approved": {"executing", "cancelled", "expired"},
        "executing": {"completed", "failed", "cancelled", "waiting"},
        "waiting": {"executing", "failed", "cancelled"},
        "failed": {"executing"},
        "expired": {"pending_approval"},
    }


def test_an_attempt_only_goes_forward() -> None:
    """queued → dispatched → claimed → running → an end; any end may overtake."""
    order = ["queued", "dispatched", "claimed", "running"]
    for place, status in enumerate(order):
        assert _words(ATTEMPT_MOVES)[status] == {*order[place + 1 :], *TERMINAL["attempt"]}


def test_a_held_task_never_runs_without_being_released() -> None:
    assert _words(TASK_MOVES)["held"] == {"pending", "skipped", "cancelled"}


def test_an_unknown_outcome_is_decided_by_retry_done_failed_or_cancel() -> None:
    assert _words(TASK_MOVES)["outcome_unknown"] == {"pending", "completed", "failed", "cancelled"}


def test_what_ended_badly_can_only_be_tried_again() -> None:
    assert _words(TASK_MOVES)["failed"] == {"pending"}
    assert _words(TASK_MOVES)["skipped"] == {"pending"}


def test_a_task_under_way_is_never_skipped() -> None:
    assert sources_of(TASK_MOVES, TaskStatus.SKIPPED) == {TaskStatus.PENDING, TaskStatus.HELD}


def test_open_attempts_are_those_that_may_still_change() -> None:
    assert {"queued", "dispatched", "claimed", "running"} == OPEN_ATTEMPTS
    assert {"claimed", "running"} == STARTED_ATTEMPTS


def test_ended_tasks_need_nothing_more() -> None:
    assert {"completed", "failed", "skipped", "cancelled"} == ENDED_TASKS


def test_every_task_status_counts_in_exactly_one_bucket() -> None:
    assert set(TASK_BUCKET) == set(TaskStatus)
    assert set(TASK_BUCKET.values()) == {
        "waiting",
        "dispatched",
        "executing",
        "completed",
        "failed",
    }
    for status in TaskStatus:
        counts = summary_counts([status], TASK_BUCKET)
        assert counts.pop("total") == 1
        assert sorted(counts.values()) == [0, 0, 0, 0, 1]


def test_the_summary_adds_up() -> None:
    counts = summary_counts([*TaskStatus, TaskStatus.COMPLETED], TASK_BUCKET)
    assert counts == {
        "total": 10,
        "waiting": 2,
        "dispatched": 1,
        "executing": 2,
        "completed": 2,
        "failed": 3,
    }


def test_sources_and_moves_say_the_same() -> None:
    for target in TaskStatus:
        for source in TaskStatus:
            assert may_move(TASK_MOVES, source, target) == (
                source in sources_of(TASK_MOVES, target)
            )


def _words(table: Moves[Status]) -> dict[str, set[str]]:
    return {
        source.value: {target.value for target in targets}
        for source, targets in table.items()
        if targets
    }
