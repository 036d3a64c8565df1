"""`chiffon doctor` on language models: each finding has its fix, nothing that costs is asked."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.cli.check import State
from bot.cli.model_checks import check_models
from orchestrator.llm import opening
from orchestrator.settings import Settings


class ModelServer:
    """Lists its models as Ollama and others do, and writes down what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        self.body = '{"object": "list", "data": [{"id": "qwen3:latest"}, {"id": "gemma"}]}'
        self.address = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        return web.Response(text=self.body, status=self.status, content_type="application/json")


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    models = ModelServer()
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", models.answer)
    running = TestServer(app)
    await running.start_server()
    models.address = str(running.make_url("/v1"))
    yield models
    await running.close()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    return Settings(_env_file=None, home=tmp_path)


def local(settings: Settings, url: str, model: str = "ollama:qwen3") -> Settings:
    return settings.model_copy(update={"local_model": model, "local_model_url": url})


def external(settings: Settings, **more: object) -> Settings:
    changed = {"external_model": "anthropic:claude-haiku-4-5", **more}
    return Settings.model_validate({**settings.model_dump(), **changed})


async def test_no_model_is_no_problem(settings: Settings) -> None:
    [found] = await check_models(settings)
    assert (found.name, found.state, found.fix) == ("models", State.OK, "")


@pytest.mark.parametrize("model", ["ollama:qwen3", "ollama:qwen3:latest", "openai:gemma"])
async def test_a_model_that_is_there_is_found_by_its_list_alone(
    settings: Settings, server: ModelServer, model: str
) -> None:
    [found] = await check_models(local(settings, server.address, model))
    assert (found.name, found.state) == ("local model", State.OK)
    assert server.asked == ["GET /v1/models"]


@pytest.mark.parametrize(
    ("answer", "model", "said", "fix"),
    [
        ((200, '{"data": []}'), "ollama:qwen3", "it has: none", "ollama pull qwen3"),
        ((200, '{"data": [{"id": "a"}]}'), "openai:b", "it has: a", "Start it with that model"),
        ((200, '{"data": null}'), "openai:b", "it has: none", "Start it with that model"),
        ((401, "{}"), "openai:b", "refuses the key", "CHIFFON_LOCAL_MODEL_KEY"),
        ((404, "{}"), "openai:b", "HTTP 404", "must end in the server's /v1"),
        ((200, "<html>"), "openai:b", "does not list models", "must end in the server's /v1"),
        ((200, '{"data": [7]}'), "openai:b", "does not list models", "/v1"),
        ((200, "[" * 50_000), "openai:b", "does not list models", "/v1"),
    ],
)
async def test_what_is_wrong_with_a_local_server_is_said_with_its_fix(
    settings: Settings,
    server: ModelServer,
    answer: tuple[int, str],
    model: str,
    said: str,
    fix: str,
) -> None:
    server.status, server.body = answer
    [found] = await check_models(local(settings, server.address, model))
    assert found.state is State.PROBLEM
    assert said in found.found
    assert fix in found.fix


async def test_a_server_that_is_not_there_is_named_without_its_password(
    settings: Settings,
) -> None:
    [found] = await check_models(local(settings, "http://u:hush@127.0.0.1:9/v1"))
    assert found.state is State.PROBLEM
    assert "127.0.0.1:9" in found.found
    assert "hush" not in found.found
    assert "ollama serve" in found.fix


async def test_missing_packages_and_a_missing_key_are_problems(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    [keyless] = await check_models(external(settings))
    assert keyless.state is State.PROBLEM
    assert "ANTHROPIC_API_KEY is not" in keyless.found
    monkeypatch.setattr(opening, "_PACKAGES", ("no_such_package_at_all",))
    [bare] = await check_models(external(settings))
    assert "pip install 'chiffon[llm]'" in bare.found


@pytest.mark.parametrize(
    ("more", "state", "said"),
    [
        ({}, State.WARNING, "no text leaves"),
        ({"model_policy": "never_external"}, State.WARNING, "no external model is used"),
        ({"external_text": "requests"}, State.WARNING, "no budget limits"),
        ({"external_text": "all", "external_model_budget": 5}, State.OK, "at most 5 a month"),
    ],
)
async def test_what_may_leave_and_what_it_may_cost_is_said_and_nothing_is_asked(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    server: ModelServer,
    more: dict[str, object],
    state: State,
    said: str,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "made-up")
    chosen = external(settings, external_model_url=server.address, **more)
    [found] = await check_models(chosen)
    assert (found.name, found.state) == ("external model", state)
    assert said in found.found
    assert (found.fix == "") is (state is State.OK)
    assert "made-up" not in found.found
    assert server.asked == []
