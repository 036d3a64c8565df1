"""`docs/architecture.md` names the house as it stands."""

import re
import tomllib
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_TEXT = (_ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _section(heading: str) -> str:
    return _TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_every_room_of_the_orchestrator_is_named() -> None:
    rooms = _section("Rooms")
    folder = _ROOT / "orchestrator"
    names = [file.name for file in folder.glob("*.py") if file.name != "__init__.py"]
    names += [f"{room.parent.name}/" for room in folder.glob("*/__init__.py")]
    assert [name for name in names if name not in rooms] == []


def test_every_file_that_is_named_exists() -> None:
    rooms = ("bot", "orchestrator", "agent", "scripts", "tests")
    known = {
        str(file.relative_to(_ROOT)) for room in rooms for file in (_ROOT / room).glob("**/*.py")
    }
    later = _section("Where later parts join")
    named = set(re.findall(r"[\w/]+\.py\b", _TEXT.replace(later, "")))
    assert named
    assert [
        name for name in named if not any(f"/{file}".endswith(f"/{name}") for file in known)
    ] == []


def test_the_layers_are_those_that_the_linter_holds() -> None:
    contracts = _PROJECT["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["id"] == "layers")
    drawn = _section("Layers").split("```")[1].strip().splitlines()
    assert drawn == [re.sub(r"[()]", "", layer) for layer in layers]


def test_every_library_is_there_for_a_reason() -> None:
    names = [re.split(r"[\[>=]", each)[0] for each in _PROJECT["project"]["dependencies"]]
    rows = [line for line in _section("Libraries chosen over own code").splitlines() if "|" in line]
    listed = {name.strip() for row in rows for name in row.split("|")[1].split(",")}
    assert [name for name in names if name not in listed] == []


def test_every_link_leads_somewhere() -> None:
    for file in (_ROOT / "docs").glob("**/*.md"):
        links = re.findall(r"\]\(([\w./-]+\.md)\)", file.read_text(encoding="utf-8"))
        missing = [link for link in links if not (file.parent / link).is_file()]
        assert (file.name, missing) == (file.name, [])
