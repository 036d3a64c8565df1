"""Settings of the bot: from the environment, checked, tokens kept out of sight."""

import pytest

from bot.settings import SLACK_API_URL, SlackSettings, load_slack_settings
from orchestrator.errors import SettingsError


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setitem(SlackSettings.model_config, "env_file", None)
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "CHIFFON_SLACK_API_URL"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_without_tokens_there_is_no_slack() -> None:
    settings = load_slack_settings()
    with pytest.raises(SettingsError, match="SLACK_BOT_TOKEN is not set"):
        settings.tokens()
    assert settings.api_url == SLACK_API_URL


def test_everything_comes_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    environment.setenv("SLACK_APP_TOKEN", "xapp-1")
    environment.setenv("CHIFFON_SLACK_API_URL", "http://127.0.0.1:1/slack/api")
    environment.setenv("CHIFFON_LISTEN_CHANNELS", "C1, C2,")
    settings = load_slack_settings()
    assert settings.tokens() == ("xoxb-1", "xapp-1")
    assert settings.api_url == "http://127.0.0.1:1/slack/api/"
    assert settings.listen_channels == {"C1", "C2"}


def test_tokens_are_not_shown() -> None:
    shown = repr(SlackSettings(_env_file=None, bot_token="xoxb-1", app_token="xapp-1"))
    assert "xoxb-1" not in shown
    assert "xapp-1" not in shown


def test_an_address_that_is_none_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CHIFFON_SLACK_API_URL", "slack.example")
    with pytest.raises(SettingsError, match="CHIFFON_SLACK_API_URL: "):
        load_slack_settings()
