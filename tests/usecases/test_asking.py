"""Asking: once per source key, answered once, kept whatever goes wrong."""

import asyncio

import pytest

from orchestrator.domain.lifecycle import RequestStatus
from orchestrator.domain.request import Answer
from orchestrator.errors import ErrorCode
from orchestrator.store.tables import plans, requests
from tests.scene import USER, Desk


class TestAsking:
    async def test_same_source_key_is_one_request(self, desk: Desk) -> None:
        answers = await asyncio.gather(
            *(
                desk.service.submit_request("Deploy Gitea", USER, source_key="event-1")
                for _ in range(5)
            )
        )
        assert len({answer.request_id for answer in answers}) == 1
        assert len(await desk.rows(requests)) == 1
        assert len(await desk.rows(plans)) == 1

    async def test_answer_leads_to_a_plan(self, desk: Desk) -> None:
        asked = await desk.service.submit_request("Deploy a service", USER)
        (question,) = asked.ambiguities
        answer = Answer(ambiguity_id=question.id, text="gitea")
        done = await desk.service.answer_request(asked.request_id, [answer], USER)
        assert done.status is RequestStatus.PARSING_COMPLETE
        plan = await desk.service.get_plan(done.plan_id or "")
        assert plan.tasks[0].parameters["service"] == "gitea"
        late = await desk.service.answer_request(asked.request_id, [answer], USER)
        assert late.error is not None
        assert late.error.code is ErrorCode.CONFLICT

    async def test_same_answer_again_gets_the_first_answer(self, desk: Desk) -> None:
        asked = await desk.service.submit_request("Deploy a service", USER)
        answer = Answer(ambiguity_id=asked.ambiguities[0].id, text="gitea")
        answers = await asyncio.gather(
            *(
                desk.service.answer_request(asked.request_id, [answer], USER, source_key="a-1")
                for _ in range(3)
            )
        )
        assert {each.plan_number for each in answers} == {1}
        late = await desk.service.answer_request(asked.request_id, [answer], USER, source_key="a-1")
        assert late.error is None

    async def test_answer_that_does_not_fit_is_asked_again(self, desk: Desk) -> None:
        asked = await desk.service.submit_request("Deploy a service", USER)
        answer = Answer(ambiguity_id=asked.ambiguities[0].id, text="frobnicator")
        again = await desk.service.answer_request(asked.request_id, [answer], USER)
        assert again.status is RequestStatus.REQUIRES_CLARIFICATION
        assert again.plan_id is None

    @pytest.mark.parametrize("text", ["git\u202eea", "\x07"])
    async def test_hidden_answer_is_refused(self, desk: Desk, text: str) -> None:
        asked = await desk.service.submit_request("Deploy a service", USER)
        answer = Answer(ambiguity_id=asked.ambiguities[0].id, text=text)
        refused = await desk.service.answer_request(asked.request_id, [answer], USER)
        assert refused.error is not None
        assert refused.error.code is ErrorCode.INVALID_REQUEST

    async def test_fault_while_understanding_is_kept(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The request is there, failed, and can be asked again."""

        async def fault(*_: object, **__: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(desk.service.context.decomposer, "decompose", fault)
        answer = await desk.service.submit_request("Deploy Gitea", USER)
        assert answer.error is not None
        assert answer.error.fault_id
        (request,) = await desk.rows(requests)
        assert (request["status"], request["failure"]) == ("failed", "ZeroDivisionError")
        plan = await desk.service.generate_plan(request["id"])
        assert plan.error is not None
        assert plan.error.code is ErrorCode.PLAN_NOT_READY
