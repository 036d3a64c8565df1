"""What loads, what lies on top of what, and what is refused with file, line and reason."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.catalog.loader import (
    catalog_paths,
    entry_hash,
    load_catalog,
    starter_folder,
)
from orchestrator.errors import CatalogError
from orchestrator.settings import Settings

Write = Callable[..., Path]

HEAD = """\
version: 1
capabilities:
  - name: greet
    description: Greet a person by name
    agent_type: infra
    risk: low
"""
PARAMETERS = """\
    parameters:
      type: object
      properties:
        person: {type: string}
"""
RUN = "    run: {command: [echo, hello]}\n"


def test_the_starter_loads_and_every_entry_has_a_digest() -> None:
    catalog = load_catalog([starter_folder()])
    assert "deploy_service" in catalog
    assert len(catalog.entries) == len({entry.digest for entry in catalog.entries.values()})


def test_an_entry_knows_where_it_stands(write: Write) -> None:
    file = write("a.yaml")
    entry = load_catalog([file]).entries["greet"]
    assert (f"{file}:3", str(file.parent)) == (entry.source, entry.folder)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("- a\n", 1, "must be a mapping"),
        ("version: 2\ncapabilities: [x]\n", 1, "`version` must be 1"),
        ("capabilities: [x]\n", 1, "`version` must be 1"),
        ("version: true\ncapabilities: [x]\n", 1, "`version` must be 1"),
        ("version: 1\ncapabilities: []\n", 2, "is empty"),
        ("version: 1\n", 1, "is empty"),
        ("version: 1\ncapabilities: {a: 1}\n", 2, "must be a list"),
        ("version: 1\ncapabilitys:\n  - a\n", 2, "did you mean `capabilities`?"),
        ("version: 1\ncapabilities:\n  - greet\n", 3, "the entry"),
        (HEAD + RUN + "    exmples: [x]\n", 8, "did you mean `examples`?"),
        (HEAD + RUN + "    zzz: 1\n", 8, "delete it"),
        (HEAD + "    run: {comand: [a]}\n", 7, "did you mean `command`?"),
        (HEAD + "    run:\n      command:\n        - a\n        - 5\n", 10, "valid string"),
        (HEAD.replace("risk: low\n", "risk: lwo\n") + RUN, 6, "'none', 'low'"),
        (HEAD.replace("    risk: low\n", "") + RUN, 3, "`risk` is missing"),
        (HEAD.replace("greet\n", "Greet-me\n") + RUN, 3, "`name`"),
        (HEAD + RUN + "    idempotent: yes\n", 8, "true or false"),
        (HEAD + RUN + "    reasoning: 'true'\n", 8, "true or false"),
        (HEAD + RUN + "    timeout_seconds: '60'\n", 8, "valid integer"),
        (HEAD + RUN + "    timeout_seconds: 0\n", 8, "greater than or equal to 1"),
        (HEAD + RUN + "    resources:\n      memory_mb: -1\n", 9, "greater than or equal to 0"),
        (HEAD, 3, "`run` is missing"),
        (HEAD + "    run: {}\n", 7, "exactly one of"),
        (HEAD + "    run: {command: [a], http: {url: b}}\n", 7, "has command, http"),
        (HEAD + RUN + "    undo: {}\n", 8, "`undo` needs exactly one"),
        (HEAD + "    run: {command: []}\n", 7, "names no program"),
        (HEAD + "    run: {command: ['  ']}\n", 7, "names no program"),
        (HEAD + PARAMETERS + "    run: {command: ['{{ person }}']}\n", 11, "is a parameter"),
        (HEAD + PARAMETERS + "    run:\n      command: [a, '{{ x }}']\n", 12, "no parameter"),
        (HEAD + "    run: {command: [a, '{{ x }}']}\n", 7, "there are: none"),
        (HEAD + PARAMETERS + RUN + "    title: Greet {{ persn }}\n", 12, "`persn`"),
        (HEAD + PARAMETERS + RUN + "    runs_on: '{{ host }}'\n", 12, "`host`"),
        (HEAD + RUN + "    verify:\n      http:\n        url: 'x{{ y }}'\n", 10, "`y`"),
        (HEAD + RUN + "    verify:\n      http:\n        '{{ y }}': [1]\n", 10, "`y`"),
        (HEAD + RUN + "    verify: {http: {a: [1, '{{ y }}']}}\n", 8, "`y`"),
        (HEAD + PARAMETERS + "    run: {command: [a, '{{ person | upper }}']}\n", 11, "template"),
        (HEAD + PARAMETERS + "    run: {command: [a, '{{ person.x }}']}\n", 11, "template"),
        (HEAD + PARAMETERS + "    run: {command: [a, '{{ person']}\n", 11, "template"),
        (HEAD + RUN + "    parameters: {type: string}\n", 8, "`type: object`"),
        (HEAD + RUN + "    parameters: {}\n", 8, "`type: object`"),
        (
            HEAD + RUN + "    parameters:\n      type: object\n      properties:\n"
            "        a: {type: strin}\n",
            11,
            "no valid JSON Schema",
        ),
        (
            HEAD + RUN + "    parameters:\n      type: object\n      properties:\n"
            "        a: {type: string, pattern: '('}\n",
            11,
            "no valid JSON Schema",
        ),
        (
            HEAD + RUN + "    parameters:\n      type: object\n      required: [a]\n",
            10,
            "requires `a`",
        ),
        (
            HEAD + RUN + "    parameters:\n      type: object\n      properties:\n"
            "        a:\n          type: integer\n          default: many\n",
            13,
            "default of `a`",
        ),
    ],
)
def test_a_fault_is_told_with_its_line_and_what_to_do(
    write: Write, text: str, line: int, words: str
) -> None:
    file = write("bad.yaml", text)
    with pytest.raises(CatalogError) as caught:
        load_catalog([file])
    assert str(caught.value).startswith(f"{file}:{line}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def _with_schema(inner: str) -> str:
    return HEAD + RUN + "    parameters:\n      type: object\n" + inner


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        ("      properties: {a: {$ref: 'https://example.org/x'}}\n", "only `$ref"),
        ("      properties: {a: {$ref: 'file:///etc/passwd'}}\n", "only `$ref"),
        ("      properties: {a: {$ref: '#'}}\n", "only `$ref"),
        ("      properties: {a: {anyOf: [{$ref: 'x.json'}]}}\n", "only `$ref"),
        ("      $id: https://example.org/\n", "only `$ref"),
        ("      properties: {a: {$dynamicRef: '#x'}}\n", "only `$ref"),
        ("      properties: {a: {$ref: '#/$defs/b'}}\n", "leads nowhere"),
        ("      $defs: {a: {$ref: '#/$defs/b'}, b: {not: {$ref: '#/$defs/a'}}}\n", "themselves"),
    ],
)
def test_a_schema_leads_neither_outside_nor_in_circles(
    write: Write, inner: str, words: str
) -> None:
    with pytest.raises(CatalogError) as caught:
        load_catalog([write("bad.yaml", _with_schema(inner))])
    assert words in str(caught.value)


def test_a_reference_to_an_own_definition_is_followed(write: Write) -> None:
    inner = (
        "      $schema: https://json-schema.org/draft/2020-12/schema\n"
        "      properties: {a: {$ref: '#/$defs/port', default: 80}}\n"
        "      $defs: {port: {allOf: [{$ref: '#/$defs/number'}]}, number: {type: integer}}\n"
    )
    assert "greet" in load_catalog([write("a.yaml", _with_schema(inner))])


def test_reasoning_needs_no_run(write: Write) -> None:
    catalog = load_catalog([write("a.yaml", HEAD + "    reasoning: true\n")])
    assert catalog.entries["greet"].capability.run is None


def test_words_that_yaml_1_1_takes_for_booleans_stay_words(write: Write) -> None:
    text = HEAD + RUN + "    examples: [on, 2024-01-02, no]\n"
    catalog = load_catalog([write("a.yaml", text)])
    assert catalog.entries["greet"].capability.examples == ("on", "2024-01-02", "no")


class TestOverlay:
    def test_a_duplicate_needs_override_and_both_places_are_named(self, write: Write) -> None:
        first, second = write("a/a.yaml"), write("b/b.yaml")
        with pytest.raises(CatalogError) as caught:
            load_catalog([first, second])
        assert str(caught.value).startswith(f"{second}:3: `greet` is already declared at {first}:3")
        assert "override: true" in str(caught.value)

    def test_the_later_file_wins_and_keeps_the_place(self, write: Write) -> None:
        first = write("a.yaml", HEAD + RUN + HEAD.split("\n", 2)[2].replace("greet", "wave") + RUN)
        second = write("b.yaml", HEAD.replace("risk: low", "risk: high") + RUN
                       + "    override: true\n")  # fmt: skip
        catalog = load_catalog([first, second])
        assert list(catalog.entries) == ["greet", "wave"]
        assert catalog.entries["greet"].capability.risk == "high"
        assert catalog.warnings == ()

    def test_one_file_never_declares_a_name_twice(self, write: Write) -> None:
        twice = HEAD + RUN + HEAD.split("\n", 2)[2] + RUN + "    override: true\n"
        with pytest.raises(CatalogError, match=r":8: `greet` is already declared at .*:3; delete"):
            load_catalog([write("a.yaml", twice)])

    def test_an_override_of_nothing_is_a_warning(self, write: Write) -> None:
        catalog = load_catalog([write("a.yaml", HEAD + RUN + "    override: true\n")])
        assert [warning.split(": ", 1)[1].split(";")[0] for warning in catalog.warnings] == [
            "`override: true` replaces nothing"
        ]

    def test_override_does_not_enter_the_hash(self, write: Write) -> None:
        plain = load_catalog([write("a.yaml", HEAD + RUN)]).entries["greet"]
        other = load_catalog([write("b.yaml", HEAD + RUN + "    override: true\n")])
        assert plain.entry_hash == other.entries["greet"].entry_hash

    def test_a_folder_gives_its_yaml_files_by_name_and_nothing_else(self, write: Write) -> None:
        write("c/b.yml", HEAD.replace("greet", "second") + RUN)
        write("c/a.yaml", HEAD.replace("greet", "first") + RUN)
        write("c/notes.txt", "no yaml: [")
        write("c/inner/x.yaml", "no yaml: [")
        folder = write("c/d.yaml.bak", "no yaml: [").parent
        (folder / "z.yaml").mkdir()
        assert list(load_catalog([folder]).entries) == ["first", "second"]

    def test_the_same_file_given_twice_is_read_once(self, write: Write) -> None:
        file = write("a.yaml")
        assert "greet" in load_catalog([file.parent, file])

    def test_a_path_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(CatalogError, match="no such file or folder; correct CHIFFON_CATALOG"):
            load_catalog([tmp_path / "none"])

    def test_a_file_of_another_kind_is_refused(self, write: Write) -> None:
        with pytest.raises(CatalogError, match=r"must end in \.yaml or \.yml"):
            load_catalog([write("a.txt")])


class TestPaths:
    def test_without_settings_it_is_the_starter(self, tmp_path: Path) -> None:
        assert [starter_folder()] == catalog_paths(Settings(home=tmp_path))

    def test_the_overlay_comes_last_once_it_exists(self, tmp_path: Path) -> None:
        (tmp_path / "catalog").mkdir()
        settings = Settings(home=tmp_path, catalog=(tmp_path / "own.yaml",))
        assert [tmp_path / "own.yaml", tmp_path / "catalog"] == catalog_paths(settings)


def test_the_hash_changes_with_what_is_said_and_not_with_how_it_is_written(write: Write) -> None:
    block = HEAD + "    run:\n      command:\n        - echo\n        - hello\n"
    spelt_out = HEAD + RUN + "    idempotent: false\n    timeout_seconds: 600\n"
    changed = HEAD + RUN.replace("hello", "Hello")
    hashes = [
        load_catalog([write(f"{place}.yaml", text)]).entries["greet"]
        for place, text in enumerate([HEAD + RUN, block, spelt_out, changed])
    ]
    one, two, three, four = (entry_hash(entry.capability) for entry in hashes)
    assert one == two == three != four
