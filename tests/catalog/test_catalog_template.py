"""A parameter is one argument or a part of one, and never anything else."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from orchestrator.catalog.models import Capability, Risk
from orchestrator.catalog.template import (
    placeholders,
    render_argv,
    render_target,
    render_text,
    render_title,
    stray_braces,
)
from orchestrator.domain.value import Parameters

Write = Callable[..., Path]
SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"a": {}, "b": {"default": "preset"}, "c": {"default": None}, "odd": True},
}


def _argv(*command: str, **parameters: JsonValue) -> list[str]:
    return render_argv(command, parameters, SCHEMA, "/nowhere")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("two words; rm -rf $HOME `id`", "two words; rm -rf $HOME `id`"),
        ("", ""),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (3.0, "3"),
        (2.5, "2.5"),
        (["a", 1], '["a",1]'),
        ({"k": "ü"}, '{"k":"ü"}'),
        ("{{ b }}", "{{ b }}"),
        ("\\g<0> \\1", "\\g<0> \\1"),
    ],
)
def test_a_value_is_one_argument_as_it_stands(value: JsonValue, text: str) -> None:
    assert _argv("echo", "{{ a }}", "x={{a}}!", a=value) == ["echo", text, f"x={text}!"]


def test_an_argument_without_value_is_left_out_and_a_default_is_a_value() -> None:
    command = ("run", "--a={{ a }}", "{{ a }}-{{ b }}", "--b={{ b }}", "--c={{ c }}", "end")
    assert _argv(*command) == ["run", "--b=preset", "end"]
    assert _argv(*command, a=None, b="own") == ["run", "--b=own", "end"]


def test_a_schema_without_properties_has_no_defaults() -> None:
    assert render_argv(["a", "{{ b }}"], {}, {"type": "object"}, "/") == ["a"]


@pytest.mark.parametrize("value", ["a\0b", "a\nb", "\x1b[31m", "\x7f", "\x85", "tab\t"])
def test_control_characters_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="`a` holds a control character"):
        _argv("echo", "--a={{ a }}", a=value)


@pytest.mark.parametrize("argument", ["{{ a }}", "{{ a }}:80", "{{ a }}{{ b }}"])
@pytest.mark.parametrize("value", ["-rf", "--", -5])
def test_a_value_that_opens_an_argument_is_no_option(argument: str, value: JsonValue) -> None:
    with pytest.raises(ValueError, match="`a` starts with `-`"):
        _argv("rm", argument, a=value)


def test_a_dash_is_harmless_behind_fixed_text() -> None:
    assert _argv("rm", "--n={{ a }}", "-{{ a }}", a="-5") == ["rm", "--n=-5", "--5"]


def test_a_file_of_the_folder_is_named_absolutely(write: Write) -> None:
    folder = write("bin/go.sh", "x").parent.parent
    command = ["bin/go.sh", "./bin/go.sh", "bin", "none.sh", "{{ a }}", "a\0b"]
    file = str(folder / "bin/go.sh")
    # A value is never looked up: what a person writes does not become a path.
    assert render_argv(command, {"a": "bin/go.sh"}, SCHEMA, folder) == [
        file, file, "bin", "none.sh", "bin/go.sh", "a\0b",
    ]  # fmt: skip


_ARGUMENT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=40)


@given(value=_ARGUMENT)
def test_whatever_the_value_the_arguments_keep_their_number_and_their_frame(value: str) -> None:
    rendered = _argv("run", "--x={{ a }}", "fixed", a=value)
    assert rendered == ["run", f"--x={value}", "fixed"]


def test_hostile_values_reach_a_program_unread(tmp_path: Path) -> None:
    """S16: what a shell or a template engine would act on arrives as plain text."""
    canary = tmp_path / "canary"
    program = "import sys; print(sys.argv[1:])"
    for hostile in (
        f"$(touch {canary})", f"`touch {canary}`", f"; touch {canary}", f"| touch {canary}",
        f"&& touch {canary}", f"' ; touch {canary} '", f'" ; touch {canary} "', f"> {canary}",
        "{{ lookup('pipe', 'touch x') }}", "{{ b }}", "${IFS}", "%s%n", "../../etc/passwd", "*",
    ):  # fmt: skip
        argv = _argv(sys.executable, "-c", program, "{{ a }}", "--v={{ a }}", a=hostile)
        answer = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        assert answer.strip() == str([hostile, f"--v={hostile}"])
    assert not canary.exists()


@pytest.mark.parametrize(
    ("template", "names", "stray"),
    [
        ("no", [], False),
        ("{{ a }}{{b-c}} {{a}}", ["a", "b-c", "a"], False),
        ("{{ a | upper }}", [], True),
        ("{{ a.b }}", [], True),
        ("{{ a[0] }}", [], True),
        ("{{ }}", [], True),
        ("{{ a", [], True),
        ("a }}", [], True),
        ("{% a %} { a } ${a}", [], False),
    ],
)
def test_only_a_name_in_double_braces_is_a_placeholder(
    template: str, names: list[str], *, stray: bool
) -> None:
    assert placeholders(template) == names
    assert stray_braces(template) is stray


@pytest.mark.parametrize(
    ("template", "parameters", "line"),
    [
        ("Restart {{ a }} on {{ host }}", {"a": "nginx", "host": "n2"}, "Restart nginx on n2"),
        ("Restart {{ a }} on {{ host }}", {"a": "nginx"}, "Restart nginx"),
        ("Restart {{ a }} on {{ host }}", {}, "Restart"),
        ("Restart {{ a }} now", {}, "Restart now"),
        ("Use {{ b }}", {}, "Use preset"),
        ("Use v{{ a }}, {{b}}!", {"a": 3.0}, "Use v3, preset!"),
        ("Ask {{ a }}", {"a": ["x", 1, True]}, "Ask x, 1, true"),
        ("Say {{ a }}", {"a": "two\n  lines"}, "Say two lines"),
        ("Say {{ a }}", {"a": "{{ b }}"}, "Say {{ b }}"),
        ("{{ host }}", {}, ""),
        ("", {}, ""),
    ],
)
def test_a_line_for_people_leaves_out_what_is_not_known(
    template: str, parameters: Parameters, line: str
) -> None:
    assert render_text(template, parameters, SCHEMA) == line


def _capability(title: str | None = None, runs_on: str | None = None) -> Capability:
    return Capability(
        name="greet",
        description="Greet somebody",
        agent_type="infra",
        risk=Risk.LOW,
        title=title,
        runs_on=runs_on,
        parameters=SCHEMA,
    )


def test_without_a_title_the_description_is_the_title() -> None:
    assert render_title(_capability("Greet {{ a }}"), {"a": "Ann"}) == "Greet Ann"
    assert render_title(_capability("{{ a }}"), {}) == "Greet somebody"
    assert render_title(_capability(), {}) == "Greet somebody"


@pytest.mark.parametrize(
    ("runs_on", "parameters", "target"),
    [
        (None, {}, None),
        ("node1", {}, "node1"),
        ("{{ a }}", {"a": "node2"}, "node2"),
        ("host={{ a }}", {"a": 2}, "host=2"),
        ("{{ a }}", {}, None),
        ("{{ a }}", {"a": None}, None),
        ("{{ a }}", {"a": " "}, None),
        ("{{ b }}", {}, "preset"),
    ],
)
def test_the_target_is_the_label_or_nothing(
    runs_on: str | None, parameters: Parameters, target: str | None
) -> None:
    assert render_target(_capability(runs_on=runs_on), parameters) == target
