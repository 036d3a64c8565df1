"""Not what I meant over the real service, on both databases: one live plan, one key one deed."""

import asyncio
import json
from collections.abc import Callable, Mapping

import httpx
import pytest

from orchestrator.catalog.catalogue import LiveCatalog
from orchestrator.settings import Settings
from orchestrator.store.tables import inbox, plans
from tests.scene import Desk

WHO = {"user_id": "robin"}
PURR = "sing a lullaby to uptime-kuma"
ONCE = {"Idempotency-Key": "once"}
Body = Mapping[str, object]


@pytest.fixture
def catalog(settings: Settings) -> LiveCatalog:
    """The starter with an overlay that may come later."""
    return LiveCatalog.from_settings(settings)


async def asked(client: httpx.AsyncClient, text: str = "Deploy Gitea") -> dict[str, str]:
    answer = await client.post("/api/v1/request", json={**WHO, "request": text})
    assert answer.status_code == 200, answer.text
    body: dict[str, str] = answer.json()
    return body


def restart(made: Mapping[str, str], service: str = "gitea") -> Body:
    return {
        **WHO,
        "capability": "restart_service",
        "parameters": {"service": service},
        "plan_id": made["plan_id"],
    }


async def corrects(
    client: httpx.AsyncClient, made: Mapping[str, str], body: Body, **headers: str
) -> httpx.Response:
    address = f"/api/v1/request/{made['request_id']}/correction"
    return await client.post(address, json=body, headers=headers)


async def test_from_the_options_over_the_form_to_the_next_revision(
    test_client: httpx.AsyncClient, desk: Desk
) -> None:
    made = await asked(test_client)
    address = f"/api/v1/request/{made['request_id']}/correction"
    options = (await test_client.get(address, params=WHO)).json()
    assert options["nearest"][0]["understood"]
    assert "restart_service" in {each["name"] for each in options["nearest"]}
    form = (await test_client.get(f"{address}/restart_service", params=WHO)).json()
    answer = await test_client.post(
        address,
        json={
            **WHO,
            "capability": form["capability"],
            "parameters": form["suggested"],
            "plan_id": options["plan_id"],
        },
    )
    assert (answer.status_code, answer.json()["plan_number"]) == (200, made["plan_number"])
    assert [row["status"] for row in await desk.rows(plans)] == ["superseded", "pending_approval"]
    old = await test_client.post(
        f"/api/v1/plan/{made['plan_id']}/approve", json={**WHO, "approved": True}
    )
    assert (old.status_code, old.json()["code"]) == (409, "conflict")
    new = await test_client.post("/api/v1/plan/1/approve", json={**WHO, "approved": True})
    assert new.status_code == 200


async def test_the_same_correction_with_its_key_is_one_and_gets_its_answer_again(
    test_client: httpx.AsyncClient, desk: Desk
) -> None:
    made = await asked(test_client)
    body = restart(made)
    answers = await asyncio.gather(*(corrects(test_client, made, body, **ONCE) for _ in range(4)))
    answers.append(await corrects(test_client, made, body, **ONCE))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["plan_id"] for answer in answers}) == 1
    assert len(await desk.rows(plans)) == 2


async def test_another_correction_with_the_same_key_is_refused(
    test_client: httpx.AsyncClient, desk: Desk
) -> None:
    made = await asked(test_client)
    first = await corrects(test_client, made, restart(made), **ONCE)
    other = await corrects(test_client, made, restart(made, "jellyfin"), **ONCE)
    assert (first.status_code, other.status_code) == (200, 409)
    assert other.json()["detail"] == "The key of this correction was used for another one before."
    assert len(await desk.rows(plans)) == 2


async def test_different_corrections_with_one_key_at_once_leave_one(
    test_client: httpx.AsyncClient, desk: Desk
) -> None:
    made = await asked(test_client)
    answers = await asyncio.gather(
        *(corrects(test_client, made, restart(made, f"s{n}"), **ONCE) for n in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len(await desk.rows(plans)) == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"capability": "rm_rf"}, 404, "not_found"),
        ({"capability": "\u202e"}, 404, "not_found"),
        ({"order": 7}, 404, "not_found"),
        ({"plan_id": None}, 409, "conflict"),
        ({"user_id": "kim"}, 403, "forbidden"),
        ({"parameters": {}}, 400, "invalid_request"),
        ({"parameters": {"service": "--force"}}, 400, "invalid_request"),
        ({"parameters": {"service": "\ud800"}}, 400, "invalid_request"),
        ({"parameters": {"service": float("nan")}}, 400, "invalid_request"),
        ({"parameters": {"service": 10**40}}, 400, "invalid_request"),
        ({"parameters": {"service": "gitea", "sudo": "yes"}}, 400, "invalid_request"),
    ],
)
async def test_what_does_not_fit_is_said_and_changes_nothing(
    test_client: httpx.AsyncClient, desk: Desk, body: Body, status: int, code: str
) -> None:
    made = await asked(test_client)
    answer = await test_client.post(
        f"/api/v1/request/{made['request_id']}/correction",
        content=json.dumps({**restart(made), **body}),
        headers={"Content-Type": "application/json", **ONCE},
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert [row["status"] for row in await desk.rows(plans)] == ["pending_approval"]
    assert await desk.rows(inbox, source="correction") == []
    assert (await corrects(test_client, made, restart(made), **ONCE)).status_code == 200


async def test_the_plan_that_was_shown_must_be_named(
    test_client: httpx.AsyncClient, desk: Desk
) -> None:
    made = await asked(test_client)
    answer = await corrects(test_client, made, {**restart(made), "plan_id": None})
    assert (answer.status_code, answer.json()["hint"]) == (
        409,
        "Name the plan that was shown, in plan_id.",
    )
    answer = await corrects(test_client, made, {**restart(made), "plan_id": "8"})
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no plan '8'.")
    assert [row["status"] for row in await desk.rows(plans)] == ["pending_approval"]


@pytest.mark.parametrize("named", [str.upper, lambda _: "1", lambda _: "#1", lambda _: "1 r1"])
async def test_the_plan_is_named_as_everywhere(
    test_client: httpx.AsyncClient, desk: Desk, named: Callable[[str], str]
) -> None:
    made = await asked(test_client)
    body = {**restart(made), "plan_id": named(made["plan_id"])}
    assert (await corrects(test_client, made, body)).status_code == 200
    assert [row["status"] for row in await desk.rows(plans)] == ["superseded", "pending_approval"]
    late = await corrects(test_client, made, restart(made, "jellyfin"))
    assert (late.status_code, late.json()["detail"]) == (
        409,
        "The plan was changed since you looked at it.",
    )


async def test_what_is_wrong_with_a_value_is_said_without_the_name_of_a_fault(
    test_client: httpx.AsyncClient, desk: Desk
) -> None:
    made = await asked(test_client)
    body = {**restart(made), "parameters": {"a\u202eb": "x"}}
    answer = await corrects(test_client, made, body)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("parameters: holds a name above 200 characters")


async def test_the_words_are_remembered_and_understood_from_then_on(
    test_client: httpx.AsyncClient, desk: Desk
) -> None:
    made = await asked(test_client, PURR)
    assert not made["plan_id"]
    corrected = await corrects(test_client, made, restart(made, "uptime-kuma"))
    assert corrected.status_code == 200
    for means in ([], ["restart_service"]):
        seen = await test_client.get("/api/v1/plan/1/phrase")
        assert seen.json()["phrases"] == [
            {
                "capability": "restart_service",
                "text": PURR,
                "remembered": bool(means),
                "means": means,
            }
        ]
        saved = await test_client.post("/api/v1/plan/1/phrase", json=WHO, headers=ONCE)
        assert saved.json()["phrases"] == [
            {"capability": "restart_service", "text": PURR, "remembered": True}
        ]
    again = await asked(test_client, PURR)
    assert again["plan_id"]


async def test_a_plan_that_was_not_corrected_has_nothing_to_remember(
    test_client: httpx.AsyncClient, desk: Desk
) -> None:
    await asked(test_client)
    answer = await test_client.post("/api/v1/plan/1/phrase", json=WHO)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
