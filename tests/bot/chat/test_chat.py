"""The chat that `chiffon up` shows: a workspace or the local Slack, and what an outage costs."""

from pathlib import Path

import pytest
from aiohttp import web

from bot.cli.chat import Chat
from orchestrator.errors import ChiffonError, SettingsError
from orchestrator.service import OrchestratorService
from orchestrator.settings import Settings
from tests.plugins.waiting import until


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1")


class Workspace:
    """Slack's two first calls, answered by a list, the last for ever."""

    def __init__(self, *answers: web.Response) -> None:
        self.answers = list(answers)
        self.calls = 0

    async def answer(self, _: web.Request) -> web.Response:
        self.calls += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.json_response(text=found.text, status=found.status)

    async def serve(self) -> tuple[web.AppRunner, str]:
        app = web.Application()
        app.router.add_post("/api/{method}", self.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/api/"


def said(status: int = 200, **fields: object) -> web.Response:
    return web.json_response(fields, status=status)


def test_one_token_alone_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tokens: None
) -> None:
    monkeypatch.delenv("SLACK_APP_TOKEN")
    with pytest.raises(SettingsError, match=r"SLACK_APP_TOKEN is not set"):
        Chat.of(Settings(home=tmp_path), "token")


def test_the_local_slack_is_never_beside_a_workspace(tmp_path: Path, tokens: None) -> None:
    chat = Chat.of(Settings(home=tmp_path), "token")
    assert chat.local is None
    assert chat.approvers == ()
    assert "token" not in chat.page("http://127.0.0.1:1", "token")


async def test_beyond_the_loopback_there_is_no_local_page(
    tmp_path: Path, orchestrator_service: OrchestratorService
) -> None:
    """It vouches for whoever opens it, so it is left out, and that is said."""
    chat = Chat.of(Settings(home=tmp_path, host="0.0.0.0"), "token")  # noqa: S104 - a setting
    assert chat.local is None
    assert chat.approvers == ()
    told = chat.page("http://127.0.0.1:1", "token")
    assert "token" not in told.replace("tokens", "")
    assert "The chat page is for this machine alone" in told

    async def api(scope: object, receive: object, send: object) -> None:
        """Stand in for REST."""

    assert chat.beside(api) is api
    async with chat.answering(orchestrator_service, "http://127.0.0.1:1"):
        pass


async def test_a_refused_token_is_an_error_at_once(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tokens: None,
    orchestrator_service: OrchestratorService,
) -> None:
    runner, address = await Workspace(said(ok=False, error="invalid_auth")).serve()
    monkeypatch.setenv("CHIFFON_SLACK_API_URL", address)
    chat = Chat.of(Settings(home=tmp_path), "token")
    with pytest.raises(ChiffonError, match="SLACK_BOT_TOKEN: invalid_auth"):
        async with chat.answering(orchestrator_service, "http://127.0.0.1:1"):
            pytest.fail("it joined")
    await runner.cleanup()


async def test_an_outage_of_slack_stops_nothing_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tokens: None,
    orchestrator_service: OrchestratorService,
) -> None:
    monkeypatch.setattr("bot.cli.chat._JOIN_SECONDS", 0.1)
    # With status 200: of this the SDK makes no tries of its own.
    workspace = Workspace(said(ok=False, error="service_unavailable"))
    runner, address = await workspace.serve()
    monkeypatch.setenv("CHIFFON_SLACK_API_URL", address)
    chat = Chat.of(Settings(home=tmp_path), "token")
    async with chat.answering(orchestrator_service, "http://127.0.0.1:1"):
        assert workspace.calls == 1
        await until(lambda: workspace.calls > 1, what="it tries again", seconds=30)
    await runner.cleanup()
