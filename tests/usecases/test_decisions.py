"""What people decide: once, bound to what they saw, by those who may; and how they steer."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import update

from orchestrator.bootstrap import Orchestrator, open_orchestrator
from orchestrator.catalog.catalogue import LiveCatalog
from orchestrator.domain.lifecycle import PlanStatus, RequestStatus, TaskStatus
from orchestrator.domain.views import ApproveResult, PlanResult
from orchestrator.errors import ErrorCode
from orchestrator.keeper import Keeper
from orchestrator.protocol import Cancel, FreeResources, Outcome, Superseded
from orchestrator.router import AgentRouter
from orchestrator.service import OrchestratorService
from orchestrator.settings import Settings
from orchestrator.store.tables import (
    agents,
    approvals,
    attempts,
    audit_events,
    execution_logs,
    plans,
    requests,
    tasks,
)
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.testing import ScriptedAgent
from orchestrator.transport.local import LocalTransport
from orchestrator.usecases.lookup import plan_by
from tests.conftest import capabilities_of
from tests.plugins.waiting import until
from tests.scene import USER, Desk, long_ago, silent


async def at_work(desk: Desk, text: str) -> tuple[PlanResult, ScriptedAgent]:
    """Approve a plan whose first step an agent has started and says nothing more of."""
    for agent in desk.pool:
        agent.script = silent
    plan = await desk.planned(text)
    await desk.approve(plan)
    await until(lambda: any(agent.started for agent in desk.pool), what="the start")
    return plan, next(agent for agent in desk.pool if agent.started)


async def in_doubt(desk: Desk, text: str = "Restart gitea, then list my services") -> PlanResult:
    """Bring a plan's first step to an unknown outcome."""
    plan, agent = await at_work(desk, text)
    await agent.report(agent.received[0], Outcome.INTERRUPTED, reason="The agent died.")
    for each in desk.pool:
        each.script = None
    return plan


def code(answer: ApproveResult) -> ErrorCode | None:
    """Return the error's code, if any."""
    return answer.error.code if answer.error else None


class TestApproving:
    async def test_ten_clicks_at_once_are_one_approval(self, desk: Desk) -> None:
        plan = await desk.planned("Deploy Gitea")
        answers = await asyncio.gather(
            *(desk.service.approve_plan(plan.plan_id, user_id=f"p{n}") for n in range(10))
        )
        assert Counter(code(answer) for answer in answers) == {None: 1, ErrorCode.CONFLICT: 9}
        await desk.ended(plan)
        assert len(await desk.rows(approvals)) == 1
        assert len(await desk.rows(attempts)) == 1

    async def test_approve_against_reject_has_one_outcome(self, desk: Desk) -> None:
        for _ in range(5):
            plan = await desk.planned("Deploy Gitea")
            yes, no = await asyncio.gather(
                desk.service.approve_plan(plan.plan_id, user_id="ann"),
                desk.service.approve_plan(plan.plan_id, user_approval=False, user_id="bob"),
            )
            assert sorted([code(yes) is None, code(no) is None]) == [False, True]
            rejected = code(no) is None
            status = await desk.service.get_plan_status(plan.plan_id)
            assert (status.status is PlanStatus.REJECTED) == rejected
            assert bool(status.execution_logs) != rejected

    async def test_digest_that_was_not_shown_is_refused(self, desk: Desk) -> None:
        plan = await desk.planned("Deploy Gitea")
        answer = await desk.service.approve_plan(plan.plan_id, user_id=USER, digest="0" * 64)
        assert code(answer) is ErrorCode.DIGEST_MISMATCH
        assert answer.status is PlanStatus.PENDING_APPROVAL
        await desk.approve(plan)

    async def test_a_plan_that_was_changed_says_once_what_to_do(self, desk: Desk) -> None:
        plan = await desk.planned("Deploy Gitea")
        async with desk.service.context.store.engine.begin() as connection:
            await connection.execute(update(tasks).values(entry_digest="0" * 64))
            digest = (await desk.service.get_plan(plan.plan_id)).digest
        answer = await desk.service.approve_plan(plan.plan_id, user_id=USER, digest=digest)
        assert answer.error is not None
        assert answer.error.message == "Plan #1 was changed after it was made."
        assert answer.error.hint == "Ask again for a new plan."

    async def test_expired_plan_cannot_be_approved(self, desk: Desk) -> None:
        """Also where the keeper has not come by yet."""
        plan = await desk.planned("Deploy Gitea")
        async with desk.service.context.store.engine.begin() as connection:
            await connection.execute(update(plans).values(expires_at=long_ago()))
        answer = await desk.service.approve_plan(plan.plan_id, user_id=USER)
        assert code(answer) is ErrorCode.CONFLICT
        assert answer.status is PlanStatus.EXPIRED

    async def test_unknown_plan_is_not_found(self, desk: Desk) -> None:
        for reference in ("99", "#99", "nonsense", "01a2", "", "1.1", "%", "9" * 40):
            answer = await desk.service.approve_plan(reference, user_id=USER)
            assert code(answer) is ErrorCode.NOT_FOUND


class TestWhoMayDecide:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """Two named approvers."""
        return settings.model_copy(update={"admins": ("ann", "bob")})

    async def test_strangers_and_the_requester_may_not(self, desk: Desk) -> None:
        submitted = await desk.service.submit_request("Deploy Gitea", "ann")
        plan_id = submitted.plan_id or ""
        for person in ("eve", "ann"):
            answer = await desk.service.approve_plan(plan_id, user_id=person)
            assert code(answer) is ErrorCode.FORBIDDEN
        assert code(await desk.service.approve_plan(plan_id, user_id="bob")) is None
        assert len(await desk.rows(audit_events, kind="decision_refused")) == 2

    async def test_only_approvers_steer_but_the_requester_may_stop(self, desk: Desk) -> None:
        submitted = await desk.service.submit_request("Deploy Gitea", "eve")
        plan_id = submitted.plan_id or ""
        refused = await desk.service.resume_plan(plan_id, user_id="eve")
        assert code(refused) is ErrorCode.FORBIDDEN
        stopped = await desk.service.cancel_plan(plan_id, user_id="eve")
        assert stopped.status is PlanStatus.CANCELLED


class TestSteering:
    async def test_cancelled_before_approval_never_runs(self, desk: Desk) -> None:
        plan = await desk.planned("Deploy Gitea")
        answer = await desk.service.cancel_plan(str(plan.number), user_id=USER, notes="no need")
        assert answer.status is PlanStatus.CANCELLED
        assert code(await desk.service.approve_plan(plan.plan_id, user_id=USER))
        again = await desk.service.cancel_plan(plan.plan_id, user_id=USER)
        assert code(again) is ErrorCode.CONFLICT

    async def test_cancelled_while_running_tells_the_agent(self, desk: Desk) -> None:
        """What runs is told to stop and ends when the agent says so; the rest never starts."""
        plan, agent = await at_work(desk, "Restart gitea, then list my services")
        answer = await desk.service.cancel_plan(plan.plan_id, user_id=USER)
        assert answer.status is PlanStatus.CANCELLED
        await until(lambda: isinstance(agent.told[-1], Cancel), what="the order to stop")
        status = await desk.service.get_plan_status(plan.plan_id)
        assert [t.status for t in status.tasks] == [TaskStatus.EXECUTING, TaskStatus.CANCELLED]
        await agent.report(agent.received[0], Outcome.CANCELLED)
        status = await desk.service.get_plan_status(plan.plan_id)
        assert status.tasks[0].status is TaskStatus.CANCELLED

    async def test_done_before_the_order_came_is_reported_as_done(self, desk: Desk) -> None:
        plan, agent = await at_work(desk, "Restart gitea")
        await desk.service.cancel_plan(plan.plan_id, user_id=USER)
        await agent.report(agent.received[0], Outcome.SUCCESS)
        status = await desk.service.get_plan_status(plan.plan_id)
        assert status.status is PlanStatus.CANCELLED
        assert status.tasks[0].status is TaskStatus.COMPLETED

    @pytest.mark.parametrize(
        ("decision", "first", "end"),
        [
            ("done", TaskStatus.COMPLETED, PlanStatus.COMPLETED),
            ("retry", TaskStatus.COMPLETED, PlanStatus.COMPLETED),
            ("failed", TaskStatus.FAILED, PlanStatus.FAILED),
        ],
    )
    async def test_person_resolves_an_unknown_outcome(
        self, desk: Desk, decision: str, first: TaskStatus, end: PlanStatus
    ) -> None:
        plan = await in_doubt(desk)
        step = f"{plan.number}.1"
        answer = await desk.service.resolve_outcome(step, decision, user_id=USER)
        assert code(answer) is None
        ended = {PlanStatus.COMPLETED, PlanStatus.FAILED}
        status = await desk.reaches(plan, lambda seen: seen.status in ended, "the end")
        assert status.status is end
        assert status.tasks[0].status is first
        runs = 2 if decision == "retry" else 1
        assert status.tasks[0].attempts == runs
        again = await desk.service.resolve_outcome(step, decision, user_id=USER)
        assert code(again) is ErrorCode.CONFLICT

    async def test_nonsense_is_no_decision(self, desk: Desk) -> None:
        plan = await in_doubt(desk)
        step = f"{plan.number}.1"
        answer = await desk.service.resolve_outcome(step, "maybe", user_id=USER)
        assert code(answer) is ErrorCode.INVALID_REQUEST

    @pytest.mark.parametrize("whole", [True, False])
    async def test_failed_plan_is_taken_up_without_repeating_what_is_done(
        self, desk: Desk, whole: bool
    ) -> None:
        """Resume the plan, or retry its failed step: the skipped step behind it runs as well."""
        text = "Deploy Gitea, then restart gitea, then list my services"
        plan, agent = await at_work(desk, text)
        await agent.report(agent.received[0])
        await until(lambda: sum(len(a.started) for a in desk.pool) == 2, what="step 2")
        second = next(
            a
            for a in desk.pool
            if a.received[-1:]
            and a.started[-1:]
            and any(work.capability == "restart_service" for work in a.received)
        )
        await second.report(second.received[-1], Outcome.FAILED, reason="It broke.")
        assert (await desk.ended(plan)).status is PlanStatus.FAILED
        for each in desk.pool:
            each.script = None
        if whole:
            answer = await desk.service.resume_plan(str(plan.number), user_id=USER)
        else:
            answer = await desk.service.retry_task(f"{plan.number}.2", user_id=USER)
        assert code(answer) is None
        done = await desk.reaches(
            plan, lambda seen: seen.status is PlanStatus.COMPLETED, "completion"
        )
        assert [task.attempts for task in done.tasks] == [1, 2, 1]

    async def test_same_order_again_is_carried_out_once(self, desk: Desk) -> None:
        plan = await in_doubt(desk)
        step = f"{plan.number}.1"
        for _ in range(3):
            answer = await desk.service.retry_task(step, user_id=USER, source_key="order-1")
            assert code(answer) is None
        status = await desk.reaches(
            plan, lambda seen: seen.status is PlanStatus.COMPLETED, "completion"
        )
        assert status.tasks[0].attempts == 2

    async def test_key_counts_for_one_deed_only(self, desk: Desk) -> None:
        """The same key on another plan is another order; on a decision it is refused."""
        first, second = [await desk.planned(f"Deploy {name}") for name in ("Gitea", "Grafana")]
        for plan in (first, second):
            answer = await desk.service.cancel_plan(plan.plan_id, user_id=USER, source_key="k")
            assert answer.status is PlanStatus.CANCELLED
        third, fourth = [await desk.planned(f"Deploy {name}") for name in ("Gitea", "Grafana")]
        await desk.service.approve_plan(third.plan_id, user_id=USER, source_key="d")
        other = await desk.service.approve_plan(fourth.plan_id, user_id=USER, source_key="d")
        assert code(other) is ErrorCode.CONFLICT

    async def test_what_has_not_failed_is_not_retried(self, desk: Desk) -> None:
        plan = await desk.planned("Deploy Gitea")
        number = plan.number
        assert code(await desk.service.resume_plan(str(number), user_id=USER))
        wrong = await desk.service.cancel_plan(f"{number}.1", user_id=USER)
        assert code(wrong) is ErrorCode.NOT_FOUND
        for step in (f"{number}.1", f"{number}.9", f"{number}", "x.y"):
            assert code(await desk.service.retry_task(step, user_id=USER))


class TestTime:
    async def test_keeper_expires_what_nobody_decided(self, desk: Desk) -> None:
        plan = await desk.planned("Deploy Gitea")
        async with desk.service.context.store.engine.begin() as connection:
            await connection.execute(update(plans).values(expires_at=long_ago()))
        await Keeper(desk.service.context).tick()
        status = await desk.service.get_plan_status(plan.plan_id)
        assert status.status is PlanStatus.EXPIRED

    async def test_keeper_takes_up_a_request_whose_worker_died(self, desk: Desk) -> None:
        """The plan is there, once, and a second look does nothing."""
        submitted = await desk.service.submit_request("Deploy a service", USER)
        async with desk.service.context.store.engine.begin() as connection:
            await connection.execute(
                update(requests).values(
                    status="pending",
                    thinking_until=long_ago(),
                    request_text="Deploy Gitea",
                    decomposition=None,
                )
            )
        keeper = Keeper(desk.service.context)
        await keeper.tick()
        await keeper.tick()
        view = await desk.service.get_request(submitted.request_id)
        assert view.status is RequestStatus.PARSING_COMPLETE
        assert len(await desk.rows(plans)) == 1

    async def test_work_waits_for_a_free_agent(
        self, orchestrator: Orchestrator, catalog: LiveCatalog
    ) -> None:
        """With room for one at a time, the second plan waits and then runs."""
        agent = ScriptedAgent(
            orchestrator.transport,
            "small",
            capabilities_of(catalog, "infra"),
            script=silent,
            free=FreeResources(cpu_cores=0.5, memory_mb=200),
        )
        await agent.start()
        desk = Desk(orchestrator, [agent])
        first, second = [await desk.planned(f"Deploy {name}") for name in ("Gitea", "Grafana")]
        await desk.approve(first)
        await desk.approve(second)
        await until(lambda: agent.started, what="the first start")
        status = await desk.service.get_plan_status(second.plan_id)
        assert status.tasks[0].status is TaskStatus.PENDING
        agent.script = None
        await agent.report(agent.received[0])
        assert (await desk.ended(first)).status is PlanStatus.COMPLETED
        await Keeper(orchestrator.service.context).tick()
        assert (await desk.ended(second)).status is PlanStatus.COMPLETED
        await agent.stop()

    async def test_work_that_lay_too_long_starts_nothing(self, desk: Desk) -> None:
        """Handed over, then the machine was off for days: the claim is refused by today's date."""
        away = ScriptedAgent(desk.transport, "a-away", desk.pool[0].capabilities)
        away.specializations = ("deploy_service",)
        await away.register()
        await desk.transport.declare("agent.a-away")
        plan = await desk.planned("Deploy Gitea")
        await desk.approve(plan)
        await desk.reaches(
            plan, lambda seen: seen.tasks[0].status is TaskStatus.DISPATCHED, "the dispatch"
        )
        async with desk.service.context.store.engine.begin() as connection:
            await connection.execute(
                update(attempts).values(created_at=long_ago() - timedelta(days=3))
            )
        await away.start()
        status = await desk.ended(plan)
        assert status.status is PlanStatus.FAILED
        assert "in the time" in (status.tasks[0].reason or "")
        assert not any(each.started for each in (away, *desk.pool))
        await away.stop()

    async def test_later_step_of_a_long_plan_still_starts(self, desk: Desk) -> None:
        """The approval's window is for the start of the plan, not for each of its steps."""
        plan, agent = await at_work(desk, "Deploy Gitea, then restart gitea")
        async with desk.service.context.store.engine.begin() as connection:
            await connection.execute(update(plans).values(start_before=long_ago()))
        for each in desk.pool:
            each.script = None
        await agent.report(agent.received[0])
        assert (await desk.ended(plan)).status is PlanStatus.COMPLETED

    async def test_work_of_an_expired_approval_never_starts(self, desk: Desk) -> None:
        """It was handed over, but its window closed first: the claim is refused, room is freed."""
        away = ScriptedAgent(desk.transport, "a-away", desk.pool[0].capabilities)
        away.specializations = ("deploy_service",)
        await away.register()
        plan = await desk.planned("Deploy Gitea")
        store = desk.service.context.store
        async with store.engine.begin() as connection:
            await connection.execute(
                update(agents).where(agents.c.id != "a-away").values(status="stopping")
            )
        await desk.transport.declare("agent.a-away")
        await desk.approve(plan)
        await desk.reaches(
            plan, lambda seen: seen.tasks[0].status is TaskStatus.DISPATCHED, "the dispatch"
        )
        async with store.engine.begin() as connection:
            await connection.execute(update(plans).values(status="expired"))
        await away.start()
        await until(lambda: away.told, what="an answer")
        assert isinstance(away.told[-1], Superseded)
        assert not away.started
        (attempt,) = await desk.rows(attempts)
        assert attempt["status"] == "superseded"
        await away.stop()


async def test_volatile_broker_is_sent_to_again(settings: Settings, catalog: LiveCatalog) -> None:
    """A process that dies with work in its in-memory queue hands it over at its next start."""
    lost = LocalTransport()
    async with open_orchestrator(settings, catalog.current, lost) as running:
        deaf = ScriptedAgent(lost, "infra-1", capabilities_of(catalog, "infra"))
        await lost.declare("agent.infra-1")
        await deaf.register()
        desk = Desk(running, [deaf])
        plan = await desk.planned("Deploy Gitea")
        await desk.approve(plan)
        await desk.reaches(
            plan, lambda seen: seen.tasks[0].status is TaskStatus.DISPATCHED, "the dispatch"
        )
    await lost.close()
    fresh = LocalTransport()
    await fresh.declare("agent.infra-1")
    async with open_orchestrator(settings, catalog.current, fresh) as running:
        agent = ScriptedAgent(fresh, "infra-1", deaf.capabilities)
        agent.incarnation = deaf.incarnation
        await agent.start()
        status = await Desk(running, [agent]).ended(plan)
        assert status.status is PlanStatus.COMPLETED
        assert status.tasks[0].attempts == 1
        await agent.stop()
    await fresh.close()


async def test_readiness_names_what_is_off(orchestrator_service: OrchestratorService) -> None:
    """No agent, then no database."""
    assert "No agent" in (await orchestrator_service.readiness())["agents"]
    free = await orchestrator_service.get_available_resources()
    assert free == {"cpu_cores": 0, "memory_mb": 0, "gpu_vram_mb": 0}


class TestFurther:
    async def test_plan_executes_while_work_is_under_way(
        self, desk: Desk, kuma_request: str
    ) -> None:
        """Between approval and result the plan is executing and the first step handed over."""
        for agent in desk.pool:
            agent.script = silent
        plan = await desk.planned(kuma_request)
        await desk.approve(plan)
        await until(lambda: any(agent.started for agent in desk.pool), what="the start")
        dispatched = await desk.service.dispatch_plan(plan.plan_id)
        assert dispatched.status is PlanStatus.EXECUTING
        assert [task.status for task in dispatched.dispatched_tasks] == ["dispatched"]
        status = await desk.service.get_plan_status(plan.plan_id)
        assert status.status is PlanStatus.EXECUTING
        assert [task.status for task in status.tasks] == [TaskStatus.EXECUTING, TaskStatus.PENDING]
        assert status.summary == {
            "total": 2,
            "waiting": 1,
            "dispatched": 0,
            "executing": 1,
            "completed": 0,
            "failed": 0,
        }

    async def test_same_click_again_gets_the_first_answer(
        self, desk: Desk, simple_request: str
    ) -> None:
        plan = await desk.planned(simple_request)
        answers = [
            await desk.service.approve_plan(plan.plan_id, user_id=USER, source_key="click-1")
            for _ in range(3)
        ]
        assert answers[0] == answers[1] == answers[2]
        assert len(await desk.rows(approvals, plan_id=plan.plan_id)) == 1

    async def test_budget_is_the_routers(self, desk: Desk, simple_request: str) -> None:
        """`dispatch_with_retry` refuses the attempt after the last retry."""
        for agent in desk.pool:
            agent.script = silent
        plan = await desk.planned(simple_request)
        await desk.approve(plan)

        async def recorded() -> bool:
            (log,) = await desk.rows(execution_logs)
            return log["started_at"] is not None and log["dispatched_at"] is not None

        await until(recorded, what="claim and dispatch")  # else the reading below meets them

        async def once_more(uow: UnitOfWork) -> str:
            stored = await plan_by(uow, plan.plan_id, lock=True)
            router = AgentRouter(uow, stored, start_before=uow.now)
            dispatch = await router.dispatch_with_retry(stored.plan.tasks[0], max_retries=0)
            return dispatch.status.value

        assert await desk.service.context.store.read(once_more) == "dispatch_failed"

    async def test_longest_request_is_taken(self, desk: Desk) -> None:
        answer = await desk.service.submit_request("x" * 9_999, USER)
        assert answer.error is None
