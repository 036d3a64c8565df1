"""`chiffon catalog` works without a running Chiffon and answers faults in one sentence."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestrator.catalog.catalogue import LiveCatalog
from orchestrator.catalog.lint import lint
from orchestrator.catalog.loader import load_catalog
from orchestrator.cli.catalog import catalog_app
from orchestrator.settings import Settings

Write = Callable[..., Path]
Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHIFFON_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CHIFFON_CATALOG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def run(home: Path) -> Run:
    def _run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(catalog_app, [str(each) for each in arguments])

    return _run


def _refused(result: Result) -> str:
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1
    return result.stderr.strip()


class TestList:
    def test_it_shows_the_starter_and_what_no_embedded_agent_can_run(self, run: Run) -> None:
        result = run("list")
        assert result.exit_code == 0
        assert "deploy_service" in result.stdout
        assert "no agent of the embedded kind" in result.stdout

    def test_json_is_for_programs(self, run: Run) -> None:
        entries = {each["name"]: each for each in json.loads(run("list", "--json").stdout)}
        assert entries["deploy_service"]["risk"] == "medium"
        assert entries["review_code"]["reasoning"] is True
        assert len(entries["deploy_service"]["digest"]) == 64

    def test_markup_in_a_description_is_only_text(self, run: Run, write: Write) -> None:
        text = write("home/catalog/a.yaml").read_text(encoding="utf-8")
        write("home/catalog/a.yaml", text.replace("Greet a person", "Greet [red]a person[/red]"))
        assert "[red]a person[/red]" in run("list").stdout

    def test_a_broken_overlay_is_one_sentence(self, run: Run, write: Write) -> None:
        file = write("home/catalog/a.yaml", "version: 3")
        assert _refused(run("list")).startswith(f"{file}:1: `version` must be 1")

    def test_a_broken_setting_is_one_sentence(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CHIFFON_PORT", "many")
        assert _refused(run("list")).startswith("CHIFFON_PORT")

    def test_what_nothing_executes_yet_is_said(
        self, run: Run, write: Write, entry_text: str
    ) -> None:
        write("home/catalog/a.yaml", entry_text.replace("{command: [echo,", "{http: {x: [").replace(
            '}}"]}', '}}"]}}'))  # fmt: skip
        assert "not executed yet" in run("list").stdout
        assert "no command: not executed yet" in run("try", "greet", "person=Ann").stdout


class TestLint:
    def test_all_in_use_is_checked_without_a_path(self, run: Run) -> None:
        result = run("lint")
        assert (result.exit_code, result.stdout.split(", ", 1)[1]) == (0, "0 errors, 0 warnings\n")

    def test_an_error_is_exit_status_1_with_its_place(
        self, run: Run, write: Write, entry_text: str
    ) -> None:
        file = write("a.yaml", entry_text.replace("[echo,", "[sh, -c,"))
        result = run("lint", file)
        assert result.exit_code == 1
        assert f"{file}:3: error: greet: `run`: `person` becomes code" in result.stdout
        assert "1 entries, 1 errors, 0 warnings" in result.stdout

    def test_warnings_alone_pass(self, run: Run, write: Write, entry_text: str) -> None:
        result = run("lint", write("a.yaml", entry_text + "    override: true\n"))
        assert result.exit_code == 0
        assert "warning: `override: true` replaces nothing" in result.stdout

    def test_a_file_that_does_not_load_is_refused(self, run: Run, write: Write) -> None:
        file = write("a.yaml", "a: [")
        assert _refused(run("lint", file)).startswith(f"{file}:")


class TestNew:
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("water_plants", ()),
            ("a", ("--type", "garden-2", "--risk", "high")),
            ("on", ("--risk", "none")),
            ("null", ()),
            ("e5", ()),
            ("t", ("--type", "true")),
        ],
    )
    def test_what_it_writes_loads_at_once_and_is_clean(
        self, run: Run, home: Path, name: str, options: tuple[str, ...]
    ) -> None:
        live = LiveCatalog.from_settings(Settings(home=home))
        result = run("new", name, *options)
        assert result.exit_code == 0
        assert f"chiffon catalog try {name} text=hello" in result.stdout
        entry = live.current().entries[name]
        assert lint(load_catalog([home / "catalog"])) == []
        assert (entry.capability.agent_type, entry.capability.risk) == (
            options[options.index("--type") + 1] if "--type" in options else "infra",
            options[options.index("--risk") + 1] if "--risk" in options else "low",
        )
        assert run("try", name, "text=hello").stdout.splitlines()[2:5] == [
            "  echo", f"  {name}:", "  hello",
        ]  # fmt: skip

    def test_nothing_is_overwritten(self, run: Run, home: Path) -> None:
        run("new", "water_plants")
        file = home / "catalog" / "water_plants.yaml"
        assert f"already declared at {file}:4" in _refused(run("new", "water_plants"))
        text = file.read_text(encoding="utf-8").replace("name: water_plants", "name: wet_plants")
        file.write_text(text, encoding="utf-8")
        assert "is already there; edit it" in _refused(run("new", "water_plants"))
        assert file.read_text(encoding="utf-8") == text

    def test_a_name_of_the_starter_is_taken(self, run: Run) -> None:
        assert "choose another name" in _refused(run("new", "deploy_service"))

    @pytest.mark.parametrize(
        "arguments", [("Water",), ("../x",), ("a b",), ("x" * 65,), ("a", "--type", "Infra!")]
    )
    def test_odd_names_are_refused(self, run: Run, home: Path, arguments: tuple[str, ...]) -> None:
        assert "use lower case" in _refused(run("new", *arguments))
        assert not home.exists()

    def test_a_home_that_cannot_be_written_is_one_sentence(self, run: Run, home: Path) -> None:
        home.write_text("a file, no folder", encoding="utf-8")
        assert "correct CHIFFON_HOME" in _refused(run("new", "water_plants"))


class TestTry:
    def test_it_shows_what_would_run_and_runs_nothing(
        self, run: Run, write: Write, entry_text: str, tmp_path: Path
    ) -> None:
        canary = tmp_path / "canary"
        text = entry_text.replace("[echo,", f"[touch, {canary},").replace(
            "risk: low", "risk: low\n    title: Greet {{ person }}\n    runs_on: node2"
        )
        write("home/catalog/a.yaml", text)
        shown = run("try", "greet", "person=Ann").stdout.splitlines()
        assert shown[:5] == [
            "Greet Ann  (risk low, nothing is run)",
            "command, one argument a line:",
            "  touch",
            f"  {canary}",
            "  hello Ann",
        ]
        assert shown[5] == "agent: infra, label node2"
        assert shown[6].startswith("resources: cpu_cores 0.1, memory_mb 64")
        assert shown[7] == f"folder: {tmp_path / 'home/catalog'}"
        assert shown[8].startswith("digest: ")
        assert not canary.exists()

    def test_values_are_typed_by_the_schema(self, run: Run, write: Write, entry_text: str) -> None:
        properties = (
            "{person: {type: string}, n: {type: integer}, f: {type: boolean}, l: {type: array}}"
        )
        text = entry_text.replace(
            '\n        person: {type: string, description: Who is greeted, pattern: "^[A-Za-z]+$"}',
            f" {properties}",
        ).replace("]}\n", ", '{{ n }}', '{{ f }}', '{{ l }}']}\n")
        write("home/catalog/a.yaml", text)
        result = run("try", "greet", "person=a=b", "n=5", "f=yes", "l=[1, 2]", "--json")
        shown = json.loads(result.stdout)
        assert shown["parameters"] == {"person": "a=b", "n": 5, "f": True, "l": [1, 2]}
        assert shown["command"] == ["echo", "hello a=b", "5", "true", "[1,2]"]

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("no_such",), "There is no capability `no_such`; see `chiffon catalog list`."),
            (("greet",), "greet: `person` is missing. (person: Who is greeted)"),
            (("greet", "person"), "`person` is no parameter; write NAME=VALUE."),
            (
                ("greet", "person=Ann", "x=1"),
                "greet: `x` is not known; there are: person, n, open.",
            ),
            (("greet", "person=Ann", "n=many"), "greet: `n` must be of type integer."),
            (("greet", "person=Ann", "n="), "greet: `n` must be of type integer."),
            (("greet", "person=Ann1"), "greet: `person` must match ^[A-Za-z]+$."),
            (("greet", "person=Ann", "open=-x"), "greet: `open` starts with `-`"),
            (("greet", "person=Ann", "open=a\u202eb"), "greet: `open` holds the hidden character"),
        ],
    )
    def test_bad_parameters_are_one_sentence(
        self, run: Run, write: Write, entry_text: str, arguments: tuple[str, ...], sentence: str
    ) -> None:
        more = "        n: {type: integer}\n        open: {type: string}\n    run:"
        text = entry_text.replace("    run:", more).replace("]}\n", ", '{{ open }}']}\n")
        write("home/catalog/a.yaml", text)
        assert _refused(run("try", *arguments)).startswith(sentence)

    def test_reasoning_has_no_command(self, run: Run) -> None:
        result = run("try", "research_alternatives")
        assert "no command: a question to a language model" in result.stdout
