"""A file that a command works on is not a file that it runs."""

from pathlib import Path

import pytest

from orchestrator.catalog.files import current_digest
from orchestrator.catalog.loader import load_catalog

ENTRY = """
version: 1
capabilities:
  - name: scribble
    description: Scribble into the notebook
    agent_type: infra
    risk: low
    run: {{command: [sh, {script}, {output}]}}
"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder beside the catalogue, with a script in it."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "slow.sh").write_text("echo line >> $1\n")
    return folder


@pytest.mark.parametrize("there_before", [True, False])
def test_output_of_a_command_does_not_change_its_digest(
    tmp_path: Path, elsewhere: Path, there_before: bool
) -> None:
    output = elsewhere / "lines.txt"
    if there_before:
        output.write_text("line\n")
    file = tmp_path / "scribble.yaml"
    file.write_text(ENTRY.format(script=elsewhere / "slow.sh", output=output))
    entry = load_catalog([file]).entries["scribble"]
    output.write_text("line\nline\n")
    assert current_digest(entry) == entry.digest


def test_script_elsewhere_is_still_bound(tmp_path: Path, elsewhere: Path) -> None:
    file = tmp_path / "scribble.yaml"
    script = elsewhere / "slow.sh"
    file.write_text(ENTRY.format(script=script, output=elsewhere / "lines.txt"))
    entry = load_catalog([file]).entries["scribble"]
    script.write_text("echo other >> $1\n")
    assert current_digest(entry) != entry.digest
