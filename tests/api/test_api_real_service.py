"""The API over the real service, on both databases: what only the two together can show."""

import asyncio
from urllib.parse import quote

import httpx
import pytest
import stamina

from orchestrator.domain.views import PlanStatusResult
from orchestrator.store.tables import requests
from orchestrator.testing import ScriptedAgent
from tests.plugins.waiting import until
from tests.scene import Desk

ASK = {"request": "Deploy Kuma", "user_id": "robin"}
YES = {"approved": True, "user_id": "robin"}


async def planned(client: httpx.AsyncClient, text: str = "Deploy Kuma") -> dict[str, str]:
    answer = await client.post("/api/v1/request", json={**ASK, "request": text})
    assert answer.status_code == 200, answer.text
    body: dict[str, str] = answer.json()
    return body


async def test_the_way_from_a_sentence_to_finished_work(
    test_client: httpx.AsyncClient, mock_agent_pool: list[ScriptedAgent]
) -> None:
    made = await planned(test_client)
    plan = (await test_client.get(f"/api/v1/plan/{made['request_id']}")).json()
    approved = await test_client.post(
        f"/api/v1/plan/{plan['plan_id']}/approve", json={**YES, "digest": plan["digest"]}
    )
    assert (approved.status_code, approved.json()["dispatch_started"]) == (200, True)

    async def done() -> bool:
        status = (await test_client.get(f"/api/v1/plan/{plan['plan_id']}/status")).json()
        return bool(status["status"] == "completed")

    await until(done, what="the plan to complete")
    status = await test_client.get(f"/api/v1/plan/{plan['number']}/status")
    parsed = PlanStatusResult.model_validate(status.json())
    assert parsed.summary["completed"] == parsed.summary["total"] == 1
    why = (await test_client.get(f"/api/v1/plan/{plan['number']}.1/why")).json()
    assert why["routing"][0]["agent_id"] in {agent.agent_id for agent in mock_agent_pool}
    audit = (await test_client.get(f"/api/v1/plan/{plan['number']}/audit")).json()
    assert "plan_approved" in {event["kind"] for event in audit["events"]}


async def test_of_many_approvals_at_once_one_counts(
    test_client: httpx.AsyncClient, desk: Desk
) -> None:
    made = await planned(test_client)
    address = f"/api/v1/plan/{made['plan_id']}/approve"
    answers = await asyncio.gather(*(test_client.post(address, json=YES) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert all(answer.json()["detail"] for answer in answers if answer.status_code == 409)


async def test_while_the_database_is_away_each_call_is_503_and_says_so(
    test_client: httpx.AsyncClient, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await planned(test_client)

    async def away(connection: object) -> None:
        raise ConnectionRefusedError

    dialect = desk.service.context.store.dialect
    with monkeypatch.context() as outage, stamina.set_testing(True, attempts=1):
        outage.setattr(dialect, "begin_write", away)
        outage.setattr(dialect, "begin_read", away)
        answers = [
            await test_client.post("/api/v1/request", json=ASK),
            await test_client.get(f"/api/v1/plan/{made['plan_id']}/status"),
            await test_client.post(f"/api/v1/plan/{made['plan_id']}/approve", json=YES),
        ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["detail"].startswith("The database does not answer, so nothing")
    again = await test_client.post(f"/api/v1/plan/{made['plan_id']}/approve", json=YES)
    assert again.status_code == 200


async def test_the_same_key_again_is_the_same_request(
    test_client: httpx.AsyncClient, desk: Desk
) -> None:
    headers = {"Idempotency-Key": "once"}
    answers = await asyncio.gather(
        *(test_client.post("/api/v1/request", json=ASK, headers=headers) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["request_id"] for answer in answers}) == 1
    assert len(await desk.rows(requests)) == 1


async def test_the_same_key_with_another_request_is_refused(
    test_client: httpx.AsyncClient, desk: Desk
) -> None:
    headers = {"Idempotency-Key": "once"}
    first = await test_client.post("/api/v1/request", json=ASK, headers=headers)
    other = await test_client.post(
        "/api/v1/request", json={**ASK, "request": "Deploy Jellyfin"}, headers=headers
    )
    again = await test_client.post("/api/v1/request", json=ASK, headers=headers)
    assert (first.status_code, other.status_code, again.status_code) == (200, 409, 200)
    assert other.json()["code"] == "conflict"
    assert again.json()["request_id"] == first.json()["request_id"]
    assert len(await desk.rows(requests)) == 1


@pytest.mark.timeout(25)  # stopping in the middle of work once took 30 s, every other time
async def test_the_same_approval_again_gets_the_first_answer(
    test_client: httpx.AsyncClient, desk: Desk
) -> None:
    made = await planned(test_client)
    address, headers = f"/api/v1/plan/{made['plan_id']}/approve", {"Idempotency-Key": "click"}
    first = await test_client.post(address, json=YES, headers=headers)
    again = await test_client.post(address, json=YES, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["plan_id"] == first.json()["plan_id"]


async def test_a_question_is_answered_over_the_api(
    test_client: httpx.AsyncClient, desk: Desk
) -> None:
    made = await planned(test_client, "restart it")
    assert made["status"] == "requires_clarification"
    stored = (await test_client.get(f"/api/v1/request/{made['request_id']}")).json()
    assert stored["ambiguities"]
    answer = await test_client.post(
        f"/api/v1/request/{made['request_id']}/answer",
        json={
            "user_id": "robin",
            "answers": [
                {"ambiguity_id": each["id"], "text": "gitea"} for each in stored["ambiguities"]
            ],
        },
    )
    assert (answer.status_code, answer.json()["status"]) == (200, "parsing_complete")


NO_NAMES = (
    "0",
    "99",
    "9" * 9,
    "9" * 19,
    "9" * 60,
    "0" * 60,
    "-",
    "a-",
    "#0",
    "1.999999",
    "1 r0",
    "1 r999999",
    "00000000-0000-7000-8000-000000000000",
    "00000000-0000-7000-8000-00000000000",
    "zzzzzzzz",
    "%",
    "_",
)


async def test_whatever_a_name_looks_like_it_is_404_and_never_a_fault(
    test_client: httpx.AsyncClient, desk: Desk
) -> None:
    await planned(test_client)
    for name in NO_NAMES:
        quoted = quote(name, safe="")
        for address in (
            f"plan/{quoted}",
            f"plan/{quoted}/status",
            f"plan/{quoted}/audit",
            f"plan/{quoted}/why",
            f"request/{quoted}",
        ):
            answer = await test_client.get(f"/api/v1/{address}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), address
        for action, more in (
            ("approve", {"approved": True}),
            ("cancel", {}),
            ("resume", {}),
            ("retry", {"step": 1}),
        ):
            body = {"user_id": "robin", **more}
            answer = await test_client.post(f"/api/v1/plan/{quoted}/{action}", json=body)
            assert answer.status_code in {400, 404}, (name, action, answer.text)


async def test_an_unusable_request_is_400_and_leaves_no_row(
    test_client: httpx.AsyncClient, desk: Desk
) -> None:
    for text in ("", "   ", "x" * 10_000, "de\u202eploy", "de\x00ploy", "\u200b"):
        answer = await test_client.post("/api/v1/request", json={**ASK, "request": text})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
        assert answer.json()["hint"]
    assert await desk.rows(requests) == []


async def test_the_longest_request_is_taken(test_client: httpx.AsyncClient, desk: Desk) -> None:
    text = "Deploy Kuma. " + "x" * (9_999 - len("Deploy Kuma. "))
    answer = await test_client.post("/api/v1/request", json={**ASK, "request": text})
    assert answer.status_code == 200


async def test_the_request_id_of_the_call_follows_the_request(
    test_client: httpx.AsyncClient, desk: Desk
) -> None:
    """One id leads from the call to the last attempt."""
    answer = await test_client.post("/api/v1/request", json=ASK, headers={"X-Request-Id": "abc-7"})
    assert answer.headers["x-request-id"] == "abc-7"
    (stored,) = await desk.rows(requests)
    assert stored["correlation_id"] == "abc-7"
