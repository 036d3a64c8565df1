"""`chiffon agent`: what it is told is checked before anything is opened."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli import app

RUNNER = CliRunner()
WHO = ("agent", "--name", "attic", "--type", "infra")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # no .env of the checkout
    monkeypatch.setenv("CHIFFON_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CHIFFON_BROKER_URL", raising=False)


def test_without_a_broker_it_says_where_agents_run_then() -> None:
    ended = RUNNER.invoke(app, [*WHO, "--label", "room=attic"])
    assert ended.exit_code == 1
    assert "CHIFFON_BROKER_URL is not set" in ended.stderr
    assert "agents run inside `chiffon up`" in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize(("option", "value"), [("--name", "At Tic"), ("--slots", "0")])
def test_what_no_agent_can_be_called_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, option: str, value: str
) -> None:
    monkeypatch.setenv("CHIFFON_BROKER_URL", "amqp://127.0.0.1:1/")
    ended = RUNNER.invoke(app, [*WHO, option, value])
    assert ended.exit_code == 2
    assert option in ended.stderr


def test_a_label_is_a_key_and_a_value() -> None:
    for wrong in ("attic", "=attic", "room="):
        ended = RUNNER.invoke(app, [*WHO, "--label", wrong])
        assert ended.exit_code == 2
        assert "KEY=VALUE" in ended.stderr


def test_name_and_type_are_needed() -> None:
    assert RUNNER.invoke(app, ["agent"]).exit_code == 2
    assert RUNNER.invoke(app, ["agent", "--help"]).exit_code == 0
