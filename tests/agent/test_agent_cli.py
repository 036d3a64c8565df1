"""`chiffon agent` says what it cannot do yet, in one sentence."""

import typer
from typer.testing import CliRunner

from agent.cli import add_commands

RUNNER = CliRunner()


def app() -> typer.Typer:
    app = typer.Typer()
    app.callback()(lambda: None)
    add_commands(app)
    return app


def test_it_says_that_agents_run_inside_chiffon_up_for_now() -> None:
    ended = RUNNER.invoke(
        app(), ["agent", "--name", "attic", "--type", "infra", "--label", "room=attic"]
    )
    assert ended.exit_code == 1
    assert "CHIFFON_BROKER_URL" in ended.stderr
    assert "agents run inside `chiffon up`" in ended.stderr
    assert ended.stdout == ""


def test_a_label_is_a_key_and_a_value() -> None:
    for wrong in ("attic", "=attic", "room="):
        ended = RUNNER.invoke(
            app(), ["agent", "--name", "attic", "--type", "infra", "--label", wrong]
        )
        assert ended.exit_code == 2
        assert "KEY=VALUE" in ended.stderr


def test_name_and_type_are_needed() -> None:
    assert RUNNER.invoke(app(), ["agent"]).exit_code == 2
    assert RUNNER.invoke(app(), ["agent", "--help"]).exit_code == 0
