"""Keys over REST, on both databases: one person each, and who of them may decide."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from orchestrator.api.app import build_app
from orchestrator.bootstrap import open_orchestrator
from orchestrator.catalog.catalogue import LiveCatalog
from orchestrator.settings import Settings
from orchestrator.store.unit_of_work import Store
from orchestrator.transport.local import LocalTransport
from orchestrator.usecases.keys import add_key, revoke_key

TOKEN = "t" * 43
ASK = {"request": "Deploy Kuma"}  # of medium risk
Client = httpx.AsyncClient
Serve = Callable[..., AbstractAsyncContextManager["House"]]


class House:
    """A served Chiffon, and keys to it."""

    def __init__(self, app: httpx.ASGITransport, store: Store) -> None:
        self._app, self.store = app, store

    def holding(self, secret: str) -> Client:
        headers = {"Authorization": f"Bearer {secret}"}
        return Client(transport=self._app, base_url="http://localhost", headers=headers)

    async def key_of(self, person: str, team: str = "local") -> Client:
        return self.holding(await add_key(self.store, f"{person}-{team}", person, team))


@pytest.fixture
def serve(settings: Settings, catalog: LiveCatalog) -> Serve:
    @asynccontextmanager
    async def served(
        peer: str = "127.0.0.1", page_approvers: tuple[str, ...] = (), **changed: object
    ) -> AsyncIterator[House]:
        chosen = settings.model_copy(update=changed)
        transport = LocalTransport()
        async with open_orchestrator(
            chosen, catalog.current, transport, page_approvers=page_approvers
        ) as running:
            app = build_app(running.service, token=TOKEN, settings=chosen)
            store = running.service.context.store
            yield House(httpx.ASGITransport(app, client=(peer, 5)), store)
        await transport.close()

    return served


async def planned(client: Client, **body: str) -> str:
    answer = await client.post("/api/v1/request", json={**ASK, **body})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["plan_number"])


async def decided(client: Client, plan: str, **body: object) -> httpx.Response:
    return await client.post(f"/api/v1/plan/{plan}/approve", json={"approved": True, **body})


async def test_a_key_acts_as_its_person_named_or_not(serve: Serve) -> None:
    async with serve() as house:
        robin = await house.key_of("robin")
        first = await robin.post("/api/v1/request", json=ASK)
        second = await robin.post("/api/v1/request", json={**ASK, "user_id": " robin "})
        for answer in (first, second):
            found = await robin.get(f"/api/v1/request/{answer.json()['request_id']}")
            assert found.json()["requester"] == "robin"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("request", {"request": "Deploy Kuma"}),
        ("request/x/answer", {"answers": [{"ambiguity_id": "a", "text": "b"}]}),
        ("request/x/correction", {"capability": "restart_service"}),
        ("plan/1/phrase", {}),
        ("plan/1/approve", {"approved": True}),
        ("plan/1/cancel", {}),
        ("plan/1/resume", {}),
        ("plan/1/retry", {"step": 1}),
        ("plan/1/retry", {"step": 1, "decision": "done"}),
    ],
)
async def test_a_key_never_acts_as_somebody_else(
    serve: Serve, path: str, body: dict[str, object]
) -> None:
    async with serve() as house:
        robin = await house.key_of("robin")
        answer = await robin.post(f"/api/v1/{path}", json={**body, "user_id": "kim"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert answer.json()["detail"] == (
            "This key acts as robin only, and user_id names somebody else."
        )


async def test_only_the_key_of_whoever_asked_says_what_was_meant(serve: Serve) -> None:
    async with serve() as house:
        robin, kim = await house.key_of("robin"), await house.key_of("kim")
        made = (await robin.post("/api/v1/request", json=ASK)).json()
        address = f"/api/v1/request/{made['request_id']}/correction"
        meant = {"capability": "list_services", "plan_id": made["plan_id"]}
        for who, status in ((kim, 403), (robin, 200)):
            assert (await who.get(address)).status_code == status
            assert (await who.get(f"{address}/list_services")).status_code == status
            assert (await who.post(address, json=meant)).status_code == status
        named = await robin.get(f"{address}?user_id=kim")
        assert named.json()["detail"] == (
            "This key acts as robin only, and user_id names somebody else."
        )
        events = (await robin.get("/api/v1/plan/1/audit")).json()["events"]
        [told] = [each for each in events if each["kind"] == "request_corrected"]
        assert (told["actor"], told["details"]["key"]) == ("robin", "robin-local")


async def test_the_local_token_acts_for_whom_it_names_and_must_name_somebody(serve: Serve) -> None:
    async with serve() as house:
        local = house.holding(TOKEN)
        answer = await local.post("/api/v1/request", json={**ASK, "user_id": "kim"})
        found = await local.get(f"/api/v1/request/{answer.json()['request_id']}")
        assert found.json()["requester"] == "kim"
        nobody = await local.post("/api/v1/request", json=ASK)
        assert nobody.status_code == 400
        assert nobody.json()["errors"] == [{"field": "user_id", "reason": "Field required"}]


async def test_unknown_and_revoked_keys_are_refused(serve: Serve) -> None:
    async with serve() as house:
        robin = await house.key_of("robin")
        assert (await robin.get("/api/v1/plans")).status_code == 200
        await revoke_key(house.store, "robin-local")
        for client in (robin, house.holding("chf_" + "x" * 43)):
            answer = await client.get("/api/v1/plans")
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorised")
            assert "chiffon keys add" in answer.json()["hint"]
            assert "WWW-Authenticate" in answer.headers


async def test_nobody_named_a_key_approves_nothing_and_the_local_token_does(serve: Serve) -> None:
    async with serve() as house:
        robin = await house.key_of("robin")
        plan = await planned(robin)
        refused = await decided(robin, plan)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert "CHIFFON_ADMINS=robin names you" in refused.json()["hint"]
        local = await decided(house.holding(TOKEN), plan, user_id="robin")
        assert local.status_code == 200


async def test_the_pages_owner_is_no_approver_by_a_key(serve: Serve) -> None:
    """On the local page, unnamed, its owner decides; a key to the same person does not."""
    async with serve(page_approvers=("UOWNER",)) as house:
        owner = await house.key_of("UOWNER", "TPAGE")
        assert (await decided(owner, await planned(owner))).status_code == 403


async def test_named_ones_approve_by_key_and_others_do_not(serve: Serve) -> None:
    async with serve(admins=("ana", "ben")) as house:
        ana, ben, eve = [await house.key_of(each) for each in ("ana", "ben", "eve")]
        plan = await planned(ana)
        refused = await decided(eve, plan)
        assert (refused.status_code, refused.json()["detail"]) == (
            403,
            "eve may not approve plans.",
        )
        own = await decided(ana, plan)
        assert own.status_code == 403
        assert "needs somebody else's approval" in own.json()["detail"]
        assert (await decided(ben, plan)).status_code == 200
        events = (await ben.get(f"/api/v1/plan/{plan}/audit")).json()["events"]
        [approved] = [each for each in events if each["kind"] == "plan_approved"]
        assert (approved["actor"], approved["details"]["key"]) == ("ben", "ben-local")


async def test_who_asked_by_the_local_token_is_the_same_person_by_key(serve: Serve) -> None:
    async with serve(admins=("ana", "ben")) as house:
        ana = await house.key_of("ana")
        plan = await planned(house.holding(TOKEN), user_id="ana")
        assert (await decided(ana, plan)).status_code == 403
        assert (await ana.post(f"/api/v1/plan/{plan}/cancel", json={})).status_code == 200


async def test_a_key_that_approves_nothing_cancels_its_own_plans_only(serve: Serve) -> None:
    async with serve() as house:
        robin, kim = await house.key_of("robin"), await house.key_of("kim")
        plan = await planned(robin)
        assert (await kim.post(f"/api/v1/plan/{plan}/cancel", json={})).status_code == 403
        assert (await kim.post(f"/api/v1/plan/{plan}/resume", json={})).status_code == 403
        assert (await robin.post(f"/api/v1/plan/{plan}/cancel", json={})).status_code == 200


async def test_an_idempotency_key_is_kept_apart_per_person_of_a_team(serve: Serve) -> None:
    async with serve() as house:
        same = {"Idempotency-Key": "k1"}
        made = set()
        for team in ("local", "T1", "T1b"):
            client = await house.key_of("robin", team)
            for _ in range(2):
                answer = await client.post("/api/v1/request", json=ASK, headers=same)
                made.add(answer.json()["request_id"])
        assert len(made) == 3


@pytest.mark.parametrize(
    ("host", "peer", "status"),
    [
        ("0.0.0.0", "127.0.0.1", 200),  # noqa: S104 - a setting
        ("::", "::1", 200),
        ("::", "::ffff:127.0.0.1", 200),
        ("0.0.0.0", "10.0.0.9", 401),  # noqa: S104 - a setting
        ("::", "::ffff:10.0.0.9", 401),
        ("10.0.0.1", "10.0.0.1", 401),
    ],
)
async def test_beyond_the_loopback_the_local_token_counts_from_this_machine_only(
    serve: Serve, host: str, peer: str, status: int
) -> None:
    async with serve(peer, host=host) as house:
        answer = await house.holding(TOKEN).get("/api/v1/plans")
        assert answer.status_code == status
        if status == 401:
            assert "chiffon keys add" in answer.json()["hint"]
        assert (await (await house.key_of("robin")).get("/api/v1/plans")).status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
async def test_the_local_token_does_not_count_through_a_proxy(serve: Serve, header: str) -> None:
    async with serve(host="0.0.0.0") as house:  # noqa: S104 - a setting
        sent = {header: "127.0.0.1"}
        answer = await house.holding(TOKEN).get("/api/v1/plans", headers=sent)
        assert answer.status_code == 401
        robin = await house.key_of("robin")
        assert (await robin.get("/api/v1/plans", headers=sent)).status_code == 200


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("chiffon.lan", 200),
        ("CHIFFON.lan:8080", 200),
        ("10.0.0.1:8080", 200),
        ("localhost:8080", 200),
        ("0.0.0.0:8080", 403),
        ("evil.example", 403),
        ("chiffon.lan.evil.example", 403),
    ],
)
async def test_only_allowed_names_may_stand_in_host(serve: Serve, name: str, status: int) -> None:
    async with serve(host="0.0.0.0", allowed_hosts=("chiffon.lan", "10.0.0.1")) as house:  # noqa: S104 - a setting
        client = await house.key_of("robin")
        answer = await client.get("/api/v1/plans", headers={"Host": name})
        assert answer.status_code == status
        if status == 403:
            assert "CHIFFON_ALLOWED_HOSTS" in answer.json()["hint"]


async def test_openapi_tells_of_keys(serve: Serve) -> None:
    async with serve() as house:
        document = (await house.holding("").get("/openapi.json")).json()
    assert "chiffon keys add" in document["info"]["description"]
    assert "chiffon keys add" in document["components"]["securitySchemes"]["token"]["description"]
