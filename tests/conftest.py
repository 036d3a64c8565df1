"""Fixtures for whatever needs a database, a running orchestrator, agents or the API."""

import asyncio
import os
import shutil
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import asyncpg
import httpx
import pytest
from hypothesis import settings as hypothesis_settings
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from orchestrator.api.app import build_app
from orchestrator.bootstrap import Orchestrator, open_orchestrator
from orchestrator.catalog.catalogue import LiveCatalog
from orchestrator.catalog.loader import starter_folder
from orchestrator.fallback import ExternalAIFallback
from orchestrator.llm.port import Models
from orchestrator.service import OrchestratorService
from orchestrator.settings import Settings
from orchestrator.store.migrate import upgrade
from orchestrator.store.tables import metadata
from orchestrator.store.unit_of_work import Store
from orchestrator.testing import ScriptedAgent, ScriptedModel
from orchestrator.transport.local import LocalTransport
from orchestrator.transport.port import Transport
from orchestrator.usecases.model_log import StoredDecisionLog
from tests.plugins.broker import patient_rabbit
from tests.plugins.missing import require
from tests.scene import Desk

_SERVER = os.environ.get(
    "CHIFFON_TEST_DATABASE_URL", "postgresql+asyncpg://postgres@127.0.0.1:5432/postgres"
)
TOKEN = "t" * 43


def _run_on_server(*statements: str) -> None:
    url = make_url(_SERVER).set(drivername="postgresql")

    async def run() -> None:
        connection = await asyncpg.connect(url.render_as_string(hide_password=False), timeout=5)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


# How long one example takes says more about the machine than about the code. Each run draws
# other examples; CI draws more of them.
_EXAMPLES = 100 if os.environ.get("CI") == "true" else 25
hypothesis_settings.register_profile("chiffon", deadline=None, max_examples=_EXAMPLES)
hypothesis_settings.load_profile("chiffon")


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> None:
    """A shell makes what it runs in the background deaf to Ctrl-C; children would inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A migrated PostgreSQL database of this run's own; gone afterwards."""
    name = f"chiffon_test_{uuid.uuid4().hex[:12]}"
    try:
        _run_on_server(f'CREATE DATABASE "{name}"')
        answered = True
    except (OSError, TimeoutError, asyncpg.PostgresError):
        answered = False
    at = make_url(_SERVER)
    require("PostgreSQL", answered=answered, why=f"no usable server at {at.host}:{at.port}")
    url = at.set(database=name).render_as_string(hide_password=False)
    try:
        asyncio.run(_migrate(url))
        yield url
    finally:
        _run_on_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy: migrating anew takes longer than most tests."""
    file = tmp_path_factory.mktemp("template") / "chiffon.db"
    asyncio.run(_migrate(f"sqlite+aiosqlite:///{file}"))
    return file


async def _migrate(url: str) -> None:
    store = Store(url)
    await upgrade(store)
    await store.close()


async def emptied(url: str) -> None:
    """Leave nothing in a migrated PostgreSQL database."""
    store = Store(url)
    names = ", ".join(f'"{name}"' for name in metadata.tables if name != "counters")
    async with store.engine.begin() as connection:
        await connection.execute(text(f"TRUNCATE {names}"))
        await connection.execute(text("UPDATE counters SET value = 0"))
    await store.close()


class Pair(NamedTuple):
    """A database and a broker that Chiffon runs on."""

    database: str
    broker: str


_EMBEDDED = pytest.param(Pair("sqlite", "local"), id="sqlite")
_NAS = pytest.param(Pair("sqlite", "rabbitmq"), id="sqlite+rabbitmq", marks=pytest.mark.rabbitmq)
_REPLICAS = pytest.param(
    Pair("postgresql", "rabbitmq"),
    id="postgresql+rabbitmq",
    marks=[pytest.mark.postgres, pytest.mark.rabbitmq],
)
_SERVER_ONLY = pytest.param(Pair("postgresql", "none"), id="postgresql", marks=pytest.mark.postgres)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on what it touches: both databases; with a broker, on each pair that is meant.

    The embedded pair and the one of many replicas; modules marked `conformance` also on the one
    between: one machine with agents elsewhere.
    """
    if "pair" not in metafunc.fixturenames:
        return
    with_broker = "transport" in metafunc.fixturenames
    everywhere = metafunc.definition.get_closest_marker("conformance") is not None
    pairs = [_EMBEDDED, _REPLICAS if with_broker else _SERVER_ONLY]
    metafunc.parametrize("pair", [*pairs, _NAS] if with_broker and everywhere else pairs)


@pytest.fixture
def database_url(pair: Pair, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty, migrated database: embedded, or on the server."""
    if pair.database == "sqlite":
        file = tmp_path / "chiffon.db"
        shutil.copyfile(request.getfixturevalue("sqlite_file"), file)
        return f"sqlite+aiosqlite:///{file}"
    url: str = request.getfixturevalue("postgres_url")
    asyncio.run(emptied(url))
    return url


@pytest.fixture
async def transport(pair: Pair) -> AsyncIterator[Transport]:
    """An open transport: in this process, or a RabbitMQ with queues of this test's own."""
    if pair.broker == "rabbitmq":
        async with patient_rabbit() as broker:
            yield broker
        return
    local = LocalTransport()
    yield local
    await local.close()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A store on that database, schema in place."""
    opened = Store(database_url)
    await upgrade(opened)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def _defaults() -> Settings:
    """What nobody has set; looking that up anew for each test takes longer than many tests."""
    return Settings(_env_file=None, home=Path("/nonexistent"))


@pytest.fixture
def settings(tmp_path: Path, database_url: str, _defaults: Settings) -> Settings:
    """Settings that touch nothing outside the test's folder."""
    return _defaults.model_copy(update={"home": tmp_path / "home", "database_url": database_url})


@pytest.fixture(scope="session")
def catalog() -> LiveCatalog:
    """The starter catalogue; nobody changes it."""
    return LiveCatalog([starter_folder()])


@pytest.fixture
def external_model() -> ScriptedModel:
    """The external model; a test may give it more to say."""
    return ScriptedModel("external-fake", ["external answer"])


@pytest.fixture
def local_model() -> ScriptedModel:
    """The local model."""
    return ScriptedModel("local-fake", ["local answer"])


@pytest.fixture
async def orchestrator(
    settings: Settings,
    catalog: LiveCatalog,
    transport: Transport,
    external_model: ScriptedModel,
    local_model: ScriptedModel,
) -> AsyncIterator[Orchestrator]:
    """A running orchestrator: relay, keeper and reader work."""
    models = Models(external=external_model, local=local_model)
    async with open_orchestrator(settings, catalog.current, transport, models) as running:
        yield running


@pytest.fixture
def orchestrator_service(orchestrator: Orchestrator) -> OrchestratorService:
    """The front of the running orchestrator."""
    return orchestrator.service


def capabilities_of(catalog: LiveCatalog, agent_type: str) -> dict[str, str]:
    """Return what an agent of a pool announces."""
    return {
        name: entry.digest
        for name, entry in catalog.current().entries.items()
        if entry.capability.agent_type == agent_type and not entry.capability.reasoning
    }


@pytest.fixture
async def mock_agent_pool(
    orchestrator: Orchestrator, catalog: LiveCatalog
) -> AsyncIterator[list[ScriptedAgent]]:
    """Two online infra agents that can deploy_service."""
    known = capabilities_of(catalog, "infra")
    pool = [ScriptedAgent(orchestrator.transport, f"infra-{n}", known) for n in (1, 2)]
    for agent in pool:
        await agent.start()
    yield pool
    for agent in pool:
        await agent.stop()


@pytest.fixture
def kuma_request() -> str:
    """The request that the product is shown with."""
    return "Deploy Kuma Uptime and add existing portals to config"


@pytest.fixture
def simple_request() -> str:
    """One plain step."""
    return "Deploy Kuma"


@pytest.fixture
def complex_request() -> str:
    """One plain step and two that need a language model."""
    return "Deploy Kuma, research alternatives, generate improvements"


@pytest.fixture
async def db_session(orchestrator: Orchestrator) -> AsyncIterator[AsyncConnection]:
    """A connection of its own to the orchestrator's database."""
    async with orchestrator.service.context.store.engine.connect() as connection:
        yield connection


@pytest.fixture
async def test_client(
    orchestrator_service: OrchestratorService, settings: Settings
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the REST API that holds the local token."""
    app = build_app(orchestrator_service, token=TOKEN, settings=settings)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url=f"http://127.0.0.1:{settings.port}",
        headers={"Authorization": f"Bearer {TOKEN}"},
    ) as client:
        yield client


@pytest.fixture
def desk(orchestrator: Orchestrator, mock_agent_pool: list[ScriptedAgent]) -> Desk:
    """All of the above in one hand."""
    return Desk(orchestrator, mock_agent_pool)


@pytest.fixture
def fallback(desk: Desk) -> ExternalAIFallback:
    """A fallback with a quota of ten local calls an hour and short time limits."""
    context = desk.service.context
    return ExternalAIFallback(
        StoredDecisionLog(context.store, 10),
        external=context.fallback.external,
        local=context.fallback.local,
        external_seconds=0.05,
        local_seconds=5,
    )
