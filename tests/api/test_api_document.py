"""The OpenAPI document, the pages without a token, and what goes around each answer."""

import io
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from fastapi import FastAPI

from orchestrator.api import examples
from orchestrator.api.app import build_app
from orchestrator.api.lookups import AuditTrail
from orchestrator.api.problems import STATUS_OF, TITLE_OF, Problem
from orchestrator.domain import views
from orchestrator.errors import ErrorCode
from orchestrator.settings import Settings
from tests.api.fake_service import FakeService

TOKEN = "a-token-for-tests"


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return build_app(FakeService(), token=TOKEN, settings=Settings(home=tmp_path))


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
        yield client


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_the_contract_s_calls_are_all_there(app: FastAPI) -> None:
    promised = {
        "post /api/v1/request",
        "get /api/v1/request/{request_id}",
        "post /api/v1/request/{request_id}/answer",
        "get /api/v1/request/{request_id}/correction",
        "get /api/v1/request/{request_id}/correction/{capability}",
        "post /api/v1/request/{request_id}/correction",
        "get /api/v1/plan/{reference}",
        "post /api/v1/plan/{plan_id}/approve",
        "get /api/v1/plan/{plan_id}/status",
        "post /api/v1/plan/{plan_id}/cancel",
        "post /api/v1/plan/{plan_id}/retry",
        "post /api/v1/plan/{plan_id}/resume",
        "get /api/v1/plan/{plan_id}/phrase",
        "post /api/v1/plan/{plan_id}/phrase",
        "get /api/v1/plan/{plan_id}/audit",
        "get /api/v1/plan/{plan_id}/why",
        "get /api/v1/plans",
        "get /api/v1/agents",
        "get /api/v1/gaps",
        "get /healthz",
        "get /readyz",
    }
    assert {name for name, _ in operations(app.openapi())} == promised


def test_every_call_is_described_with_examples_that_fit_their_schemas(app: FastAPI) -> None:
    document = app.openapi()

    def fits(example: object, schema: dict[str, Any]) -> None:
        jsonschema.validate(example, {**schema, "components": document["components"]})

    for name, operation in operations(document):
        if "/api/" not in name:
            continue
        assert operation["summary"], name
        assert operation["security"], name
        assert "422" not in operation["responses"], name
        for status, answer in operation["responses"].items():
            for media_type, content in answer["content"].items():
                assert (media_type == "application/json") == (status == "200"), name
                if status != "default":
                    fits(content["example"], content["schema"])
        if name.startswith("post"):
            content = operation["requestBody"]["content"]["application/json"]
            for example in content["schema"].get("examples") or content["examples"]:
                fits(example, content["schema"])


@pytest.mark.parametrize(
    ("model", "example"),
    [
        (views.SubmitResult, examples.SUBMIT),
        (views.RequestView, examples.REQUEST),
        (views.CorrectionOptions, examples.OPTIONS),
        (views.CapabilityForm, examples.FORM),
        (views.PhraseList, examples.PHRASES),
        (views.RememberResult, examples.REMEMBERED),
        (views.PlanResult, examples.PLAN),
        (views.ApproveResult, examples.APPROVED),
        (views.PlanStatusResult, examples.STATUS),
        (views.PlanList, examples.PLANS),
        (views.Explanation, examples.WHY),
        (views.AgentList, examples.AGENTS),
        (views.GapList, examples.GAPS),
        (AuditTrail, examples.AUDIT),
    ],
)
def test_the_examples_are_what_the_service_could_answer(
    model: type[views.Result], example: dict[str, Any]
) -> None:
    parsed = model.model_validate(example).model_dump(mode="json")
    assert example.items() <= {key: parsed[key] for key in example}.items() or _within(
        example, parsed
    )


def _within(part: object, whole: object) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _within(value, whole[key]) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(_within, part, whole))
    return part == whole


def test_every_error_code_has_one_status_and_a_title() -> None:
    assert set(STATUS_OF) == set(TITLE_OF) == set(ErrorCode)


def test_the_problem_document_is_described(app: FastAPI) -> None:
    described = app.openapi()["components"]["schemas"]["Problem"]["properties"]
    assert set(described) == set(Problem.model_fields)
    assert app.openapi() is app.openapi()


async def test_the_first_page_says_what_to_do_and_loads_nothing_from_elsewhere(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "chiffon ask" in page.text
    assert 'href="/docs"' in page.text
    assert "http" not in page.text.lower().replace("https://example", "")
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_the_api_s_page_loads_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    assert "http://" not in page.text.replace("http://localhost:8080", "")
    assert "https://" not in page.text
    sources = [part.split('"')[1] for part in page.text.split(" src=")[1:]]
    assert sources
    for source in sources:
        assert (await client.get(source)).status_code == 200
    assert "'self'" in page.headers["content-security-policy"]
    assert (await client.get("/openapi.json")).json()["info"]["title"] == "Chiffon"


async def test_every_answer_has_an_id_and_safe_headers(client: httpx.AsyncClient) -> None:
    for path in ("/", "/docs", "/healthz", "/api/v1/plans", "/nowhere"):
        headers = (await client.get(path)).headers
        assert len(headers["x-request-id"]) == 36
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert len(headers.get_list("content-security-policy")) == 1
        assert "server" not in headers


@pytest.mark.parametrize(
    ("sent", "kept"), [("build-7.a_b", True), ("x" * 65, False), ("a b", False), ("", False)]
)
async def test_a_usable_request_id_is_kept_and_logged(
    client: httpx.AsyncClient, logged: io.StringIO, sent: str, kept: bool
) -> None:
    answer = await client.post("/healthz", headers={"X-Request-Id": sent})
    assert (answer.headers["x-request-id"] == sent) is kept
    line = json.loads(logged.getvalue().splitlines()[-1])
    assert line["correlation_id"] == answer.headers["x-request-id"]


async def test_the_log_has_neither_body_nor_token_nor_query(
    client: httpx.AsyncClient, logged: io.StringIO
) -> None:
    await client.post(
        "/api/v1/request?token=in-the-query",
        json={"request": "restart the secret thing", "user_id": "alice"},
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    assert '"status": 200' in logged.getvalue()
    for hidden in ("secret thing", TOKEN, "in-the-query"):
        assert hidden not in logged.getvalue()


async def test_looking_is_not_logged_for_people(
    client: httpx.AsyncClient, logged: io.StringIO
) -> None:
    """Whoever follows a plan looks several times a second."""
    assert (await client.get("/healthz")).status_code == 200
    assert "http call" not in logged.getvalue()
    await client.get("/nowhere")
    assert "http call" in logged.getvalue()
