"""The manifests keep Slack's limits, match the program's names, and every scope is explained."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from bot import ids
from bot.cli.slack_manifest import load_manifest

_ROOT = Path(__file__).parents[3]
_DOCS = (_ROOT / "docs" / "slack.md").read_text(encoding="utf-8")
_URL_LIMIT = 8_000  # what browsers and servers take without a murmur


@pytest.fixture(params=["manifest.yml", "manifest.agent.yml"])
def manifest(request: pytest.FixtureRequest) -> dict[str, Any]:
    text = (_ROOT / request.param).read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_every_scope_and_event_is_explained(manifest: dict[str, Any]) -> None:
    named = set(re.findall(r"^\| `([\w.:]+)`", _DOCS, re.MULTILINE))
    scopes = manifest["oauth_config"]["scopes"]["bot"]
    events = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert [name for name in (*scopes, *events) if name not in named] == []


def test_no_scope_is_explained_that_neither_asks_for() -> None:
    asked = load_manifest().scopes | load_manifest(agent=True).scopes
    table = _DOCS.partition("\n## Scopes\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([\w.:]+)`", table, re.MULTILINE)) == asked


def test_the_agent_manifest_asks_for_all_of_the_small_one_and_more() -> None:
    assert load_manifest().scopes < load_manifest(agent=True).scopes


def test_the_small_manifest_reads_no_channel() -> None:
    histories = {each for each in load_manifest().scopes if each.endswith(":history")}
    assert histories == {"im:history"}


def test_names_match_what_the_bot_listens_to(manifest: dict[str, Any]) -> None:
    features = manifest["features"]
    assert [each["command"] for each in features["slash_commands"]] == [ids.COMMAND]
    assert [each["callback_id"] for each in features["shortcuts"]] == [ids.ASK_SHORTCUT]


def test_texts_keep_slacks_limits(manifest: dict[str, Any]) -> None:
    shown, features = manifest["display_information"], manifest["features"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert 174 <= len(shown["long_description"]) <= 4_000
    assert len(features["bot_user"]["display_name"]) <= 80
    assert all(len(each["name"]) <= 24 for each in features["shortcuts"])
    assert all(len(each["command"]) <= 32 for each in features["slash_commands"])
    view = features.get("agent_view", {"agent_description": "", "suggested_prompts": []})
    assert len(view["agent_description"]) <= 300
    assert len(view["suggested_prompts"]) <= 4


def test_nothing_that_cannot_be_undone_or_needs_a_public_address(
    manifest: dict[str, Any],
) -> None:
    settings = manifest["settings"]
    assert settings["socket_mode_enabled"] is True
    assert settings["interactivity"] == {"is_enabled": True}
    assert settings["token_rotation_enabled"] is False
    assert "request_url" not in yaml.dump(manifest)


@pytest.mark.parametrize("agent", [False, True])
def test_the_link_carries_the_whole_manifest(agent: bool) -> None:
    manifest = load_manifest(agent=agent)
    link = manifest.create_link
    carried = parse_qs(urlsplit(link).query)["manifest_yaml"][0]
    assert yaml.safe_load(carried) == yaml.safe_load(manifest.text)
    assert manifest.text == (_ROOT / manifest.name).read_text(encoding="utf-8")
    assert len(link) < _URL_LIMIT
