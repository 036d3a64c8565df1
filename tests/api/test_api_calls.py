"""The calls of the contract: bodies, answers, statuses."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from orchestrator.api.app import build_app
from orchestrator.domain.request import Correction
from orchestrator.settings import Settings
from tests.api.fake_service import FakeService

TOKEN = "a-token-for-tests"
PERSON = {"user_id": "alice"}


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def app(service: FakeService, tmp_path: Path) -> FastAPI:
    return build_app(service, token=TOKEN, settings=Settings(home=tmp_path))


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://127.0.0.1:8080",
        headers={"Authorization": f"Bearer {TOKEN}"},
    ) as client:
        yield client


async def submit(client: httpx.AsyncClient, text: str = "restart nginx") -> dict[str, str]:
    answer = await client.post("/api/v1/request", json={"request": text, **PERSON})
    assert answer.status_code == 200
    body: dict[str, str] = answer.json()
    return body


async def test_a_request_answers_with_the_submit_result_and_the_plan(
    client: httpx.AsyncClient, service: FakeService
) -> None:
    body = await submit(client)
    assert body["status"] == "parsing_complete"
    assert service.plans[0].shown.plan_id == body["plan_id"]
    assert body["error"] is None


async def test_the_stored_request_is_returned(client: httpx.AsyncClient) -> None:
    made = await submit(client)
    answer = await client.get(f"/api/v1/request/{made['request_id']}")
    assert answer.json()["request_text"] == "restart nginx"
    assert answer.json()["plan_id"] == made["plan_id"]
    assert answer.json()["created_at"] == "2026-11-22T10:02:00Z"


async def test_answers_to_questions_reach_the_service(
    client: httpx.AsyncClient, service: FakeService
) -> None:
    made = await submit(client, "restart which one")
    assert made["status"] == "requires_clarification"
    answer = await client.post(
        f"/api/v1/request/{made['request_id']}/answer",
        json={**PERSON, "answers": [{"ambiguity_id": "service", "text": "nginx"}]},
    )
    assert answer.json()["status"] == "parsing_complete"
    assert (
        service.calls[-1][1]["answers"][0].ambiguity_id,  # type: ignore[index] # a list
        service.calls[-1][1]["answers"][0].text,  # type: ignore[index] # same
    ) == ("service", "nginx")


async def test_what_may_have_been_meant_is_offered_to_whoever_asked(
    client: httpx.AsyncClient, service: FakeService
) -> None:
    made = await submit(client)
    address = f"/api/v1/request/{made['request_id']}/correction"
    options = (await client.get(f"{address}?user_id=alice&order=1")).json()
    assert (options["plan_id"], options["words"]) == (made["plan_id"], "restart nginx, part 1")
    assert [each["name"] for each in options["nearest"]][:2] == ["restart_service", "stop_service"]
    form = (await client.get(f"{address}/stop_service?user_id=alice&order=1")).json()
    assert (form["capability"], form["suggested"]["service"]) == ("stop_service", "nginx")
    assert service.calls[-1] == (
        "form",
        {"capability": "stop_service", "user": "alice", "order": 1},
    )
    other = await client.get(f"{address}?user_id=mallory")
    assert (other.status_code, other.json()["code"]) == (403, "forbidden")
    unknown = await client.get(f"{address}/rm_rf?user_id=alice")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "field"),
    [("", "user_id"), ("?user_id=", "user_id"), ("?user_id=alice&order=0", "order")],
)
async def test_who_asks_what_may_have_been_meant_must_be_said(
    client: httpx.AsyncClient, query: str, field: str
) -> None:
    made = await submit(client)
    for address in ("correction", "correction/stop_service"):
        answer = await client.get(f"/api/v1/request/{made['request_id']}/{address}{query}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


async def test_a_correction_reaches_the_service(
    client: httpx.AsyncClient, service: FakeService
) -> None:
    made = await submit(client)
    meant = {
        "capability": "stop_service",
        "parameters": {"service": "nginx", "tags": ["a"], "force": True},
        "order": 1,
        "plan_id": made["plan_id"],
    }
    answer = await client.post(
        f"/api/v1/request/{made['request_id']}/correction",
        json={**PERSON, **meant},
        headers={"Idempotency-Key": "k"},
    )
    assert (answer.status_code, answer.json()["plan_number"]) == (200, 2)
    name, given = service.calls[-1]
    assert (name, given["user"]) == ("correct", "alice")
    assert given["correction"] == Correction.model_validate(meant)
    assert str(given["key"]).startswith("rest:")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "capability"),
        ({"capability": ""}, "capability"),
        ({"capability": "stop_service", "order": "1"}, "order"),
        ({"capability": "stop_service", "order": 0}, "order"),
        ({"capability": "stop_service", "parameters": ["nginx"]}, "parameters"),
        ({"capability": "stop_service", "parameters": {"a\u202eb": 1}}, "parameters"),
        ({"capability": "stop_service", "parameters": {"\ud800": 1}}, "parameters"),
        ({"capability": "stop_service", "parameters": {"x" * 201: 1}}, "parameters"),
        ({"capability": "stop_service", "more": 1}, "more"),
    ],
)
async def test_an_unusable_correction_is_400_and_names_the_field(
    client: httpx.AsyncClient, service: FakeService, body: dict[str, object], field: str
) -> None:
    answer = await client.post(
        "/api/v1/request/any/correction",
        content=json.dumps({**PERSON, **body}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400
    assert [each["field"] for each in answer.json()["errors"]] == [field]
    assert service.calls == []


async def test_words_to_remember_reach_the_service(
    client: httpx.AsyncClient, service: FakeService
) -> None:
    await submit(client)
    answer = await client.post("/api/v1/plan/1/phrase", json=PERSON)
    assert answer.json()["phrases"] == [
        {"capability": "restart_service", "text": "restart nginx", "remembered": True}
    ]
    assert service.calls[-1] == ("remember", {"reference": "1", "user": "alice", "key": None})


async def test_a_plan_is_found_by_request_by_id_and_by_number(client: httpx.AsyncClient) -> None:
    made = await submit(client)
    for reference in (made["request_id"], made["plan_id"], "1", "%231", "%231%20r1"):
        answer = await client.get(f"/api/v1/plan/{reference}")
        assert (answer.status_code, answer.json()["number"]) == (200, 1), reference


async def test_a_plan_in_the_making_is_404_with_a_time_to_come_back(
    client: httpx.AsyncClient,
) -> None:
    made = await submit(client, "a slow one")
    answer = await client.get(f"/api/v1/plan/{made['request_id']}")
    assert (answer.status_code, answer.json()["code"]) == (404, "plan_not_ready")
    assert int(answer.headers["retry-after"]) >= 1


async def test_approving_answers_plan_status_and_dispatch(
    client: httpx.AsyncClient, service: FakeService
) -> None:
    made = await submit(client)
    answer = await client.post(
        f"/api/v1/plan/{made['plan_id']}/approve",
        json={
            **PERSON,
            "approved": True,
            "notes": "go on",
            "digest": service.plans[0].shown.digest,
        },
    )
    assert answer.status_code == 200
    assert {
        "error": None,
        "plan_id": made["plan_id"],
        "status": "approved",
        "dispatch_started": True,
    } == answer.json()
    assert service.calls[-1][1]["notes"] == "go on"


async def test_approving_twice_is_409(client: httpx.AsyncClient) -> None:
    await submit(client)
    body = {**PERSON, "approved": True}
    assert (await client.post("/api/v1/plan/1/approve", json=body)).status_code == 200
    answer = await client.post("/api/v1/plan/1/approve", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_another_digest_is_409(client: httpx.AsyncClient) -> None:
    await submit(client)
    answer = await client.post(
        "/api/v1/plan/1/approve", json={**PERSON, "approved": True, "digest": "of another plan"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "digest_mismatch")


async def test_who_may_not_approve_is_403(client: httpx.AsyncClient) -> None:
    await submit(client)
    answer = await client.post(
        "/api/v1/plan/1/approve", json={"user_id": "mallory", "approved": True}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_status_counts_every_step(client: httpx.AsyncClient) -> None:
    made = await submit(client)
    body = (await client.get(f"/api/v1/plan/{made['plan_id']}/status")).json()
    assert body["summary"]["total"] == body["summary"]["waiting"] == 2
    assert [task["step_number"] for task in body["tasks"]] == [1, 2]


async def test_plans_are_listed_newest_first_up_to_the_limit(client: httpx.AsyncClient) -> None:
    for text in ("one", "two", "three"):
        await submit(client, text)
    plans = (await client.get("/api/v1/plans?limit=2")).json()["plans"]
    assert [plan["request_text"] for plan in plans] == ["three", "two"]


@pytest.mark.parametrize(("action", "kind"), [("cancel", "cancel"), ("resume", "resume")])
async def test_plan_decisions_reach_the_service(
    client: httpx.AsyncClient, service: FakeService, action: str, kind: str
) -> None:
    await submit(client)
    answer = await client.post(f"/api/v1/plan/1/{action}", json={**PERSON, "notes": "why not"})
    assert answer.status_code == 200
    name, given = service.calls[-1]
    assert (kind, "1", "why not") == (name, given["reference"], given["notes"])


@pytest.mark.parametrize(
    ("address", "step"), [("1", 2), ("1", "2"), ("1", "1.2"), ("1", "#1.2"), ("1.2", None)]
)
async def test_a_step_to_retry_is_named_in_body_or_address(
    client: httpx.AsyncClient, service: FakeService, address: str, step: object
) -> None:
    await submit(client)
    answer = await client.post(f"/api/v1/plan/{address}/retry", json={**PERSON, "step": step})
    assert answer.status_code == 200
    assert (service.calls[-1][0], service.calls[-1][1]["reference"]) == ("retry", "1.2")


async def test_a_step_of_a_plan_named_by_its_id_is_found_by_number(
    client: httpx.AsyncClient, service: FakeService
) -> None:
    made = await submit(client)
    answer = await client.post(
        f"/api/v1/plan/{made['plan_id']}/retry", json={**PERSON, "step": 1, "decision": "done"}
    )
    assert answer.status_code == 200
    name, given = service.calls[-1]
    assert (name, given["reference"], given["decision"]) == ("resolve", "1.1", "done")


@pytest.mark.parametrize("step", [None, "2.1", "first", "1.2.3", "0x2"])
async def test_a_step_that_is_none_of_the_plan_is_400(
    client: httpx.AsyncClient, service: FakeService, step: object
) -> None:
    await submit(client)
    answer = await client.post("/api/v1/plan/1/retry", json={**PERSON, "step": step})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("step: ")
    assert service.calls[-1][0] == "submit"


async def test_audit_and_why_tell_the_story(client: httpx.AsyncClient) -> None:
    await submit(client)
    audit = (await client.get("/api/v1/plan/1/audit")).json()
    assert [event["kind"] for event in audit["events"]] == ["plan_approved"]
    assert (await client.get("/api/v1/plan/1/why")).json()["step_number"] is None
    for address in ("1/why?step=2", "1.2/why"):
        story = (await client.get(f"/api/v1/plan/{address}")).json()
        assert (story["step_number"], story["routing"][0]["score"]) == (2, 57.5)


async def test_agents_and_gaps_are_listed(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/agents")).json()["agents"][0]["name"] == "embedded"
    assert (await client.get("/api/v1/gaps")).json()["gaps"][0]["times"] == 3


async def test_readiness_is_503_with_the_reason(
    client: httpx.AsyncClient, service: FakeService
) -> None:
    assert (await client.get("/healthz")).json() == {"alive": True}
    assert (await client.get("/readyz")).status_code == 200
    service.parts = {"database": "does not answer", "agents": "ok"}
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert answer.json()["parts"]["database"] == "does not answer"


async def test_the_same_idempotency_key_is_the_same_source_for_one_person_only(
    client: httpx.AsyncClient, service: FakeService
) -> None:
    for person in ("alice", "alice", "bob"):
        await client.post(
            "/api/v1/request",
            json={"request": "restart nginx", "user_id": person},
            headers={"Idempotency-Key": "k1"},
        )
    keys = [given["key"] for _, given in service.calls]
    assert keys[0] == keys[1] != keys[2]
    assert len(str(keys[0])) < 80


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/request/none",
        "/api/v1/request/%00",
        "/api/v1/request/none/correction?user_id=alice",
        "/api/v1/request/%00/correction/stop_service?user_id=alice",
        "/api/v1/plan/99",
        "/api/v1/plan/99/status",
        "/api/v1/plan/not%20a%20plan",
        "/api/v1/plan/..%2f..%2fetc",
        "/api/v1/plan/" + "9" * 500,
        "/api/v1/plan/%E2%80%AE/status",
        "/api/v1/plan/99/audit",
        "/api/v1/plan/99/why?step=1",
    ],
)
async def test_unknown_and_malformed_ids_are_404(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["content-type"] == "application/problem+json"
