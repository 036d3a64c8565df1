"""`docs/lifecycle.md` and the tables in the code say the same."""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from orchestrator.domain.lifecycle import ATTEMPT_MOVES, PLAN_MOVES, REQUEST_MOVES, TASK_MOVES

_DOCUMENT = Path(__file__).parents[2] / "docs" / "lifecycle.md"
_ROW = re.compile(r"^\|\s*`(?P<source>\w+)`\s*\|(?P<targets>[^|]*)\|(?P<when>[^|]*)\|\s*$")


def documented(heading: str) -> list[tuple[str, str, str]]:
    """Return (from, to, when) of every row of the table under `## heading`."""
    text = _DOCUMENT.read_text(encoding="utf-8")
    _, found, after = text.partition(f"\n## {heading}\n")
    assert found, f"docs/lifecycle.md has no heading '## {heading}'"
    section = after.partition("\n## ")[0]
    rows = [_ROW.match(line) for line in section.splitlines()]
    return [
        (row["source"], target, row["when"].strip())
        for row in rows
        if row is not None
        for target in re.findall(r"`(\w+)`", row["targets"])
    ]


@pytest.mark.parametrize(
    ("heading", "table"),
    [
        ("Request", REQUEST_MOVES),
        ("Plan", PLAN_MOVES),
        ("Task", TASK_MOVES),
        ("Attempt", ATTEMPT_MOVES),
    ],
)
def test_the_document_lists_each_allowed_move_once(
    heading: str, table: Mapping[StrEnum, frozenset[StrEnum]]
) -> None:
    rows = [(source, target) for source, target, _ in documented(heading)]
    moves = {(source.value, to.value) for source, targets in table.items() for to in targets}
    assert moves == set(rows)
    assert sorted(rows) == sorted(set(rows))


@pytest.mark.parametrize("heading", ["Request", "Plan", "Task", "Attempt"])
def test_the_document_says_when_each_move_is_made(heading: str) -> None:
    assert [row for row in documented(heading) if not row[2]] == []
