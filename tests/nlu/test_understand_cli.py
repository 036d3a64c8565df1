"""`chiffon understand` for people and for programs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from orchestrator.cli.understand import understand

HERE = Path(__file__).parent
FOREIGN = ["--catalog", str(HERE / "foreign_catalog.yaml")]
app = typer.Typer()
app.command()(understand)
runner = CliRunner()


def lines_of(text: str | bytes, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    result = runner.invoke(app, ["--jsonl", *FOREIGN, *arguments], input=text)
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_steps_questions_and_leftovers_are_readable() -> None:
    text = "restart nginx, meanwhile turn off the lights. Also order pizza"
    result = runner.invoke(app, [text, *FOREIGN])
    assert result.exit_code == 0
    assert "1. Restart, reload or bounce a running service: service nginx" in result.stdout
    assert 'restart_unit {"service": "nginx"}' in result.stdout
    assert "100% sure" in result.stdout
    assert "(need not wait)" in result.stdout
    assert "? Which room" in result.stdout
    assert "1) kitchen" in result.stdout
    assert "Out of scope: \u201corder pizza\u201d" in result.stdout
    assert "Complexity: simple" in result.stdout


def test_json_is_the_whole_understanding() -> None:
    result = runner.invoke(app, ["restart nginx", "--json", *FOREIGN])
    found = json.loads(result.stdout)
    assert found["subtasks"][0]["intent"] == "restart_unit"
    assert found["decomposer_model"] == "embedded"


def test_without_a_catalogue_the_configured_one_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CHIFFON_HOME", str(tmp_path))
    result = runner.invoke(app, ["Deploy Kuma"])
    assert "deploy_service" in result.stdout


def test_each_line_is_answered_in_order() -> None:
    status, answers = lines_of(
        '{"id": "a", "text": "restart nginx"}\n{"id": 2, "text": "drop the database", "x": 1}\n'
    )
    assert status == 0
    assert answers[0] == {
        "id": "a",
        "subtasks": [{"intent": "restart_unit", "parameters": {"service": "nginx"}}],
        "ambiguities": [],
        "out_of_scope": [],
        "complexity": "simple",
    }
    assert answers[1]["id"] == 2
    assert answers[1]["ambiguities"][0]["parameter"] == "name"


@pytest.mark.parametrize(
    ("line", "identity", "reason"),
    [
        ("not json", None, "Invalid JSON"),
        ("[]", None, "object"),
        ('{"id": "a"}', "a", "text"),
        ('{"text": "restart nginx"}', None, "id"),
        ('{"id": "a", "text": "  "}', "a", "empty"),
        ('{"id": "a", "text": 5}', "a", "string"),
        ('{"id": "a", "text": "x\\u202ey"}', "a", "hidden character"),
        (json.dumps({"id": "a", "text": "x" * 10_000}), "a", "10,000 characters"),
        ("[" * 100_000, None, "JSON"),
        (b"\xff\xfe", None, "JSON"),
    ],
)
def test_a_bad_line_is_told_on_its_line_and_the_others_are_answered(
    line: str | bytes, identity: str | None, reason: str
) -> None:
    good = b'{"id": "good", "text": "restart nginx"}\n'
    bad = line if isinstance(line, bytes) else line.encode()
    status, answers = lines_of(bad + b"\n" + good)
    assert status == 1
    assert answers[0]["id"] == identity
    assert reason in answers[0]["error"]
    assert answers[1]["subtasks"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["   ", *FOREIGN], "empty"),
        (["x\u200by", *FOREIGN], "hidden character"),
        (["hello", "--catalog", "/nowhere.yaml"], "nowhere"),
    ],
)
def test_bad_input_is_one_sentence_and_status_1(arguments: list[str], reason: str) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == 1
    assert reason in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("arguments", [[], ["hello", "--jsonl"]])
def test_text_and_lines_exclude_each_other(arguments: list[str]) -> None:
    assert runner.invoke(app, arguments).exit_code == 2


def test_lines_are_answered_as_they_come() -> None:
    """A program that waits for each answer before it writes the next line is not stuck."""
    code = "import typer; from orchestrator.cli.understand import understand; typer.run(understand)"
    with subprocess.Popen(
        [sys.executable, "-c", code, "--jsonl", *FOREIGN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=HERE.parents[1],
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(3):
            line = json.dumps({"id": number, "text": "restart nginx"}) + "\n"
            process.stdin.write(line.encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(timeout=20) == 0
