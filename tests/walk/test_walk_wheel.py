"""The wheel alone completes the walk: every file the program needs is in it.

The environment is empty but for the wheel and links to exactly the distributions that the wheel
declares (and those that they declare), from the environment of the tests. So what is isolated is
Chiffon's own code and its list of dependencies; their versions are those of constraints.txt.
"""

import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.walk.program import KUMA, Program

CHECKOUT = Path(__file__).parents[2]
_PACKAGES = ("agent", "bot", "orchestrator")
_BUILT_FROM = (*_PACKAGES, "tests", "pyproject.toml", "README.md", "LICENSE")

pytestmark = [pytest.mark.wheel, pytest.mark.slow]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: a build leaves folders that a later one would pick up."""
    room = tmp_path_factory.mktemp("build")
    for name in _BUILT_FROM:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, room / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, room / name)
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(room), str(room))
    (built,) = room.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment outside the checkout with the wheel in it."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    _pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    (packages,) = folder.glob("lib/python*/site-packages")
    (own,) = packages.glob("chiffon-*.dist-info")
    for needed in _closure(PathDistribution(own)).values():
        _link(needed, packages)
    return folder


def _pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _closure(first: Distribution) -> dict[str, Distribution]:
    """Return every distribution that `first` needs here, directly or not, by its name."""
    found: dict[str, Distribution] = {}
    open_ends: list[tuple[Distribution, set[str]]] = [(first, set())]
    seen: set[tuple[str, frozenset[str]]] = set()
    while open_ends:
        each, extras = open_ends.pop()
        for name, wanted in _needs(each, extras):
            if (name, frozenset(wanted)) in seen:
                continue
            seen.add((name, frozenset(wanted)))
            found[name] = distribution(name)
            open_ends.append((found[name], wanted))
    return found


def _needs(each: Distribution, extras: set[str]) -> Iterator[tuple[str, set[str]]]:
    for line in each.requires or ():
        requirement = Requirement(line)
        applies = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in extras | {""}
        )
        if applies:
            yield canonicalize_name(requirement.name), requirement.extras


def _link(needed: Distribution, packages: Path) -> None:
    """Make a distribution's files importable from `packages`, by links to its topmost names."""
    names = {file.parts[0] for file in needed.files or () if file.parts[0] not in {"..", "."}}
    for name in names - {"__pycache__"}:
        target = packages / name
        if not target.exists():
            target.symlink_to(Path(str(needed.locate_file(name))))


def test_the_wheel_holds_every_file_of_the_three_packages_and_nothing_else(wheel: Path) -> None:
    present = {
        path.relative_to(CHECKOUT).as_posix()
        for package in _PACKAGES
        for path in (CHECKOUT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as packed:
        assert {name for name in packed.namelist() if ".dist-info/" not in name} == present


def test_the_wheel_alone_completes_the_walk(environment: Path, tmp_path: Path) -> None:
    python = str(environment / "bin" / "python")
    where = "; ".join(f"import {name}; print({name}.__file__)" for name in _PACKAGES)
    said = subprocess.run(
        [python, "-c", where], cwd=tmp_path, env={}, capture_output=True, text=True, check=True
    )
    assert said.stdout.count(str(environment)) == 3
    program = Program(tmp_path, command=[str(environment / "bin" / "chiffon")])
    up = program.up()
    try:
        assert "2 of 2 steps done" in program.ok("ask", "--yes", KUMA)
        assert len(list(program.homelab.glob("services/uptime-kuma/monitors/*.json"))) == 5
        assert "of 100 points" in program.ok("why", "1.2")
        with program.api() as client:
            assert client.get("../../docs").status_code == 200
        up.stop()
    finally:
        program.end_all()
