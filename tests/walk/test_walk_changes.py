"""What was approved is what runs: a change after the approval is refused, and said why."""

import sqlite3
from collections.abc import Iterator

import pytest

from tests.plugins.waiting import until_blocking
from tests.walk.program import Program, approved, wait_until
from tests.walk.slow import SlowSteps


@pytest.fixture
def steps(program: Program) -> Iterator[SlowSteps]:
    """Two steps approved, the first of them at work."""
    made = SlowSteps(program, fence=False, shed=True)
    made.let_on("shed")
    program.up()
    with program.api() as client:
        approved(client, "paint the fence and paint the shed")
    until_blocking(lambda: made.has_begun("fence"), what="step 1 has begun", seconds=20)
    yield made
    made.let_on("fence")


def _refused(program: Program, steps: SlowSteps) -> str:
    """Let step 1 end; step 2 must not run. Return what `chiffon status` says."""
    steps.let_on("fence")
    with program.api() as client:
        wait_until(client, 1, "failed")
    assert steps.lines("fence") == ["begin", "line"]
    assert steps.lines("shed") == []
    return " ".join(program.run("status", "1").out.split())  # wherever its lines are broken


def test_a_changed_script_is_refused_until_it_is_planned_anew(
    program: Program, steps: SlowSteps
) -> None:
    """The agent takes the edit up by itself, within a second or so."""
    log = program.room / "up-1.err"
    before = log.read_text(encoding="utf-8").count("agent_registered")
    with steps.scripts["shed"].open("a", encoding="utf-8") as script:
        script.write("# one more line\n")
    said = _refused(program, steps)
    assert "paint_shed or a file that it runs was changed" in said
    assert "Ask again for a new plan" in said
    until_blocking(
        lambda: log.read_text(encoding="utf-8").count("agent_registered") > before,
        what="the agent has told of its new catalogue",
    )
    assert "1 of 1 steps done" in program.ok("ask", "--yes", "paint the shed")
    assert steps.lines("shed") == ["begin", "line"]


def test_a_changed_catalogue_entry_is_refused(program: Program, steps: SlowSteps) -> None:
    text = steps.entries.read_text(encoding="utf-8")
    changed = text.replace("Paint the shed of the garden", "Paint the shed of the neighbour")
    assert changed != text
    steps.entries.write_text(changed, encoding="utf-8")
    assert "was changed after this was planned" in _refused(program, steps)


def test_a_changed_plan_row_is_refused(program: Program, steps: SlowSteps) -> None:
    """Parameters here; that the order counts as well is shown where results are recorded."""
    with sqlite3.connect(program.home / "chiffon.db", timeout=10) as database:
        changed = database.execute(
            'UPDATE tasks SET parameters = \'{"colour": "red"}\' WHERE step_number = 2'
        )
        assert changed.rowcount == 1
    assert "The plan was changed after it was approved" in _refused(program, steps)
