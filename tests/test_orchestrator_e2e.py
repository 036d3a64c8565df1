"""The whole way on the real service and both databases: what the issue of the spine names."""

from itertools import pairwise

import httpx
import pytest
from sqlalchemy import update

from orchestrator.domain.digest import ModelTier
from orchestrator.domain.lifecycle import PlanStatus, RequestStatus, TaskStatus
from orchestrator.domain.request import Complexity
from orchestrator.errors import ErrorCode, ModelError
from orchestrator.fallback import ExternalAIFallback
from orchestrator.service import OrchestratorService
from orchestrator.store.repositories.decisions import ModelUse
from orchestrator.store.tables import (
    agents,
    approvals,
    audit_events,
    execution_logs,
    fallback_decisions,
    plans,
    requests,
    routing_decisions,
    tasks,
)
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.testing import ScriptedAgent, ScriptedModel
from orchestrator.usecases.lookup import plan_by
from tests.scene import USER, Desk, long_ago

pytestmark = pytest.mark.conformance


class TestCompleteWorkflow:
    async def test_kuma_deployment_workflow(self, desk: Desk, kuma_request: str) -> None:
        """From the sentence to finished work, each stage as promised."""
        submitted = await desk.service.submit_request(kuma_request, USER)
        assert submitted.status is RequestStatus.PARSING_COMPLETE
        # When its plan is made
        plan = await desk.service.generate_plan(submitted.request_id)
        # Then it has the two steps, in order, with exact parameters, and waits
        assert plan.status is PlanStatus.PENDING_APPROVAL
        assert [task.capability for task in plan.tasks] == ["deploy_service", "add_portals"]
        assert plan.tasks[0].parameters["service"] == "uptime-kuma"
        assert plan.tasks[1].depends_on == (1,)
        assert plan.number == 1
        assert not any(agent.received for agent in desk.pool)
        # When a person approves and it is dispatched
        approved = await desk.approve(plan)
        assert (approved.status, approved.dispatch_started) == (PlanStatus.APPROVED, True)
        dispatched = await desk.service.dispatch_plan(plan.plan_id)
        assert dispatched.error is None
        assert dispatched.dispatched_tasks[0].status == "dispatched"
        # Then the work is routed, done, and the plan complete
        status = await desk.ended(plan)
        assert status.status is PlanStatus.COMPLETED
        assert status.summary["completed"] == status.summary["total"] == 2
        decisions = await desk.rows(routing_decisions, plan_id=plan.plan_id)
        assert len(decisions) == 2
        assert all(row["agent_id"] in {"infra-1", "infra-2"} for row in decisions)

    async def test_simple_request_workflow(self, desk: Desk, simple_request: str) -> None:
        plan = await desk.planned(simple_request)
        assert plan.complexity_level is Complexity.SIMPLE
        assert not plan.will_use_external_ai
        assert [task.parameters["service"] for task in plan.tasks] == ["uptime-kuma"]
        await desk.approve(plan)
        status = await desk.ended(plan)
        assert status.status is PlanStatus.COMPLETED

    async def test_complex_request_workflow(self, desk: Desk, complex_request: str) -> None:
        """Open-ended steps make a plan complex; with nobody to run them they fail, and say so."""
        plan = await desk.planned(complex_request)
        assert plan.complexity_level is Complexity.COMPLEX
        assert plan.will_use_external_ai
        assert len(plan.tasks) == 3
        tiers = [task.model_tier for task in plan.tasks]
        assert tiers == [ModelTier.NONE, ModelTier.EXTERNAL, ModelTier.EXTERNAL]
        assert any("No research agent is registered" in note for note in plan.tasks[1].notes)
        await desk.approve(plan)
        status = await desk.ended(plan)
        assert status.status is PlanStatus.FAILED
        assert status.tasks[0].status is TaskStatus.COMPLETED
        assert status.tasks[1].status is TaskStatus.FAILED
        assert status.tasks[2].status is TaskStatus.SKIPPED


class TestApprovalWorkflow:
    async def test_plan_pending_approval_status(self, desk: Desk, simple_request: str) -> None:
        """Nothing is handed to anybody before a person has approved."""
        plan = await desk.planned(simple_request)
        assert plan.status is PlanStatus.PENDING_APPROVAL
        refused = await desk.service.dispatch_plan(plan.plan_id)
        assert refused.error is not None
        assert refused.error.code is ErrorCode.CONFLICT
        assert not any(agent.received for agent in desk.pool)

    async def test_user_can_approve(self, desk: Desk, simple_request: str) -> None:
        plan = await desk.planned(simple_request)
        answer = await desk.service.approve_plan(plan.plan_id, user_id=USER, digest=plan.digest)
        assert answer.error is None
        assert answer.status is PlanStatus.APPROVED
        (approval,) = await desk.rows(approvals, plan_id=plan.plan_id)
        assert approval["person"] == USER
        assert approval["digest"] == plan.digest

    async def test_user_can_reject(self, desk: Desk, simple_request: str) -> None:
        """A rejection stops the plan for good and keeps its reason."""
        plan = await desk.planned(simple_request)
        answer = await desk.service.approve_plan(
            plan.plan_id, user_approval=False, user_id=USER, notes="not on a Friday"
        )
        assert (answer.status, answer.dispatch_started) == (PlanStatus.REJECTED, False)
        again = await desk.service.approve_plan(plan.plan_id, user_id=USER)
        assert again.error is not None
        assert again.error.code is ErrorCode.CONFLICT
        refused = await desk.service.dispatch_plan(plan.plan_id)
        assert refused.error is not None
        assert not any(agent.received for agent in desk.pool)
        (approval,) = await desk.rows(approvals, plan_id=plan.plan_id)
        assert approval["notes"] == "not on a Friday"

    async def test_approval_timestamp_recorded(self, desk: Desk, simple_request: str) -> None:
        plan = await desk.planned(simple_request)
        assert plan.approved_at is None
        await desk.approve(plan)
        approved = await desk.service.get_plan(plan.plan_id)
        assert approved.approved_at is not None
        assert approved.created_at is not None
        assert approved.approved_at >= approved.created_at
        assert approved.approved_at.utcoffset() is not None

    async def test_cannot_approve_twice(self, desk: Desk, simple_request: str) -> None:
        """The second decision is a conflict that names the first; one attempt is all there is."""
        plan = await desk.planned(simple_request)
        await desk.approve(plan)
        again = await desk.service.approve_plan(plan.plan_id, user_id="kim")
        assert again.error is not None
        assert again.error.code is ErrorCode.CONFLICT
        assert f"already approved by {USER}" in again.error.message
        await desk.ended(plan)
        assert len(await desk.rows(execution_logs, plan_id=plan.plan_id)) == 1
        refusals = await desk.rows(audit_events, plan_id=plan.plan_id, kind="decision_refused")
        assert len(refusals) == 1


class TestDispatch:
    async def test_tasks_dispatched_to_correct_agents(self, desk: Desk, kuma_request: str) -> None:
        """Infra work goes to infra agents, never to code or research, whatever those claim."""
        known = desk.pool[0].capabilities
        others = [
            ScriptedAgent(desk.transport, f"{pool}-1", known, agent_type=pool)
            for pool in ("code", "research")
        ]
        for other in others:
            await other.start()
        plan = await desk.planned(kuma_request)
        await desk.approve(plan)
        await desk.ended(plan)
        assert sum(len(agent.received) for agent in desk.pool) == 2
        assert not any(other.received for other in others)
        for other in others:
            await other.stop()

    async def test_routing_decisions_logged(self, desk: Desk, simple_request: str) -> None:
        """Every candidate's points are kept, and a sentence for people."""
        plan = await desk.planned(simple_request)
        await desk.approve(plan)
        story = await desk.service.explain(f"{plan.number}.1")
        (decision,) = story.routing
        assert decision.score == 30.0  # no record: 20; idle: 10
        assert "30 of 100 points" in decision.sentence
        parts = {each.agent_id: each.parts for each in decision.candidates}
        assert parts["infra-1"] == {
            "success": 20.0,
            "recent": 0.0,
            "specialization": 0.0,
            "load": 10.0,
        }

    async def test_dispatch_failure_retries(self, desk: Desk, simple_request: str) -> None:
        """An agent whose queue is gone is passed over for another one."""
        gone = ScriptedAgent(desk.transport, "a-gone", desk.pool[0].capabilities)
        gone.specializations = ("deploy_service",)  # the best on paper
        await gone.register()
        plan = await desk.planned(simple_request)
        await desk.approve(plan)
        status = await desk.ended(plan)
        assert status.status is PlanStatus.COMPLETED
        assert next(log.agent_id for log in status.execution_logs) == "a-gone"
        assert "does not exist" in status.execution_logs[0].reason
        assert status.execution_logs[1].agent_id in {"infra-1", "infra-2"}

    async def test_all_dispatch_retries_fail(self, desk: Desk) -> None:
        """After 1 + 3 attempts a step fails; steps that do not wait for it go on."""
        only = {"deploy_service": desk.pool[0].capabilities["deploy_service"]}
        for number in range(5):
            gone = ScriptedAgent(desk.transport, f"gone-{number}", only)
            gone.specializations = ("deploy_service",)
            await gone.register()
        text = "Deploy Gitea and meanwhile list my services"
        plan = await desk.planned(text)
        assert [task.depends_on for task in plan.tasks] == [(), ()]
        await desk.approve(plan)
        status = await desk.ended(plan)
        assert status.status is PlanStatus.FAILED
        failed = next(task for task in status.tasks if task.name.startswith("Deploy"))
        assert failed.status is TaskStatus.FAILED
        assert failed.attempts == 4
        assert "Tried 4 times" in (failed.reason or "")
        other = next(task for task in status.tasks if task.task_id != failed.task_id)
        assert other.status is TaskStatus.COMPLETED

    async def test_execution_order_maintained(self, desk: Desk) -> None:
        """Each step begins only when the one before it is done."""
        text = "Deploy Gitea, then restart gitea, then list my services"
        plan = await desk.planned(text)
        assert len(plan.tasks) == 3
        await desk.approve(plan)
        status = await desk.ended(plan)
        assert status.status is PlanStatus.COMPLETED
        for before, after in pairwise(status.execution_logs):
            assert before.ended_at is not None
            assert after.started_at is not None
            assert before.step_number < after.step_number
            assert before.ended_at <= after.started_at


class TestErrorHandling:
    @pytest.mark.parametrize("text", ["", "   \n\t ", "x" * 10_000, "deploy \u202egitea", "a\x00b"])
    async def test_empty_request_rejected(self, desk: Desk, text: str) -> None:
        """Empty, blank, too long or hidden text: one clear sentence, and nothing is stored."""
        answer = await desk.service.submit_request(text, USER)
        assert answer.error is not None
        assert answer.error.code is ErrorCode.INVALID_REQUEST
        assert answer.error.message
        assert answer.error.hint
        assert await desk.rows(requests) == []

    async def test_ambiguous_request_flagged(self, desk: Desk) -> None:
        """What is unclear is asked, and nothing is planned until it is answered."""
        answer = await desk.service.submit_request("Deploy a service", USER)
        assert answer.status is RequestStatus.REQUIRES_CLARIFICATION
        assert answer.ambiguities[0].question
        plan = await desk.service.generate_plan(answer.request_id)
        assert plan.error is not None
        assert plan.error.code is ErrorCode.PLAN_NOT_READY

    async def test_out_of_scope_request_logged(self, desk: Desk) -> None:
        """What nothing covers is said, kept, and counted among the gaps."""
        text = "Book me a flight to Lisbon"
        for _ in range(2):
            answer = await desk.service.submit_request(text, USER)
            assert answer.status is RequestStatus.OUT_OF_SCOPE
            assert answer.out_of_scope
            assert answer.offers
        gaps = await desk.service.list_gaps()
        assert gaps.gaps[0].times == 2
        assert "flight" in gaps.gaps[0].text

    async def test_plan_generation_failure_handled(
        self, desk: Desk, simple_request: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A fault in the planner is an answer with an id, not an exception; asking again works."""
        planner = desk.service.context.planner
        with monkeypatch.context() as broken:

            def fault(*_: object, **__: object) -> None:
                raise ZeroDivisionError

            broken.setattr(planner, "generate_plan", fault)
            submitted = await desk.service.submit_request(simple_request, USER)
            assert submitted.status is RequestStatus.PARSING_COMPLETE
            plan = await desk.service.generate_plan(submitted.request_id)
            assert plan.error is not None
            assert plan.error.code is ErrorCode.INTERNAL_ERROR
            assert plan.error.fault_id
        plan = await desk.service.generate_plan(submitted.request_id)
        assert plan.error is None
        assert plan.number == 1

    async def test_offline_agent_pool_detected(self, desk: Desk, simple_request: str) -> None:
        """All infra agents silent: the plan says so, and dispatching fails with the reason."""
        store = desk.service.context.store
        async with store.engine.begin() as connection:
            await connection.execute(update(agents).values(last_seen_at=long_ago()))
        plan = await desk.planned(simple_request)
        assert any("offline" in note for note in plan.tasks[0].notes)
        await desk.approve(plan)
        status = await desk.ended(plan)
        assert status.status is PlanStatus.FAILED
        assert "offline" in (status.tasks[0].reason or "")
        assert not any(agent.received for agent in desk.pool)

    async def test_fallback_triggered_on_complex(self, desk: Desk, complex_request: str) -> None:
        plan = await desk.planned(complex_request)
        story = await desk.service.explain(str(plan.number))
        (decision,) = story.fallback
        assert (decision.decision, decision.reason) == ("use_external", "high_complexity")


class TestQuotaAndFallback:
    async def use(self, service: OrchestratorService, calls: int) -> None:
        async def book(uow: UnitOfWork) -> None:
            for _ in range(calls):
                await uow.decisions.used(ModelUse(tier="local", model="local-fake"))

        await service.context.store.transact(book)

    @pytest.mark.parametrize(("calls", "external"), [(8, False), (9, True), (10, True)])
    async def test_low_quota_triggers_claude(
        self,
        desk: Desk,
        fallback: ExternalAIFallback,
        simple_request: str,
        calls: int,
        external: bool,
    ) -> None:
        """Below a fifth of the quota the external model is chosen; at a fifth it is not."""
        await self.use(desk.service, calls)
        result = await desk.planned(simple_request)
        stored = await desk.service.context.store.read(lambda uow: plan_by(uow, result.plan_id))
        decision, chosen = await fallback.should_use_external_ai(stored.plan)
        assert chosen is external
        assert decision.reason == ("quota_critical" if external else "local_sufficient")
        assert decision.quota == pytest.approx(1 - calls / 10)

    async def test_complex_task_uses_claude(
        self, desk: Desk, fallback: ExternalAIFallback, external_model: ScriptedModel
    ) -> None:
        answer = await fallback.call_external_ai_with_fallback("compare", "gitea, forgejo")
        assert answer.text == "external answer"
        assert external_model.prompts == ["compare"]

    async def test_fallback_decision_logged(self, desk: Desk, fallback: ExternalAIFallback) -> None:
        await fallback.call_external_ai_with_fallback("compare", "gitea, forgejo")
        (row,) = await desk.rows(fallback_decisions)
        assert row["tier"] == "external"
        assert row["model"] == "external-fake"
        assert row["tokens"] == 5
        assert row["error"] is None

    @pytest.mark.parametrize("failure", [None, ModelError("429")])
    async def test_claude_failure_falls_back(
        self,
        desk: Desk,
        fallback: ExternalAIFallback,
        external_model: ScriptedModel,
        failure: Exception | None,
    ) -> None:
        """A time limit or a fault of the external model hands the question to the local one."""
        external_model._script = [failure]
        answer = await fallback.call_external_ai_with_fallback("compare", "")
        assert answer.text == "local answer"
        (row,) = await desk.rows(fallback_decisions)
        assert (row["reason"], row["tier"]) == ("external_failed", "local")
        assert row["error"]


class TestAuditTrail:
    async def test_request_logged_in_task_table(self, desk: Desk, kuma_request: str) -> None:
        plan = await desk.planned(kuma_request)
        (request,) = await desk.rows(requests)
        assert request["request_text"] == kuma_request
        assert request["requester"] == USER
        stored = await desk.rows(tasks, plan_id=plan.plan_id)
        assert sorted(row["step_number"] for row in stored) == [1, 2]
        assert {row["source_words"] for row in stored} <= {task.source_words for task in plan.tasks}

    async def test_plan_logged(self, desk: Desk, kuma_request: str) -> None:
        plan = await desk.planned(kuma_request)
        (row,) = await desk.rows(plans)
        assert row["digest"] == plan.digest
        assert (row["number"], row["revision"]) == (1, 1)

    async def test_dispatch_logged_in_execution_logs(self, desk: Desk, simple_request: str) -> None:
        plan = await desk.planned(simple_request)
        await desk.approve(plan)
        await desk.ended(plan)
        (row,) = await desk.rows(execution_logs)
        assert row["step_number"] == 1
        assert row["work_type"] == "deploy_service"
        assert row["status"] == "succeeded"
        assert row["output"] == "deploy_service: success"
        assert row["dispatched_at"] is not None

    async def test_routing_decisions_logged(self, desk: Desk, simple_request: str) -> None:
        plan = await desk.planned(simple_request)
        await desk.approve(plan)
        (row,) = await desk.rows(routing_decisions)
        assert row["attempt_id"]
        assert len(row["candidates"]) == 2

    async def test_full_audit_trail_queryable(self, desk: Desk, kuma_request: str) -> None:
        """The story is rebuilt from the database alone: who, what, when, where, why."""
        plan = await desk.planned(kuma_request)
        await desk.service.approve_plan(plan.plan_id, user_id="kim", notes="go on")
        await desk.ended(plan)
        story = [row["kind"] for row in await desk.rows(audit_events)]
        for kind in (
            "request_submitted",
            "request_understood",
            "plan_generated",
            "plan_approved",
            "task_routed",
            "task_dispatched",
            "attempt_claimed",
            "attempt_succeeded",
            "plan_completed",
        ):
            assert kind in story
        of_plan = await desk.rows(audit_events, plan_id=plan.plan_id)
        assert sorted(row["sequence"] for row in of_plan) == list(range(1, len(of_plan) + 1))
        approved = next(row for row in of_plan if row["kind"] == "plan_approved")
        assert approved["actor"] == "kim"
        assert approved["details"]["digest"] == plan.digest
        (correlation,) = {row["correlation_id"] for row in of_plan}
        assert correlation == (await desk.rows(requests))[0]["correlation_id"]


class TestRESTAPI:
    async def ask(self, client: httpx.AsyncClient, text: str) -> dict[str, str]:
        answer = await client.post("/api/v1/request", json={"request": text, "user_id": USER})
        assert answer.status_code == 200, answer.text
        found: dict[str, str] = answer.json()
        return found

    async def test_post_request_endpoint(
        self, test_client: httpx.AsyncClient, kuma_request: str
    ) -> None:
        """The embedded engine has the plan committed before the answer."""
        answer = await self.ask(test_client, kuma_request)
        assert answer["status"] == "parsing_complete"
        assert answer["plan_id"]

    async def test_get_plan_endpoint(
        self, test_client: httpx.AsyncClient, kuma_request: str
    ) -> None:
        asked = await self.ask(test_client, kuma_request)
        for reference in (asked["request_id"], asked["plan_id"], "1"):
            answer = await test_client.get(f"/api/v1/plan/{reference}")
            assert answer.status_code == 200
            assert answer.json()["plan_id"] == asked["plan_id"]
            assert len(answer.json()["tasks"]) == 2

    async def test_post_approve_endpoint(
        self, desk: Desk, test_client: httpx.AsyncClient, simple_request: str
    ) -> None:
        asked = await self.ask(test_client, simple_request)
        answer = await test_client.post(
            f"/api/v1/plan/{asked['plan_id']}/approve", json={"approved": True, "user_id": USER}
        )
        assert answer.status_code == 200
        assert answer.json()["plan_id"] == asked["plan_id"]
        assert answer.json()["status"] == "approved"
        assert answer.json()["dispatch_started"] is True

    async def test_get_status_endpoint(
        self, desk: Desk, test_client: httpx.AsyncClient, simple_request: str
    ) -> None:
        asked = await self.ask(test_client, simple_request)
        answer = await test_client.get(f"/api/v1/plan/{asked['plan_id']}/status")
        assert answer.status_code == 200
        assert answer.json()["summary"]["total"] == 1
        assert answer.json()["tasks"][0]["status"] == "pending"

    @pytest.mark.parametrize(
        "body", [{"request": "", "user_id": USER}, {"user_id": USER}, {"request": 1}, []]
    )
    async def test_invalid_request_returns_400(
        self, test_client: httpx.AsyncClient, body: object
    ) -> None:
        answer = await test_client.post("/api/v1/request", json=body)
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["detail"]

    @pytest.mark.parametrize(
        "path",
        [
            "/api/v1/request/nothing",
            "/api/v1/plan/99",
            "/api/v1/plan/not-an-id",
            "/api/v1/plan/01a20000-0000-7000-8000-000000000000/status",
        ],
    )
    async def test_not_found_returns_404(self, test_client: httpx.AsyncClient, path: str) -> None:
        answer = await test_client.get(path)
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"

    async def test_approve_twice_returns_409(
        self, desk: Desk, test_client: httpx.AsyncClient, simple_request: str
    ) -> None:
        asked = await self.ask(test_client, simple_request)
        where = f"/api/v1/plan/{asked['plan_id']}/approve"
        body = {"approved": True, "user_id": USER}
        assert (await test_client.post(where, json=body)).status_code == 200
        assert (await test_client.post(where, json=body)).status_code == 409
