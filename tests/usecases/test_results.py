"""What agents say: late, twice, out of order, from the wrong one, or not at all."""

import contextlib

import pytest
from sqlalchemy import update

from orchestrator.domain.lifecycle import AttemptStatus, PlanStatus, TaskStatus
from orchestrator.domain.views import PlanResult
from orchestrator.errors import BrokerUnavailable
from orchestrator.keeper import Keeper
from orchestrator.protocol import (
    DEAD_QUEUE,
    Claim,
    Go,
    Outcome,
    ReportIn,
    Superseded,
    seal,
)
from orchestrator.store.tables import (
    agent_performance,
    agents,
    attempts,
    audit_events,
    counters,
    execution_logs,
    inbox,
    tasks,
)
from orchestrator.testing import ScriptedAgent, result_of
from orchestrator.usecases.time_out import end_overdue
from tests.plugins.waiting import until
from tests.scene import Desk, long_ago, silent

pytestmark = pytest.mark.conformance


async def at_work(desk: Desk, text: str = "Deploy Gitea") -> tuple[PlanResult, ScriptedAgent]:
    """Approve a plan whose first step an agent has started and says nothing more of."""
    for agent in desk.pool:
        agent.script = silent
    plan = await desk.planned(text)
    await desk.approve(plan)
    await until(lambda: any(agent.started for agent in desk.pool), what="the start")
    return plan, next(agent for agent in desk.pool if agent.started)


async def statuses(desk: Desk, plan: PlanResult) -> list[TaskStatus]:
    """Return where the tasks stand."""
    return [task.status for task in (await desk.service.get_plan_status(plan.plan_id)).tasks]


class TestResults:
    async def test_result_is_kept_with_output_and_record(self, desk: Desk) -> None:
        plan, agent = await at_work(desk)
        await agent.report(
            agent.received[0], output="all good", use={"wall_seconds": 2.5}, difficulty="tricky"
        )
        status = await desk.ended(plan)
        assert status.execution_logs[0].output == "all good"
        assert status.execution_logs[0].exit_code == 0
        (record,) = await desk.rows(agent_performance)
        assert (record["runs"], record["successes"], record["tricky"]) == (1, 1, 1)
        assert record["total_seconds"] == 2.5

    async def test_repeated_result_changes_nothing(self, desk: Desk) -> None:
        """The same message three times, then the same news in a new message."""
        plan, agent = await at_work(desk)
        work = agent.received[0]
        result = result_of(work, agent.agent_id, Outcome.SUCCESS)
        for _ in range(3):
            await agent.say(result, message_id="01a20000-0000-7000-8000-000000000001")
        await agent.report(work, Outcome.FAILED)
        assert (await desk.ended(plan)).status is PlanStatus.COMPLETED
        (record,) = await desk.rows(agent_performance)
        assert record["runs"] == 1
        assert len(await desk.rows(inbox, source="work_result")) == 2
        assert len(await desk.rows(audit_events, kind="late_result")) == 1

    async def test_result_may_overtake_claim_and_status(self, desk: Desk) -> None:
        plan, agent = await at_work(desk)
        work = agent.received[0]
        await agent.report(work)
        await agent.progress(work, 1, 80, "late news")
        status = await desk.service.get_plan_status(plan.plan_id)
        assert status.status is PlanStatus.COMPLETED
        assert status.tasks[0].progress is None
        assert "late news" not in status.execution_logs[0].output

    async def test_progress_only_moves_forward(self, desk: Desk) -> None:
        plan, agent = await at_work(desk)
        work = agent.received[0]
        await agent.progress(work, 1, 10, "one ")
        await agent.progress(work, 3, 60, "three ")
        await agent.progress(work, 2, 30, "two ")
        status = await desk.service.get_plan_status(plan.plan_id)
        assert status.tasks[0].progress == 60
        assert status.execution_logs[0].output == "one three "
        (attempt,) = await desk.rows(attempts)
        assert attempt["status"] == AttemptStatus.RUNNING

    @pytest.mark.parametrize("field", ["agent_id", "attempt_number", "attempt_id"])
    async def test_only_the_assigned_agent_is_heard(self, desk: Desk, field: str) -> None:
        """A result from another agent, of another number or attempt changes nothing."""
        plan, agent = await at_work(desk)
        forged = {
            "agent_id": "infra-9",
            "attempt_number": 7,
            "attempt_id": "01a20000-0000-7000-8000-000000000009",
        }
        await agent.report(agent.received[0], Outcome.SUCCESS, **{field: forged[field]})
        assert await statuses(desk, plan) == [TaskStatus.EXECUTING]

    async def test_claim_of_a_stranger_is_superseded(self, desk: Desk) -> None:
        _, agent = await at_work(desk)
        other = next(each for each in desk.pool if each is not agent)
        work = agent.received[0]
        claim = Claim(agent_id=other.agent_id, attempt_id=work.attempt_id, attempt_number=1)
        await other.say(claim)
        await until(lambda: other.told, what="an answer")
        assert isinstance(other.told[-1], Superseded)

    async def test_repeated_claim_is_told_to_go_again(self, desk: Desk) -> None:
        """The first answer may be lost on the way."""
        _, agent = await at_work(desk)
        work = agent.received[0]
        await agent.say(
            Claim(agent_id=agent.agent_id, attempt_id=work.attempt_id, attempt_number=1)
        )
        await until(lambda: len(agent.told) == 2, what="the second answer")
        assert all(isinstance(answer, Go) for answer in agent.told)

    async def test_unknown_claim_is_superseded(self, desk: Desk) -> None:
        agent = desk.pool[0]
        await agent.say(Claim(agent_id=agent.agent_id, attempt_id="none", attempt_number=1))
        await until(lambda: agent.told, what="an answer")
        assert isinstance(agent.told[-1], Superseded)


async def test_output_never_reaches_the_log(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """The reason of a failure quotes the last line of output: it is in the rows only."""
    plan, agent = await at_work(desk, "Restart gitea")
    await agent.report(agent.received[0], Outcome.FAILED, output="CANARY", reason="CANARY (1)")
    status = await desk.ended(plan)
    assert status.tasks[0].reason == "CANARY (1)"
    told = capsys.readouterr()
    assert "attempt_failed" in told.out + told.err
    assert "CANARY" not in told.out + told.err


class TestRetrySafety:
    async def test_never_started_goes_to_another(self, desk: Desk) -> None:
        """A refusal before the start is tried elsewhere, with why it was."""
        plan, agent = await at_work(desk)
        await agent.report(agent.received[0], Outcome.FAILED, started=False, reason="Wrong disk.")
        other = next(each for each in desk.pool if each is not agent)
        await until(lambda: other.started, what="the second attempt")
        await other.report(other.received[0])
        status = await desk.ended(plan)
        assert status.status is PlanStatus.COMPLETED
        assert [log.attempt_number for log in status.execution_logs] == [1, 2]
        assert status.execution_logs[0].reason == "Wrong disk."

    async def test_nobody_left_fails_with_the_last_reason(self, desk: Desk) -> None:
        plan, agent = await at_work(desk)
        await agent.report(agent.received[0], Outcome.FAILED, started=False, reason="Wrong disk.")
        other = next(each for each in desk.pool if each is not agent)
        await until(lambda: other.started, what="the second attempt")
        await other.report(other.received[0], Outcome.FAILED, started=False, reason="No disk.")
        status = await desk.ended(plan)
        assert status.tasks[0].status is TaskStatus.FAILED
        assert status.tasks[0].reason == "No disk."

    async def test_interrupted_and_not_idempotent_asks(self, desk: Desk) -> None:
        """It may or may not have happened: nothing runs again by itself, a person decides."""
        plan, agent = await at_work(desk, "Restart gitea")
        await agent.report(agent.received[0], Outcome.INTERRUPTED, reason="The agent died.")
        status = await desk.ended(plan)
        assert status.status is PlanStatus.WAITING
        assert status.tasks[0].status is TaskStatus.OUTCOME_UNKNOWN
        assert status.tasks[0].reason == "The agent died."
        assert sum(len(each.received) for each in desk.pool) == 1

    async def test_interrupted_and_idempotent_goes_on_elsewhere(self, desk: Desk) -> None:
        plan, agent = await at_work(desk)
        await agent.report(agent.received[0], Outcome.INTERRUPTED)
        other = next(each for each in desk.pool if each is not agent)
        await until(lambda: other.started, what="the second attempt")
        await other.report(other.received[0])
        assert (await desk.ended(plan)).status is PlanStatus.COMPLETED

    @pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.TIMED_OUT])
    async def test_failed_and_not_idempotent_fails(self, desk: Desk, outcome: Outcome) -> None:
        """A failure that ran its course is a failure; what waits for it is skipped."""
        plan, agent = await at_work(desk, "Restart gitea, then list my services")
        await agent.report(agent.received[0], outcome, reason="It broke.")
        status = await desk.ended(plan)
        assert status.status is PlanStatus.FAILED
        assert [task.status for task in status.tasks] == [TaskStatus.FAILED, TaskStatus.SKIPPED]
        assert status.summary["failed"] == 2


class TestSilence:
    async def test_silent_agent_that_started_leaves_doubt(self, desk: Desk) -> None:
        plan, _ = await at_work(desk, "Restart gitea")
        await expire(desk)
        status = await desk.ended(plan)
        assert status.tasks[0].status is TaskStatus.OUTCOME_UNKNOWN
        assert "silent" in (status.tasks[0].reason or "")

    async def test_woken_sleeper_changes_nothing(self, desk: Desk) -> None:
        """The result of an attempt that was given up is told as late."""
        plan, agent = await at_work(desk, "Restart gitea")
        await expire(desk)
        await agent.report(agent.received[0])
        assert await statuses(desk, plan) == [TaskStatus.OUTCOME_UNKNOWN]
        assert len(await desk.rows(audit_events, kind="late_result")) == 1

    async def test_unclaimed_work_of_a_silent_agent_is_withdrawn(self, desk: Desk) -> None:
        """It goes to another agent; the sleeper's claim is refused when it wakes."""
        deaf = ScriptedAgent(desk.transport, "a-deaf", desk.pool[0].capabilities)
        deaf.specializations = ("restart_service",)
        await desk.transport.declare("agent.a-deaf")
        await deaf.register()
        for agent in desk.pool:
            agent.script = silent
        plan = await desk.planned("Restart gitea")
        await desk.approve(plan)
        await desk.reaches(
            plan, lambda seen: seen.tasks[0].status is TaskStatus.DISPATCHED, "the dispatch"
        )
        await expire(desk, only="a-deaf")
        await until(lambda: any(each.started for each in desk.pool), what="another agent")
        logs = (await desk.service.get_plan_status(plan.plan_id)).execution_logs
        assert [log.status for log in logs] == ["superseded", "claimed"]

    async def test_work_that_a_living_agent_never_took_is_withdrawn(self, desk: Desk) -> None:
        """Buried on the way: another agent gets it, and a late claim would start nothing."""
        deaf = ScriptedAgent(desk.transport, "a-deaf", desk.pool[0].capabilities)
        deaf.specializations = ("restart_service",)
        await desk.transport.declare("agent.a-deaf")
        await deaf.register()
        plan = await desk.planned("Restart gitea")
        await desk.approve(plan)
        await desk.reaches(
            plan, lambda seen: seen.tasks[0].status is TaskStatus.DISPATCHED, "the dispatch"
        )
        await age_leases(desk)
        await Keeper(desk.service.context).tick()
        status = await desk.ended(plan)
        assert status.status is PlanStatus.COMPLETED
        assert "never said" in status.execution_logs[0].reason

    async def test_nobody_is_silent_after_a_gap(self, desk: Desk) -> None:
        """The machine slept: leases ran out because nobody was listening."""
        plan, agent = await at_work(desk, "Restart gitea")
        keeper = Keeper(desk.service.context)
        await keeper.tick()
        await age_leases(desk)
        async with desk.service.context.store.engine.begin() as connection:
            await connection.execute(update(counters).values(value=0))
        await keeper.tick()
        assert await statuses(desk, plan) == [TaskStatus.EXECUTING]
        await agent.report(agent.received[0])
        assert (await desk.ended(plan)).status is PlanStatus.COMPLETED

    async def test_nobody_is_silent_while_the_broker_is_away(self, desk: Desk) -> None:
        """Who cannot be heard is not silent, however long it lasts, nor right afterwards."""
        plan, _ = await at_work(desk, "Restart gitea")
        broker_is_there = False
        keeper = Keeper(desk.service.context, lambda: broker_is_there)
        await age_leases(desk)
        await keeper.tick()
        assert await statuses(desk, plan) == [TaskStatus.EXECUTING]

    async def test_nobody_is_silent_while_what_they_say_is_not_read(self, desk: Desk) -> None:
        """The broker is there, and the keeper is still the one that the running program has."""
        plan, _ = await at_work(desk, "Restart gitea")
        assert desk.running.inbound.hears
        reader = desk.running.inbound._subscription
        assert reader is not None
        await reader.cancel()
        assert desk.transport.connected
        await age_leases(desk)
        await desk.running.keeper.tick()
        assert await statuses(desk, plan) == [TaskStatus.EXECUTING]

    async def test_lease_is_looked_at_again_before_the_end(self, desk: Desk) -> None:
        """Found overdue, heard of since: it goes on."""
        plan, agent = await at_work(desk, "Restart gitea")
        await end_overdue(desk.service.context, agent.received[0].attempt_id)
        assert await statuses(desk, plan) == [TaskStatus.EXECUTING]

    async def test_heartbeat_renews_what_is_held(self, desk: Desk) -> None:
        plan, agent = await at_work(desk, "Restart gitea")
        await age_leases(desk)
        await agent.beat(holds=(agent.received[0].attempt_id,))
        await Keeper(desk.service.context).tick()
        assert await statuses(desk, plan) == [TaskStatus.EXECUTING]

    async def test_restarted_agent_without_memory_leaves_doubt(self, desk: Desk) -> None:
        plan, agent = await at_work(desk, "Restart gitea")
        agent.incarnation = "another"
        await agent.register()
        assert await statuses(desk, plan) == [TaskStatus.OUTCOME_UNKNOWN]

    async def test_restarted_agent_that_remembers_goes_on(self, desk: Desk) -> None:
        plan, agent = await at_work(desk, "Restart gitea")
        agent.incarnation = "another"
        await agent.register(holds=(agent.received[0].attempt_id,))
        assert await statuses(desk, plan) == [TaskStatus.EXECUTING]

    async def test_unknown_agent_is_asked_to_report_in(self, desk: Desk) -> None:
        agent = desk.pool[0]
        agent.incarnation = "unheard of"
        await agent.beat()
        await until(lambda: agent.told, what="an order")
        assert isinstance(agent.told[-1], ReportIn)


async def age_leases(desk: Desk) -> None:
    """Let the leases of attempts run out; the agents were heard just now."""
    async with desk.service.context.store.engine.begin() as connection:
        await connection.execute(update(attempts).values(lease_until=long_ago()))


async def expire(desk: Desk, only: str | None = None) -> None:
    """Let leases run out as if time had passed, then let the keeper look."""
    store = desk.service.context.store
    async with store.engine.begin() as connection:
        for table, column in ((agents, "last_seen_at"), (attempts, "lease_until")):
            key = table.c.id if table is agents else table.c.agent_id
            statement = update(table).values({column: long_ago()})
            if only is not None:
                statement = statement.where(key == only)
            await connection.execute(statement)
    await Keeper(desk.service.context).tick()


class TestGarbage:
    async def test_poison_ends_with_the_dead_letters(self, desk: Desk) -> None:
        """Not JSON, and a message that is not for the orchestrator; the queue goes on."""
        work = seal(Go(attempt_id="x")).encode()
        graves: list[bytes] = []

        async def dig(body: bytes) -> None:
            graves.append(body)

        await desk.transport.consume(DEAD_QUEUE, dig)
        for body in (b"\x00not json", work):
            with contextlib.suppress(BrokerUnavailable):  # in process nobody confirms it
                await desk.transport.publish("chiffon.results", body)
        await until(lambda: sorted(graves) == [b"\x00not json", work], what="the dead letters")
        await desk.pool[0].beat()
        assert (await desk.service.readiness())["agents"] == "ok"


class TestTampering:
    async def test_changed_task_row_is_refused_at_dispatch(self, desk: Desk) -> None:
        """A parameter changed after the approval: the next step is not run, and says why."""
        plan, agent = await at_work(desk, "Deploy Gitea, then restart gitea")
        async with desk.service.context.store.engine.begin() as connection:
            await connection.execute(
                update(tasks).where(tasks.c.step_number == 2).values(parameters={"service": "x"})
            )
        await agent.report(agent.received[0])
        status = await desk.ended(plan)
        assert status.tasks[1].status is TaskStatus.FAILED
        assert "changed after it was approved" in (status.tasks[1].reason or "")
        assert sum(len(each.received) for each in desk.pool) == 1

    async def test_changed_order_fails_this_plan_and_no_other(self, desk: Desk) -> None:
        """A step made to wait for one that is not there: said why; the others go on."""
        plan, agent = await at_work(desk, "Deploy Gitea, then restart gitea")
        async with desk.service.context.store.engine.begin() as connection:
            await connection.execute(
                update(tasks).where(tasks.c.step_number == 2).values(depends_on=[99])
            )
        await Keeper(desk.service.context).tick()
        await agent.report(agent.received[0])
        status = await desk.ended(plan)
        assert [task.status for task in status.tasks] == [TaskStatus.COMPLETED, TaskStatus.FAILED]
        assert "changed after it was approved" in (status.tasks[1].reason or "")

    @pytest.mark.parametrize(
        "change", [{"risk": "none"}, {"idempotent": False}, {"timeout_seconds": 9}]
    )
    async def test_changed_rules_cannot_be_approved(
        self, desk: Desk, change: dict[str, object]
    ) -> None:
        """What the digest leaves out is held to the catalogue."""
        plan = await desk.planned("Deploy Gitea")
        async with desk.service.context.store.engine.begin() as connection:
            await connection.execute(update(tasks).values(change))
        answer = await desk.service.approve_plan(plan.plan_id, user_id="robin")
        assert answer.error is not None
        assert answer.error.code == "digest_mismatch"

    async def test_changed_task_row_cannot_be_approved(self, desk: Desk) -> None:
        plan = await desk.planned("Deploy Gitea")
        async with desk.service.context.store.engine.begin() as connection:
            await connection.execute(update(tasks).values(target="elsewhere"))
        answer = await desk.service.approve_plan(plan.plan_id, user_id="robin")
        assert answer.error is not None
        assert answer.error.code == "digest_mismatch"
        assert await desk.rows(execution_logs) == []
