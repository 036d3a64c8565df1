"""What the thread is told: each piece of news once, in order, with all that a reply must say."""

from collections.abc import Callable

import pytest
from pydantic import JsonValue
from sqlalchemy import update

from orchestrator.domain.conversation import Notice, NoticeKind
from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.domain.request import Answer
from orchestrator.domain.views import PlanResult
from orchestrator.errors import ErrorCode
from orchestrator.keeper import Keeper
from orchestrator.protocol import Outcome, WorkRequest, WorkResult
from orchestrator.settings import Settings
from orchestrator.store.tables import attempts, tasks
from orchestrator.testing import ScriptedAgent, result_of
from tests.plugins.waiting import until
from tests.scene import Desk, long_ago, silent
from tests.usecases.talk import ANN, BOB, CHANNEL, EVE, TEAM, THREAD, Talk


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Two named approvers."""
    return settings.model_copy(update={"admins": (ANN, BOB)})


@pytest.fixture
def talk(desk: Desk) -> Talk:
    """A thread in which nothing was said yet."""
    return Talk(desk)


async def approved(talk: Talk, text: str) -> PlanResult:
    """Ask for something in the thread, have it approved; return the plan."""
    asked = await talk.asks(text)
    await talk.approves(asked.plan_id)
    return await talk.desk.service.get_plan(asked.plan_id or "")


async def at_work(talk: Talk, text: str) -> tuple[PlanResult, ScriptedAgent]:
    """Have an agent start the first step and say nothing more of it."""
    for agent in talk.desk.pool:
        agent.script = silent
    plan = await approved(talk, text)
    await until(lambda: any(agent.started for agent in talk.desk.pool), what="the start")
    return plan, next(agent for agent in talk.desk.pool if agent.started)


def all_answer(talk: Talk, script: Callable[[WorkRequest, str], WorkResult | None]) -> None:
    """Give every agent the same script."""
    for agent in talk.desk.pool:
        agent.script = lambda work, name=agent.agent_id: script(work, name)


def steps_of(notice: Notice) -> list[dict[str, JsonValue]]:
    """Return the steps of a summary."""
    steps = notice.content["steps"]
    assert isinstance(steps, list)
    return [step for step in steps if isinstance(step, dict)]


class TestAsking:
    async def test_a_question_says_what_was_understood_and_what_may_be_answered(
        self, talk: Talk
    ) -> None:
        asked = await talk.asks("Deploy a service, then list my services")
        (notice,) = await talk.replies()
        assert notice.kind is NoticeKind.QUESTION
        assert (notice.team, notice.channel, notice.thread) == (TEAM, CHANNEL, THREAD)
        assert (notice.requester, notice.plan_id, notice.number) == (EVE, None, None)
        questions = [each.model_dump(mode="json") for each in asked.ambiguities]
        assert notice.content["ambiguities"] == questions
        assert notice.content["understood"] == [
            "Deploy (from “Deploy a service”)",
            "List the services (from “list my services”)",
        ]

    async def test_each_round_of_questions_is_asked_anew(self, talk: Talk) -> None:
        asked = await talk.asks("Deploy a service")
        for text in ("frobnicator", "blurb", "gitea"):
            answer = Answer(ambiguity_id=asked.ambiguities[0].id, text=text)
            await talk.desk.service.answer_request(asked.request_id, [answer], EVE, team=TEAM)
        assert await talk.kinds() == [NoticeKind.QUESTION] * 3
        assert [card.plan.number for card in await talk.cards()] == [1]

    async def test_what_nobody_can_do_is_told_with_what_can_be_done(self, talk: Talk) -> None:
        asked = await talk.asks("Sing me a song")
        (notice,) = await talk.replies()
        assert notice.kind is NoticeKind.OUT_OF_SCOPE
        assert notice.content == {
            "out_of_scope": list(asked.out_of_scope),
            "deferred": [],
            "offers": list(asked.offers),
        }
        assert asked.offers

    async def test_what_was_to_wait_is_told_and_is_no_gap(self, talk: Talk) -> None:
        later = "Restart gitea tomorrow at 5pm"
        asked = await talk.asks(later)
        assert (asked.out_of_scope, asked.deferred) == ((later,), (later,))
        (notice,) = await talk.replies()
        assert notice.content["deferred"] == [later]
        assert (await talk.desk.service.list_gaps()).gaps == ()

    async def test_what_is_planned_in_part_is_told_by_the_card_alone(self, talk: Talk) -> None:
        asked = await talk.asks("Deploy Gitea and sing me a song")
        assert asked.plan_id
        assert asked.out_of_scope
        assert await talk.replies() == []
        (card,) = await talk.cards()
        assert card.plan.out_of_scope == asked.out_of_scope

    async def test_two_requests_of_one_thread_are_answered_one_after_the_other(
        self, talk: Talk
    ) -> None:
        await talk.asks("Sing me a song")
        await talk.asks("Deploy a service")
        other = Talk(talk.desk, thread="2.2")
        await other.asks("Whistle")
        due = (await talk.desk.service.due_notices()).notices
        assert [(notice.thread, notice.kind) for notice in due] == [
            (THREAD, NoticeKind.OUT_OF_SCOPE),
            ("2.2", NoticeKind.OUT_OF_SCOPE),
        ]


class TestSteps:
    async def test_a_plan_that_runs_tells_each_step_and_its_end(self, talk: Talk) -> None:
        plan = await approved(talk, "Restart gitea, then list my services")
        await talk.desk.ended(plan)
        told = await talk.replies()
        assert [notice.kind for notice in told] == [
            NoticeKind.TASK_COMPLETED,
            NoticeKind.TASK_COMPLETED,
            NoticeKind.PLAN_ENDED,
        ]
        assert [notice.content.get("step_number") for notice in told] == [1, 2, None]
        assert {(notice.number, notice.plan_id) for notice in told} == {(1, plan.plan_id)}

    async def test_a_step_says_where_it_ran_and_what_it_left(self, talk: Talk) -> None:
        all_answer(
            talk, lambda work, name: result_of(work, name, Outcome.SUCCESS, output="x" * 5000 + "!")
        )
        plan = await approved(talk, "Deploy Gitea")
        status = await talk.desk.ended(plan)
        notice = (await talk.replies())[0]
        log = status.execution_logs[0]
        assert notice.content == {
            "step_number": 1,
            "name": plan.tasks[0].name,
            "task_id": plan.tasks[0].task_id,
            "reason": "",
            "attempt_number": 1,
            "agent_name": status.tasks[0].agent_name,
            "exit_code": 0,
            "duration_seconds": log.duration_seconds,
            "output": "x" * 1999 + "!",
            "output_characters": 5001,
        }
        assert log.duration_seconds is not None

    async def test_a_failed_step_says_why_and_what_was_skipped_stands_in_the_summary(
        self, talk: Talk
    ) -> None:
        all_answer(
            talk, lambda work, name: result_of(work, name, Outcome.FAILED, reason="It broke.")
        )
        plan = await approved(talk, "Restart gitea, then list my services")
        await talk.desk.ended(plan)
        failed, ended = await talk.replies()
        assert (failed.kind, failed.content["reason"]) == (NoticeKind.TASK_FAILED, "It broke.")
        assert (failed.content["exit_code"], failed.content["output"]) == (
            1,
            "restart_service: failed",
        )
        assert (ended.kind, ended.content["status"]) == (NoticeKind.PLAN_ENDED, "failed")
        first, second = steps_of(ended)
        assert set(first) == {"step_number", "name", "status", "duration_seconds", "reason"}
        assert (first["status"], first["reason"]) == ("failed", "It broke.")
        assert (second["status"], second["duration_seconds"]) == ("skipped", None)
        assert isinstance(first["duration_seconds"], float)
        assert isinstance(ended.content["duration_seconds"], float)

    async def test_a_step_that_goes_to_another_agent_says_from_whom_to_whom_and_why(
        self, talk: Talk
    ) -> None:
        """What is safe to repeat fails at the first agent and is done by the second."""
        tries: list[str] = []

        def first_fails(work: WorkRequest, name: str) -> WorkResult:
            tries.append(name)
            outcome = Outcome.FAILED if len(tries) == 1 else Outcome.SUCCESS
            return result_of(work, name, outcome)

        all_answer(talk, first_fails)
        plan = await approved(talk, "Deploy Gitea")
        await talk.desk.ended(plan)
        moved, done, ended = await talk.replies()
        assert moved.kind is NoticeKind.TASK_REROUTED
        assert (moved.content["from_agent"], moved.content["to_agent"]) == tuple(tries)
        assert moved.content["reason"] == "It was told to fail."
        assert (moved.content["attempt_number"], moved.content["agent_name"]) == (1, tries[0])
        assert (done.kind, done.content["agent_name"]) == (NoticeKind.TASK_COMPLETED, tries[1])
        assert ended.kind is NoticeKind.PLAN_ENDED

    async def test_a_step_that_nobody_is_left_for_is_told_as_failed_once(self, talk: Talk) -> None:
        all_answer(talk, lambda work, name: result_of(work, name, Outcome.FAILED))
        plan = await approved(talk, "Deploy Gitea")
        await talk.desk.ended(plan)
        moved, failed, ended = await talk.replies()
        assert moved.kind is NoticeKind.TASK_REROUTED
        assert failed.kind is NoticeKind.TASK_FAILED
        assert failed.content["reason"] == "It was told to fail."
        assert failed.content["attempt_number"] is None
        assert ended.content["status"] == "failed"

    async def test_a_step_that_nobody_can_run_is_told(self, talk: Talk) -> None:
        plan = await approved(talk, "Show disk usage")
        await talk.desk.ended(plan)
        failed, ended = await talk.replies()
        status = await talk.desk.service.get_plan_status(plan.plan_id)
        assert failed.kind is NoticeKind.TASK_FAILED
        assert failed.content["reason"] == status.tasks[0].reason
        assert (failed.content["agent_name"], failed.content["output"]) == (None, "")
        assert ended.kind is NoticeKind.PLAN_ENDED

    async def test_an_unknown_outcome_is_told_and_the_plan_has_not_ended(self, talk: Talk) -> None:
        plan, agent = await at_work(talk, "Restart gitea")
        await agent.progress(agent.received[0], 1, 10, "begun")
        await agent.report(
            agent.received[0], Outcome.INTERRUPTED, reason="The agent died.", output="half"
        )
        (notice,) = await talk.replies()
        assert notice.kind is NoticeKind.OUTCOME_UNKNOWN
        assert (notice.content["reason"], notice.content["output"]) == ("The agent died.", "half")
        assert notice.content["task_id"] == plan.tasks[0].task_id
        status = await talk.desk.service.get_plan_status(plan.plan_id)
        assert status.status is PlanStatus.WAITING

    async def test_silence_is_told_by_the_keepers_clock(self, talk: Talk) -> None:
        await at_work(talk, "Restart gitea")
        async with talk.desk.service.context.store.engine.begin() as connection:
            await connection.execute(update(attempts).values(lease_until=long_ago()))
        await Keeper(talk.desk.service.context).tick()
        (notice,) = await talk.replies()
        assert notice.kind is NoticeKind.OUTCOME_UNKNOWN
        assert notice.content["reason"] == "Its agent fell silent while it ran."

    async def test_a_plan_that_was_changed_after_its_approval_is_told(self, talk: Talk) -> None:
        plan, agent = await at_work(talk, "Restart gitea, then list my services")
        async with talk.desk.service.context.store.engine.begin() as connection:
            spoil = update(tasks).where(tasks.c.step_number == 2)
            await connection.execute(spoil.values(parameters={"name": "other"}))
        await agent.report(agent.received[0])
        done, failed, ended = await talk.replies()
        assert done.kind is NoticeKind.TASK_COMPLETED
        assert failed.content["reason"] == (
            "The plan was changed after it was approved. Ask again for a new plan."
        )
        assert ended.content["status"] == "failed"
        assert plan.number == ended.number


class TestEnd:
    async def test_a_plan_that_is_taken_up_again_ends_twice(self, talk: Talk) -> None:
        plan, agent = await at_work(talk, "Restart gitea")
        await agent.report(agent.received[0], Outcome.FAILED)
        all_answer(talk, lambda work, name: result_of(work, name, Outcome.SUCCESS))
        await talk.desk.service.resume_plan(plan.plan_id, user_id=ANN, team=TEAM)
        await talk.desk.reaches(plan, lambda seen: seen.status is PlanStatus.COMPLETED, "the end")
        told = await talk.replies()
        assert [(notice.kind, notice.content.get("status")) for notice in told] == [
            (NoticeKind.TASK_FAILED, None),
            (NoticeKind.PLAN_ENDED, "failed"),
            (NoticeKind.TASK_COMPLETED, None),
            (NoticeKind.PLAN_ENDED, "completed"),
        ]

    async def test_a_plan_that_was_cancelled_before_it_began_has_ended(self, talk: Talk) -> None:
        asked = await talk.asks("Deploy Gitea")
        await talk.desk.service.cancel_plan(asked.plan_id or "", user_id=EVE, team=TEAM)
        (notice,) = await talk.replies()
        assert notice.kind is NoticeKind.PLAN_ENDED
        assert (notice.content["status"], notice.content["duration_seconds"]) == ("cancelled", None)
        assert [step["status"] for step in steps_of(notice)] == ["cancelled"]

    @pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.SUCCESS])
    async def test_a_cancelled_plan_has_ended_once_nothing_of_it_runs(
        self, talk: Talk, outcome: Outcome
    ) -> None:
        plan, agent = await at_work(talk, "Restart gitea, then list my services")
        await talk.desk.service.cancel_plan(plan.plan_id, user_id=ANN, team=TEAM)
        assert await talk.replies() == []
        await agent.report(agent.received[0], outcome)
        told = await talk.replies()
        done = outcome is Outcome.SUCCESS
        assert [notice.kind for notice in told[:-1]] == [NoticeKind.TASK_COMPLETED] * done
        assert told[-1].kind is NoticeKind.PLAN_ENDED
        assert told[-1].content["status"] == "cancelled"
        assert [step["status"] for step in steps_of(told[-1])] == [
            "completed" if done else "cancelled",
            "cancelled",
        ]

    async def test_decisions_and_expiry_are_told_by_the_card_alone(self, talk: Talk) -> None:
        asked = await talk.asks("Deploy Gitea")
        plan_id = asked.plan_id or ""
        await talk.desk.service.approve_plan(
            plan_id, user_approval=False, user_id=ANN, team=TEAM, notes="no"
        )
        assert await talk.replies() == []


class TestWhoMayDecide:
    async def test_a_refusal_names_people_by_their_ids(self, talk: Talk) -> None:
        asked = await talk.asks("Deploy Gitea")
        refused = await talk.desk.service.approve_plan(asked.plan_id or "", user_id=EVE, team=TEAM)
        assert refused.error is not None
        assert refused.error.code is ErrorCode.FORBIDDEN
        assert refused.error.message == f"{EVE} may not approve plans."
        assert refused.error.hint == f"Ask one of: {ANN}, {BOB}."

    async def test_a_second_click_is_told_who_was_first(self, talk: Talk) -> None:
        asked = await talk.asks("Deploy Gitea")
        await talk.approves(asked.plan_id, ANN)
        late = await talk.desk.service.approve_plan(asked.plan_id or "", user_id=BOB, team=TEAM)
        assert late.error is not None
        assert late.error.message.startswith(f"Plan #1 is already approved by {ANN} at ")

    async def test_the_requester_of_a_risky_plan_needs_somebody_else(self, talk: Talk) -> None:
        asked = await talk.asks("Deploy Gitea", person=ANN)
        refused = await talk.desk.service.approve_plan(asked.plan_id or "", user_id=ANN, team=TEAM)
        assert refused.error is not None
        assert refused.error.hint == f"Ask one of: {BOB}."
        await talk.approves(asked.plan_id, BOB)


async def test_where_nobody_is_named_the_answer_says_how_to_name_someone(desk: Desk) -> None:
    desk.service.context = desk.service.context.__class__(
        **{**vars(desk.service.context), "admins": frozenset()}
    )
    asked = await Talk(desk).asks("Deploy Gitea")
    refused = await desk.service.approve_plan(asked.plan_id or "", user_id=ANN, team=TEAM)
    assert refused.error is not None
    assert refused.error.message == "Nobody is named who may approve."
    assert "CHIFFON_ADMINS" in refused.error.hint
