"""The project file, the pins, make and CI fit together, and the wheel holds every file."""

import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINS = (ROOT / "constraints.txt").read_text()
PACKAGES = ("agent", "bot", "orchestrator")


def pinned_versions() -> dict[str, str]:
    """Map every pinned package to its version."""
    return dict(re.findall(r"^([a-z0-9.-]+)(?:\[[a-z0-9,-]+\])?==(\S+)", PINS, re.MULTILINE))


def pinned_extras() -> set[tuple[str, str]]:
    """Return every package with each extra that its pin carries."""
    found = re.findall(r"^([a-z0-9.-]+)\[([a-z0-9,-]+)\]==", PINS, re.MULTILINE)
    return {(name, extra) for name, extras in found for extra in extras.split(",")}


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    project = PROJECT["project"]
    extras = [word for words in project["optional-dependencies"].values() for word in words]
    wanted = [Requirement(word) for word in (*project["dependencies"], *extras)]
    pins = pinned_versions()

    wrong = [
        str(w) for w in wanted if not w.specifier.contains(pins.get(canonicalize_name(w.name), "0"))
    ]

    assert wrong == []


def test_every_pin_carries_hashes() -> None:
    blocks = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", PINS, flags=re.MULTILINE).strip())

    assert len(blocks) == len(pinned_versions())
    assert [block.split(" ")[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_every_extra_that_a_pinned_package_asks_for_is_pinned_with_it() -> None:
    """To pip a pin without its extra is none: it looks for the newest, which has no hash here."""
    asked = {
        (canonicalize_name(wanted.name), extra)
        for package in metadata.distributions()
        if canonicalize_name(package.name) in pinned_versions()
        for wanted in map(Requirement, package.requires or ())
        for extra in wanted.extras
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""})
    }

    assert ("coverage", "toml") in asked
    assert asked - pinned_extras() == set()


def test_pins_name_no_address_and_no_path() -> None:
    found = re.findall(r".*(?:://|--index|--find-links|--trusted-host| @ |/).*", PINS)

    assert found == []


def test_help_is_the_default_and_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)

    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert targets is not None
    assert re.findall(r"^  (\S+) +\S", shown, re.MULTILINE) == targets[1].split()


def test_github_runs_what_ci_runs() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    script = ROOT / ".ci/run"

    assert [step["run"] for step in workflow["jobs"]["run"]["steps"] if "run" in step] == [
        ".ci/run"
    ]
    assert "make services check test" in script.read_text()
    assert script.stat().st_mode & 0o111


@pytest.mark.parametrize("script", ["constraints.sh", "install.sh", "python.sh"])
def test_shell_scripts_are_plain_sh(script: str) -> None:
    subprocess.run(["sh", "-n", ROOT / "scripts" / script], check=True)


def test_python_that_is_too_old_or_missing_is_said() -> None:
    done = subprocess.run(
        ["sh", ROOT / "scripts/python.sh", "-c", "pass"],
        env={"PATH": "/usr/bin:/bin", "PYTHON": "/bin/false"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == "PYTHON=/bin/false is not a Python 3.11 or newer: name another one.\n"
