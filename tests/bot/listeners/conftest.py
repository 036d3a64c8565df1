"""The real Bolt app over the real service, in front of a Web API that records."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from bot.app import build_bot
from bot.client import web_client
from bot.settings import SlackSettings
from orchestrator.service import OrchestratorService
from orchestrator.settings import Settings
from orchestrator.testing import ScriptedAgent
from tests.bot.slack_scene import ALEX, ROBIN, SAM, RecordingSlack, Scene


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(
        _env_file=None, home=tmp_path / "home", database_url=database_url, admins=(ROBIN, ALEX, SAM)
    )


@pytest.fixture
async def slack() -> AsyncIterator[RecordingSlack]:
    recording = RecordingSlack()
    server = TestServer(recording.application)
    await server.start_server()
    recording.address = str(server.make_url("/"))
    yield recording
    await server.close()


@pytest.fixture
async def scene(
    slack: RecordingSlack,
    orchestrator_service: OrchestratorService,
    mock_agent_pool: list[ScriptedAgent],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Scene]:
    # A slow machine must not say "on it" where a test counts what is said.
    monkeypatch.setattr("bot.listeners.thinking._ON_IT_SECONDS", 60)
    settings = SlackSettings(
        _env_file=None,
        bot_token="xoxb-test",
        app_token="xapp-test",
        api_url=f"{slack.address}api",
        listen_channels=frozenset({"CLISTEN"}),
    )
    async with aiohttp.ClientSession() as session:
        bot = build_bot(settings, orchestrator_service, web_client(settings, session))
        yield Scene(bot, slack, orchestrator_service)
        await bot.close()
