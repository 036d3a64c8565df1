"""The diagrams of `docs/lifecycle.md` carry the letters of its tables, and its buckets hold."""

import re
from pathlib import Path

import pytest

from orchestrator.domain.lifecycle import TASK_BUCKET

_TEXT = (Path(__file__).parents[2] / "docs" / "lifecycle.md").read_text(encoding="utf-8")


def _section(heading: str) -> str:
    return _TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def _letters(text: str) -> set[str]:
    groups = re.findall(r"\(([a-z]{1,2}(?:, ?[a-z]{1,2})*)\)", text)
    return {letter for group in groups for letter in re.split(r", ?", group)}


@pytest.mark.parametrize("heading", ["Request", "Plan", "Task", "Attempt"])
def test_each_arrow_of_a_diagram_has_its_sentence_and_each_sentence_its_arrow(
    heading: str,
) -> None:
    section = _section(heading)
    diagram = section.split("```")[1]
    table = "\n".join(line for line in section.splitlines() if line.startswith("| `"))
    assert _letters(diagram)
    assert _letters(diagram) == _letters(table)


def test_each_status_of_a_task_stands_in_its_bucket() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|$", _section("Task"), re.MULTILINE)
    assert dict(rows) == {status.value: bucket for status, bucket in TASK_BUCKET.items()}
