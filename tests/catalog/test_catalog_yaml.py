"""What is read from YAML, and what is refused before it can do harm."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from orchestrator.catalog.yaml_text import MAX_BYTES, read_yaml
from orchestrator.errors import CatalogError

Write = Callable[..., Path]


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run with libyaml, and as where the wheel does not bring it."""
    monkeypatch.setattr("orchestrator.catalog.yaml_text.SAFE_LOADER", getattr(yaml, request.param))


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: yes\nno: off", {"on": "yes", "no": "off"}),
        ("day: 2024-02-30", {"day": "2024-02-30"}),
        ("at: 12:30", {"at": "12:30"}),
        ("1: a\nnull: b", {"1": "a", "null": "b"}),
        ("a: [true, FALSE, ~, null, '']", {"a": [True, False, None, None, ""]}),
        ("a:", {"a": None}),
        ("a: [0, -7, +3, 1.5, .5, 1e3, 2.]", {"a": [0, -7, 3, 1.5, 0.5, 1000.0, 2.0]}),
        ("a: ['1', \"true\", '~']", {"a": ["1", "true", "~"]}),
        ("a: [1_000, 1.2.3, 10.0.0.1, v1]", {"a": ["1_000", "1.2.3", "10.0.0.1", "v1"]}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("\ufeffa: 1", {"a": 1}),
        ("a: 9007199254740992", {"a": 2**53}),
        ("- 😀\n- 👩\u200d💻", ["😀", "👩\u200d💻"]),
    ],
)
def test_values_are_read_as_they_look(write: Write, text: str, value: object) -> None:
    assert value == read_yaml(write("a.yaml", text)).value


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "is empty"),
        ("# only a comment\n", 1, "is empty"),
        ("---\n...\n", 1, "is empty"),
        ("a: 1\nb: [1, 2\n", 3, "is not valid YAML"),
        ("a: 1\n b: 2\n", 2, "is not valid YAML"),
        ("a: 1\n\tb: 2\n", 2, "is not valid YAML"),
        ("a: &x 1\n", 1, "anchor"),
        ("a: 1\nb: *x\n", 2, "alias"),
        ("a: 1\n*x : 2\n", 2, "alias"),
        ("a: 1\nb: !!python/object/apply:os.system [id]\n", 2, "tag"),
        ("a: !!str 1\n", 1, "tag"),
        ("a: !include x\n", 1, "tag"),
        ("a: 1\nb: 2\na: 3\n", 3, "repeats the key `a` of line 1"),
        ("a: 1\n? [x]\n: 2\n", 2, "as a key"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("a: 1\nmode: 0755\n", 2, "in quotes"),
        ("a: 0x1F\n", 1, "in quotes"),
        ("a: 1\nb: .inf\n", 2, "in quotes"),
        ("a: .nan\n", 1, "in quotes"),
        ("a: 1e999\n", 1, "too large"),
        ("a: 9007199254740993\n", 1, "too large"),
        ("a: " + "9" * 5000, 1, "too large"),
        ("a: 1\nb: x\x00y\n", 2, "control character"),
        ("a: 1\n# \x1b[31m\n", 2, "control character"),
        ("a: 1\nb: x\u202ey\n", 2, "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("a: 1\nx\u200by: 1\n", 2, "U+200B"),
    ],
)
def test_what_cannot_be_trusted_is_refused_with_its_line(
    write: Write, text: str, line: int, words: str
) -> None:
    file = write("bad.yaml", text)
    with pytest.raises(CatalogError) as caught:
        read_yaml(file)
    assert str(caught.value).startswith(f"{file}:{line}: ")
    assert words in str(caught.value)


def test_other_encodings_are_refused_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes("a: 1\nb: é\n".encode("latin-1"))
    with pytest.raises(CatalogError, match=r":2: is not UTF-8"):
        read_yaml(file)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be read"):
        read_yaml(tmp_path / "none.yaml")


_LAUGHS = "\n".join(
    ["a0: &a0 [lol]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))]
)
BOMBS = {
    "billion laughs": _LAUGHS,
    "deep flow": "[" * 100_000,
    "deep flow mapping": "{a: " * 100_000,
    "deep block": "".join(f"{' ' * n}a:\n" for n in range(1000)),
    "deep sequence": "- " * 50_000,
    "many values": "[" + "a," * 500_000 + "]",
    "many keys": "\n".join(f"k{n}: {n}" for n in range(70_000)),
    "merge keys": "a: &a {x: 1}\nb: {<<: *a}\n",
    "too large": "a: " + "x" * MAX_BYTES,
    "many documents": "---\na\n" * 100_000,
    "many anchors": "[" + "&a x, " * 100_000 + "]",
    "huge number": "a: " + "9" * 1_000_000,
    "open quote": 'a: "' + "x\n" * 400_000,
    "open brackets over lines": "[\n" * 300_000,
    "question marks": "? " * 50_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_and_costs_no_memory(write: Write, bomb: str) -> None:
    file = write("bomb.yaml", BOMBS[bomb])
    tracemalloc.start()
    with pytest.raises(CatalogError):
        read_yaml(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50 * 2**20


def test_a_place_is_the_line_of_the_nearest_known_key(write: Write) -> None:
    file = write("a.yaml", "a:\n  - b: 1\n    c:\n      d: 2\n")
    document = read_yaml(file)
    assert [
        document.line(path) for path in [(), ("a", 0, "b"), ("a", 0, "c", "x"), ("a", 0, "c", "d")]
    ] == [1, 2, 3, 4]
    assert f"{file}:2" == document.place(("a", 0))
