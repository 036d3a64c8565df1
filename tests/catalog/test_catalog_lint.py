"""The linter finds what loads, but may not do what its author thinks."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.catalog.lint import Severity, lint
from orchestrator.catalog.loader import load_catalog, starter_folder

Write = Callable[..., Path]


def _messages(file: Path, severity: Severity = Severity.WARNING) -> list[str]:
    return [found.message for found in lint(load_catalog([file])) if found.severity is severity]


def test_the_starter_is_clean() -> None:
    assert lint(load_catalog([starter_folder()])) == []


def test_a_good_entry_has_no_findings(write: Write) -> None:
    assert lint(load_catalog([write("a.yaml")])) == []


@pytest.mark.parametrize(
    "command",
    [
        "[sh, -c, 'echo {{ person }}']",
        "[/bin/bash, -lc, 'echo {{ person }}']",
        "[bash, -e, -c, 'echo {{ person }}']",
        "[sudo, sh, -ec, '{{ person }}']",
        "[python3, -c, 'print(\"{{ person }}\")']",
        "[perl, -e, '{{ person }}']",
    ],
)
def test_a_parameter_as_code_is_an_error(write: Write, entry_text: str, command: str) -> None:
    text = entry_text.replace('[echo, "hello {{ person }}"]', command)
    found = lint(load_catalog([write("a.yaml", text)]))
    errors = [each for each in found if each.severity is Severity.ERROR]
    assert [each.capability for each in errors] == ["greet"]
    assert errors[0].where.endswith("a.yaml:3")
    assert "`person` becomes code of" in errors[0].message


def test_a_parameter_beside_the_code_is_only_a_shell(write: Write, entry_text: str) -> None:
    text = entry_text.replace("[echo,", "[sh, -c, 'echo \"$1\"', sh,")
    file = write("a.yaml", text)
    assert _messages(file, Severity.ERROR) == []
    assert any("runs code through sh" in message for message in _messages(file))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("risk: low", "risk: low\n    preview: {command: [true]}", "`preview` is accepted, but"),
        ("risk: low", "risk: low\n    verify: {http: {url: x}}", "`verify` is accepted, but"),
        ("risk: low", "risk: low\n    undo: {command: ['false']}", "`undo` is accepted, but"),
        ("{command: [echo,", "{python: {call: x, with: [", "`run.python` is accepted, but"),
        ("[greet Ann, say hello to Bob, welcome Eve]", "[greet Ann]", "has 1 examples"),
        (", description: Who is greeted", "", "`person` has no description"),
        ("^[A-Za-z]+$", "[A-Za-z]+", "may match a part only"),
        ('pattern: "^[A-Za-z]+$"', "format: uri-template", "is not checked here"),
        ('"hello {{ person }}"', "hello", "used by neither"),
        ('"hello {{ person }}"', '-m, a.b, "x{{ person }}"', "that `files` does not name"),
        ("risk: low", "risk: high\n    idempotent: true", "of high risk and idempotent"),
        ("risk: low", "risk: low\n    timeout_seconds: 20", "it is stopped too early"),
        ("risk: low", "risk: low\n    override: true", "replaces nothing"),
    ],
)
def test_a_doubtful_entry_is_warned_about(
    write: Write, entry_text: str, old: str, new: str, words: str
) -> None:
    text = entry_text.replace(old, new).replace("command: [true]", "command: ['true']")
    text = text.replace('with: [ "hello {{ person }}"]}', 'with: ["{{ person }}"]}}')
    messages = _messages(write("a.yaml", text))
    assert [words in message for message in messages] == [True]


def test_an_open_argument_without_a_pattern_is_warned_about(write: Write, entry_text: str) -> None:
    text = entry_text.replace(', pattern: "^[A-Za-z]+$"', "").replace('"hello {{', '"{{')
    assert _messages(write("a.yaml", text)) == [
        "`person` opens an argument and has no pattern; add one",
    ]
    narrow = text.replace("type: string", "type: integer")
    assert _messages(write("a.yaml", narrow)) == []


def test_one_example_for_two_capabilities_is_warned_about(write: Write, entry_text: str) -> None:
    write("c/a.yaml")
    other = entry_text.replace("name: greet", "name: wave").replace("greet Ann", "Greet  ann")
    file = write("c/b.yaml", other.replace("say hello to Bob, welcome Eve", "wave, nod"))
    found = lint(load_catalog([file.parent]))
    assert [(each.capability, each.where) for each in found] == [("wave", f"{file}:3")]
    assert "also one of `greet`" in found[0].message
