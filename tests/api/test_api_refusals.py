"""What is not let in, and how it is said."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from orchestrator.api.access import require_token
from orchestrator.api.app import build_app
from orchestrator.api.door import DEEPEST_JSON, LARGEST_BODY
from orchestrator.api.problems import TooSoon
from orchestrator.api.rate import PersonLimit
from orchestrator.api.routes import router
from orchestrator.errors import Error, ErrorCode, SettingsError
from orchestrator.settings import Settings
from tests.api.fake_service import FakeService

TOKEN = "a-token-for-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ASK = {"request": "restart nginx", "user_id": "alice"}


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def app(service: FakeService, tmp_path: Path) -> FastAPI:
    settings = Settings(home=tmp_path, host="box.lan", requests_per_minute=5)
    return build_app(service, token=TOKEN, settings=settings)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        yield client


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert answer.status_code == body["status"]
    assert body["title"]
    assert body["detail"].endswith(".")
    return body["status"], body["code"]


def test_an_empty_token_builds_nothing(service: FakeService, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="empty"):
        build_app(service, token="", settings=Settings(home=tmp_path))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Method and path of every call under `/api/`."""
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    document = build_app(FakeService(), token=TOKEN, settings=settings).openapi()
    return [
        (method, path)
        for path, methods in document["paths"].items()
        for method in methods
        if path.startswith("/api/")
    ]


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer é"],
)
async def test_without_the_token_nothing_under_api_answers(
    guarded: list[tuple[str, str]],
    client: httpx.AsyncClient,
    authorization: str | None,
    service: FakeService,
) -> None:
    headers = httpx.Headers(
        {} if authorization is None else {"Authorization": authorization}, encoding="latin-1"
    )
    assert len(guarded) >= 14
    for method, path in guarded:
        answer = await client.request(
            method, path.replace("{", "").replace("}", ""), headers=headers
        )
        assert problem(answer) == (401, "unauthorised"), path
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert service.calls == []


async def test_unknown_addresses_under_api_need_the_token_too(client: httpx.AsyncClient) -> None:
    assert problem(await client.get("/api/v1/nothing")) == (401, "unauthorised")
    assert problem(await client.get("/api/v1/nothing", headers=BEARER)) == (404, "not_found")


async def test_the_router_alone_lets_nobody_in(service: FakeService) -> None:
    """Whoever mounts `router` without the door gets a closed API, not an open one."""
    app = FastAPI()
    app.include_router(router)
    app.state.service = service
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/api/v1/plans", headers=BEARER)
    assert answer.status_code >= 400
    assert require_token.__doc__


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "LOCALHOST:9", "[::1]:8080", "box.lan:8080"])
async def test_own_names_are_served(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/healthz", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "",
        "x@localhost",
        "localhost:a",
        "[::1",
        "localhost/x",
    ],
)
async def test_a_foreign_host_is_refused_everywhere(client: httpx.AsyncClient, host: str) -> None:
    for path in ("/", "/docs", "/healthz", "/api/v1/plans"):
        answer = await client.get(path, headers={"Host": host, **BEARER})
        assert problem(answer) == (403, "forbidden")


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://evil.example",
        "http://127.0.0.1:8081",
        "http://localhost:8080",
        "http://127.0.0.1:8080.evil.example",
    ],
)
async def test_a_foreign_origin_is_refused(
    client: httpx.AsyncClient, service: FakeService, origin: str
) -> None:
    headers = {"Origin": origin, **BEARER}
    assert problem(await client.post("/api/v1/request", json=ASK, headers=headers)) == (
        403,
        "forbidden",
    )
    assert problem(await client.get("/api/v1/plans", headers=headers)) == (403, "forbidden")
    assert service.calls == []


async def test_the_own_origin_is_served(client: httpx.AsyncClient) -> None:
    headers = {"Origin": "http://127.0.0.1:8080", **BEARER}
    answer = await client.post("/api/v1/request", json=ASK, headers=headers)
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "media_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"]
)
async def test_a_body_that_is_not_json_is_400(
    client: httpx.AsyncClient, media_type: str | None
) -> None:
    headers = {**BEARER} if media_type is None else {**BEARER, "Content-Type": media_type}
    answer = await client.post("/api/v1/request", content=json.dumps(ASK), headers=headers)
    assert problem(answer) == (400, "invalid_request")
    assert "application/json" in answer.json()["detail"]


async def test_broken_json_is_told_with_its_place(client: httpx.AsyncClient) -> None:
    headers = {**BEARER, "Content-Type": "application/json"}
    answer = await client.post("/api/v1/request", content='{"request": nonsense}', headers=headers)
    assert problem(answer) == (400, "invalid_request")
    (found,) = answer.json()["errors"]
    assert found == {
        "field": "body",
        "reason": "is no valid JSON: Expecting value at character 13",
    }


@pytest.mark.parametrize("path", ["/api/v1/request", "/api/v1/plans", "/api/v1/plan/1/approve"])
async def test_a_method_that_an_address_does_not_know_is_405(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.delete(path, headers=BEARER)
    assert problem(answer) == (405, "invalid_request")
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "request"),
        ({"request": "x"}, "user_id"),
        ({"request": 5, "user_id": "alice"}, "request"),
        ({"request": "x", "user_id": ""}, "user_id"),
        ({"request": "x", "user_id": "   "}, "user_id"),
        ({"request": "x", "user_id": "a" * 101}, "user_id"),
        ({"request": "x", "user_id": "al\u202eice"}, "user_id"),
        ({"request": "x", "user_id": "al\x00ice"}, "user_id"),
        ({"request": "x", "user_id": "alice", "admin": True}, "admin"),
        ({"request": "\ud800", "user_id": "alice"}, "request"),
        ([], "body"),
        ("text", "body"),
        (None, "body"),
    ],
)
async def test_invalid_input_is_400_with_field_and_reason(
    client: httpx.AsyncClient, service: FakeService, body: object, field: str
) -> None:
    headers = {**BEARER, "Content-Type": "application/json"}
    answer = await client.post("/api/v1/request", content=json.dumps(body), headers=headers)
    assert problem(answer) == (400, "invalid_request")
    assert field in [each["field"] for each in answer.json()["errors"]]
    assert all(each["reason"] for each in answer.json()["errors"])
    assert service.calls == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b'{"request": "\\ud800", "user_id": "a"}']
)
async def test_an_unreadable_body_is_400(client: httpx.AsyncClient, content: bytes) -> None:
    headers = {**BEARER, "Content-Type": "application/json; charset=utf-8"}
    answer = await client.post("/api/v1/request", content=content, headers=headers)
    assert problem(answer) == (400, "invalid_request")


@pytest.mark.parametrize("text", ["", "  ", "a\x00b", "x" * 2_001, "\udfff", 5, None])
async def test_an_unusable_answer_is_400(
    client: httpx.AsyncClient, service: FakeService, text: object
) -> None:
    body = {"user_id": "alice", "answers": [{"ambiguity_id": "service", "text": text}]}
    headers = {**BEARER, "Content-Type": "application/json"}
    answer = await client.post(
        "/api/v1/request/r/answer", content=json.dumps(body), headers=headers
    )
    assert problem(answer) == (400, "invalid_request")
    assert answer.json()["errors"][0]["field"] == "answers.0.text"
    assert service.calls == []


@pytest.mark.parametrize("approved", ["true", "yes", 1, None])
async def test_only_true_and_false_decide(
    client: httpx.AsyncClient, service: FakeService, approved: object
) -> None:
    body = {"user_id": "alice", "approved": approved}
    answer = await client.post("/api/v1/plan/1/approve", json=body, headers=BEARER)
    assert problem(answer) == (400, "invalid_request")
    assert answer.json()["errors"][0]["field"] == "approved"
    assert service.calls == []


async def test_what_the_service_finds_invalid_is_400(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/request", json={**ASK, "request": " "}, headers=BEARER)
    assert problem(answer) == (400, "invalid_request")
    assert answer.json()["hint"] == "Say it."


@pytest.mark.parametrize("key", ["", "k" * 201, "a b", "é"])
async def test_an_unusable_idempotency_key_is_400(client: httpx.AsyncClient, key: str) -> None:
    headers = httpx.Headers({**BEARER, "Idempotency-Key": key}, encoding="latin-1")
    answer = await client.post("/api/v1/request", json=ASK, headers=headers)
    assert problem(answer) == (400, "invalid_request")
    assert answer.json()["detail"].startswith("Idempotency-Key")


async def test_a_body_of_the_largest_size_is_read_and_one_byte_more_is_413(
    client: httpx.AsyncClient,
) -> None:
    headers = {**BEARER, "Content-Type": "application/json"}
    padded = json.dumps(ASK).encode().ljust(LARGEST_BODY)
    assert (
        await client.post("/api/v1/request", content=padded, headers=headers)
    ).status_code == 200
    answer = await client.post("/api/v1/request", content=padded + b" ", headers=headers)
    assert problem(answer) == (413, "too_large")


@pytest.mark.parametrize("length", [None, b"10", b"9" * 5_000, b"-1", b"x"])
async def test_reading_stops_at_the_limit_whatever_length_was_declared(
    app: FastAPI, length: bytes | None
) -> None:
    """A body of 50 MB, in chunks or with a false length, is not taken into memory."""
    sent = 0
    answers: list[Message] = []

    async def receive() -> Message:
        nonlocal sent
        sent += 16_384
        return {"type": "http.request", "body": b" " * 16_384, "more_body": sent < 50_000_000}

    async def send(message: Message) -> None:
        answers.append(message)

    declared = [] if length is None else [(b"content-length", length)]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/request",
        "client": ("127.0.0.1", 5),
        "headers": [
            (b"host", b"localhost"),
            (b"authorization", f"Bearer {TOKEN}".encode()),
            (b"content-type", b"application/json"),
            *declared,
        ],
    }
    await app(scope, receive, send)
    assert answers[0]["status"] == 413
    assert sent <= LARGEST_BODY + 16_384


async def test_a_client_that_hangs_up_while_sending_is_forgotten(app: FastAPI) -> None:
    answers: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answers.append(message)

    headers = [
        (b"host", b"localhost"),
        (b"authorization", f"Bearer {TOKEN}".encode()),
        (b"content-type", b"application/json"),
    ]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/request",
        "client": ("127.0.0.1", 5),
        "headers": headers,
    }
    await app(scope, receive, send)
    assert answers == []


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"]":'])
async def test_deep_json_is_refused_before_it_is_parsed(
    client: httpx.AsyncClient, opening: str
) -> None:
    headers = {**BEARER, "Content-Type": "application/json"}
    answer = await client.post("/api/v1/request", content=opening * 10_000, headers=headers)
    assert problem(answer) == (400, "invalid_request")
    assert str(DEEPEST_JSON) in answer.json()["detail"]


async def test_brackets_within_text_are_no_depth(client: httpx.AsyncClient) -> None:
    body = {**ASK, "request": 'say "' + "[{" * 100 + '\\" and [' + "]"}
    answer = await client.post("/api/v1/request", json=body, headers=BEARER)
    assert answer.status_code == 200


async def test_who_asks_too_often_is_told_to_wait_and_others_are_not(
    client: httpx.AsyncClient,
) -> None:
    for _ in range(5):
        assert (await client.post("/api/v1/request", json=ASK, headers=BEARER)).status_code == 200
    answer = await client.post("/api/v1/request", json=ASK, headers=BEARER)
    assert problem(answer) == (429, "too_many_requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 12
    bob = {**ASK, "user_id": "bob"}
    assert (await client.post("/api/v1/request", json=bob, headers=BEARER)).status_code == 200


def test_the_limit_refills_evenly_and_remembers_only_so_many_people() -> None:
    now = 0.0
    limit = PersonLimit(60, clock=lambda: now)
    for _ in range(60):
        limit.take("alice")
    with pytest.raises(TooSoon) as refused:
        limit.take("alice")
    assert refused.value.wait == 1
    now = 2.0
    limit.take("alice")
    limit.take("alice")
    with pytest.raises(TooSoon):
        limit.take("alice")
    for number in range(10_000):
        limit.take(f"person {number}")
    limit.take("alice")  # forgotten, so she starts anew


async def test_a_fault_is_500_with_an_id_that_the_log_has_and_no_trace(
    client: httpx.AsyncClient, logged: io.StringIO
) -> None:
    body = {**ASK, "request": "fault please"}
    answer = await client.post("/api/v1/request", json=body, headers=BEARER)
    assert problem(answer) == (500, "internal_error")
    assert "fault please" not in answer.text
    assert "Traceback" not in answer.text
    fault = next(json.loads(line) for line in logged.getvalue().splitlines() if "fault_id" in line)
    assert fault["fault_id"] == answer.json()["fault_id"]
    assert fault["correlation_id"] == answer.headers["x-request-id"]
    assert any("fake_service.py" in place for place in fault["where"])


async def test_a_fault_that_the_service_reports_keeps_its_id(
    client: httpx.AsyncClient, service: FakeService
) -> None:
    service.error = Error(code=ErrorCode.INTERNAL_ERROR, message="Broken.", fault_id="f-1")
    answer = await client.get("/api/v1/plan/1", headers=BEARER)
    assert problem(answer) == (500, "internal_error")
    assert answer.json()["fault_id"] == "f-1"


async def test_a_wrong_method_is_405_as_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.delete(
        "/api/v1/plans", headers={**BEARER, "Content-Type": "application/json"}
    )
    assert problem(answer)[0] == 405
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=100000", "limit="])
async def test_a_wrong_query_is_400(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/api/v1/plans?{query}", headers=BEARER)
    assert problem(answer) == (400, "invalid_request")
    assert answer.json()["errors"][0]["field"] == "limit"
