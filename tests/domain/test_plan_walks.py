"""Random plans with random fates: whatever happens, the lifecycles hold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from pydantic import ValidationError

from orchestrator.domain.attempt import MAX_RETRIES, MAX_WITHDRAWN
from orchestrator.domain.lifecycle import (
    ATTEMPT_MOVES,
    OPEN_ATTEMPTS,
    PLAN_MOVES,
    REQUEST_MOVES,
    AttemptStatus,
    PlanStatus,
    RequestStatus,
    TaskStatus,
    may_move,
)
from orchestrator.domain.plan import ResourceNeed, doomed_tasks, ready_tasks, settled_status
from tests.domain.make import make_plan, make_task
from tests.domain.walk import PlanWalk

_DECISIONS = [PlanStatus.APPROVED, PlanStatus.REJECTED, PlanStatus.SUPERSEDED]
_AFTER_START = {AttemptStatus.CLAIMED, AttemptStatus.RUNNING}
_ENDS = [status for status, targets in ATTEMPT_MOVES.items() if not targets]
_OPEN = [AttemptStatus.DISPATCHED, AttemptStatus.CLAIMED, AttemptStatus.RUNNING]
_RUNNING = {PlanStatus.EXECUTING, PlanStatus.WAITING}
_LOSSES = {TaskStatus.FAILED, TaskStatus.SKIPPED, TaskStatus.CANCELLED}
_RETRIED = [TaskStatus.FAILED, TaskStatus.SKIPPED, TaskStatus.OUTCOME_UNKNOWN]


@st.composite
def _shapes(draw: st.DrawFn) -> list[tuple[list[int], bool, bool]]:
    steps = draw(st.integers(1, 6))
    return [
        (
            draw(st.lists(st.integers(1, step - 1), unique=True, max_size=3)) if step > 1 else [],
            draw(st.booleans()),
            draw(st.integers(0, 5)) == 0,
        )
        for step in range(1, steps + 1)
    ]


class PlanMachine(RuleBasedStateMachine):
    """Approve or not; then agents, the relay, the clock and people do what they like."""

    @initialize(shape=_shapes())
    def made(self, shape: list[tuple[list[int], bool, bool]]) -> None:
        self.walk = PlanWalk(shape)
        self.ended: dict[str, AttemptStatus] = {}
        self.final: PlanStatus | None = None
        self.finished: set[int] = set()

    @rule(decision=st.sampled_from([*_DECISIONS, *[PlanStatus.APPROVED] * 30]))
    def decide(self, decision: PlanStatus) -> None:
        """Mostly approved, so that most walks go somewhere; a second decision comes too late."""
        if self.walk.status is not PlanStatus.PENDING_APPROVAL:
            assert not may_move(PLAN_MOVES, self.walk.status, decision)
            return
        self.walk.move(decision)
        if decision is PlanStatus.APPROVED:
            self.walk.advance()

    @precondition(lambda self: bool(self.walk.attempts))
    @rule(pick=st.integers(0), status=st.sampled_from(_OPEN))
    def hear(self, pick: int, status: AttemptStatus) -> None:
        """The relay or any agent, an old one too, says where an attempt stands."""
        attempt = self.walk.attempts[pick % len(self.walk.attempts)]
        counted = self.walk.start(attempt, status)
        if counted and self.walk.status is PlanStatus.APPROVED:
            self.walk.move(PlanStatus.EXECUTING)

    @precondition(lambda self: bool(self.walk.attempts))
    @rule(
        pick=st.integers(0),
        status=st.sampled_from([*_ENDS, *[AttemptStatus.SUCCEEDED] * 6]),
        started=st.booleans(),
    )
    def end(self, pick: int, status: AttemptStatus, *, started: bool) -> None:
        """Any agent, an old one too, or the keeper ends an attempt."""
        attempt = self.walk.attempts[pick % len(self.walk.attempts)]
        counted = self.walk.end(attempt, status, started=started or attempt.status in _AFTER_START)
        assert counted == (attempt.attempt_id not in self.ended)
        self.ended.setdefault(attempt.attempt_id, status)

    @precondition(lambda self: self.walk.status in {*_RUNNING, PlanStatus.FAILED})
    @rule(pick=st.integers(0))
    def retry(self, pick: int) -> None:
        """A person tries again what failed, and with it what was skipped for it."""
        steps = [task.step_number for task in self.walk.tasks if task.status in _RETRIED]
        if steps:
            chosen = self.walk.tasks[steps[pick % len(steps)] - 1]
            waits = [t for t in self.walk.tasks if t.status is TaskStatus.SKIPPED]
            for task in {task.step_number: task for task in (chosen, *waits)}.values():
                self.walk.move_task(task.step_number, TaskStatus.PENDING, round=task.round + 1)
            if self.walk.status is PlanStatus.FAILED:
                self.walk.move(PlanStatus.EXECUTING)
            self.walk.advance()

    @precondition(lambda self: self.walk.status in _RUNNING)
    @rule(
        pick=st.integers(0),
        verdict=st.sampled_from([TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED]),
    )
    def judge(self, pick: int, verdict: TaskStatus) -> None:
        """A person says what became of a task whose outcome is unknown."""
        unknown = [t for t in self.walk.tasks if t.status is TaskStatus.OUTCOME_UNKNOWN]
        if unknown:
            self.walk.move_task(unknown[pick % len(unknown)].step_number, verdict)
            self.walk.advance()

    @precondition(lambda self: self.walk.status in _RUNNING)
    @rule(pick=st.integers(0), way=st.sampled_from([TaskStatus.PENDING, TaskStatus.SKIPPED]))
    def release(self, pick: int, way: TaskStatus) -> None:
        """A person lets a held task run after all, or leaves it out for good."""
        held = [t for t in self.walk.tasks if t.status is TaskStatus.HELD]
        if held:
            self.walk.move_task(held[pick % len(held)].step_number, way)
            self.walk.advance()

    @invariant()
    def nothing_runs_before_all_it_waits_for_is_done(self) -> None:
        for attempt in self.walk.attempts:
            before = self.walk.task_of(attempt).depends_on
            assert {self.walk.tasks[step - 1].status for step in before} <= {TaskStatus.COMPLETED}

    @invariant()
    def nothing_runs_before_it_was_approved(self) -> None:
        undecided = {PlanStatus.PENDING_APPROVAL, PlanStatus.REJECTED, PlanStatus.EXPIRED}
        assert not (self.walk.status in undecided and self.walk.attempts)

    @invariant()
    def no_task_is_both_ready_and_doomed(self) -> None:
        ready = {task.step_number for task in ready_tasks(self.walk.tasks)}
        assert not ready & {task.step_number for task in doomed_tasks(self.walk.tasks)}

    @invariant()
    def one_open_attempt_a_task_at_most_and_no_more_than_the_budget(self) -> None:
        for task in self.walk.tasks:
            mine = [each for each in self.walk.attempts if each.task_id == task.task_id]
            assert [each.number for each in mine] == list(range(1, len(mine) + 1))
            assert sum(each.status in OPEN_ATTEMPTS for each in mine) <= 1
            for number in {each.round for each in mine}:
                tries = [each for each in mine if each.round == number]
                spent = sum(each.is_spent for each in tries)
                assert spent <= 1 + MAX_RETRIES
                assert len(tries) - spent <= 1 + MAX_WITHDRAWN

    @invariant()
    def an_ended_attempt_keeps_its_end(self) -> None:
        now = {each.attempt_id: each.status for each in self.walk.attempts}
        assert {attempt_id: now[attempt_id] for attempt_id in self.ended} == self.ended

    @invariant()
    def a_completed_task_stays_completed(self) -> None:
        done = {t.step_number for t in self.walk.tasks if t.status is TaskStatus.COMPLETED}
        assert self.finished <= done
        self.finished = done

    @invariant()
    def a_terminal_plan_stays_as_it_is(self) -> None:
        assert self.final in {None, self.walk.status}
        if not PLAN_MOVES[self.walk.status]:
            self.final = self.walk.status

    @invariant()
    def a_plan_never_claims_what_its_tasks_deny(self) -> None:
        statuses = {task.status for task in self.walk.tasks}
        if self.walk.status is PlanStatus.COMPLETED:
            assert statuses == {TaskStatus.COMPLETED}
        if self.walk.status is PlanStatus.FAILED:
            assert not self.walk.open_attempts()
            assert statuses & _LOSSES
        if self.walk.status is PlanStatus.WAITING:
            assert statuses & {TaskStatus.OUTCOME_UNKNOWN, TaskStatus.HELD}

    @invariant()
    def a_running_plan_is_never_stuck(self) -> None:
        """Somebody can always do something: an agent, or a person where it waits."""
        if self.walk.status in {PlanStatus.APPROVED, PlanStatus.EXECUTING}:
            assert self.walk.open_attempts()


TestPlanMachine = PlanMachine.TestCase
TestPlanMachine.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
)


_EVENTS = [
    AttemptStatus.DISPATCHED,
    AttemptStatus.CLAIMED,
    AttemptStatus.RUNNING,
    AttemptStatus.RUNNING,
]


@settings(max_examples=100)
@given(news=st.permutations([*_EVENTS, AttemptStatus.SUCCEEDED, AttemptStatus.SUCCEEDED]))
def test_shuffled_news_of_an_attempt_lead_to_the_same_end(news: list[AttemptStatus]) -> None:
    status, seen = AttemptStatus.QUEUED, [AttemptStatus.QUEUED]
    for target in news:
        if may_move(ATTEMPT_MOVES, status, target):
            status = target
            seen.append(status)
    assert status is AttemptStatus.SUCCEEDED
    assert len(set(seen)) == len(seen)


@given(st.lists(st.sampled_from(RequestStatus), max_size=12))
def test_a_request_walks_only_where_the_table_says(targets: list[RequestStatus]) -> None:
    status, walked = RequestStatus.PENDING, [RequestStatus.PENDING]
    for target in targets:
        if may_move(REQUEST_MOVES, status, target):
            status = target
            walked.append(status)
    assert len(walked) <= 4
    assert len(set(walked)) == len(walked)
    assert RequestStatus.PENDING not in walked[1:]


@given(st.lists(st.sampled_from(TaskStatus), min_size=1, max_size=8))
def test_how_a_plan_settles_depends_on_what_its_tasks_still_need(
    statuses: list[TaskStatus],
) -> None:
    found = settled_status(statuses)
    over = {TaskStatus.COMPLETED, *_LOSSES}
    if set(statuses) == {TaskStatus.COMPLETED}:
        assert found is PlanStatus.COMPLETED
    elif set(statuses) <= over:
        assert found is PlanStatus.FAILED
    elif {TaskStatus.DISPATCHED, TaskStatus.EXECUTING} & set(statuses):
        assert found is None
    elif {TaskStatus.OUTCOME_UNKNOWN, TaskStatus.HELD} & set(statuses):
        assert found is PlanStatus.WAITING
    else:
        assert found is None


@given(st.lists(st.sampled_from(TaskStatus), min_size=2, max_size=6))
def test_in_a_chain_all_that_waits_behind_a_loss_is_doomed(statuses: list[TaskStatus]) -> None:
    walk = PlanWalk([((), False, False), *(((step,), False, False) for step in _before(statuses))])
    expected, lost = [], False
    for step, status in enumerate(statuses, start=1):
        walk.tasks[step - 1] = walk.tasks[step - 1].model_copy(update={"status": status})
        doomed = lost and status in {TaskStatus.PENDING, TaskStatus.HELD}
        expected += [step] if doomed else []
        lost = doomed or status in _LOSSES
    assert [task.step_number for task in doomed_tasks(walk.tasks)] == expected


def test_a_plan_knows_its_tasks_by_their_ids() -> None:
    first, second = make_task(1), make_task(2)
    plan = make_plan(first, second)
    assert [plan.task(each.task_id) for each in (second, first)] == [second, first]
    with pytest.raises(KeyError, match="another"):
        plan.task("another")


def test_what_is_not_said_is_the_careful_choice() -> None:
    """Not safe to repeat, no model, no resources, the first round of the first revision."""
    task = make_task()
    assert (task.idempotent, task.reasoning, task.model_tier.value) == (False, False, "none")
    assert (task.round, task.timeout_seconds, ResourceNeed().cpu_cores) == (1, 600, 0)
    plan = make_plan(task)
    assert (plan.revision, plan.will_use_external_ai) == (1, False)


@pytest.mark.parametrize("field", ["number", "revision"])
def test_numbers_of_plans_and_revisions_are_counted_up_from_the_first(field: str) -> None:
    with pytest.raises(ValidationError, match="greater than or equal"):
        make_plan(**{field: -1})


def _before(statuses: list[TaskStatus]) -> range:
    return range(1, len(statuses))
