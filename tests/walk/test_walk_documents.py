"""What the documents show of the walk is what the program does.

`UPDATE_RECORDING=1` draws docs/walk.svg and lists the rows of docs/orchestrator.md anew.
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.walk.program import KUMA, Program
from tests.walk.recording import drawn, words_of
from tests.walk.rows import END, START, table_of_rows
from tests.walk.terminal import Terminal

_DOCS = Path(__file__).parents[2] / "docs"
_ROWS, _COLUMNS = 60, 96
_UPDATE = bool(os.environ.get("UPDATE_RECORDING"))
_HINT = "shows another walk: `UPDATE_RECORDING=1 make test ARGS=tests/walk` renews it"


@dataclass(frozen=True)
class Walk:
    """What the terminal got, and what is in the database afterwards."""

    raw: bytes
    rows: str


@pytest.fixture(scope="module")
def walk() -> Iterator[Walk]:
    """The walk in a home whose path has a known length, so that lines break alike."""
    with tempfile.TemporaryDirectory(prefix="lab-", dir="/tmp") as room:
        lab = Program(Path(room), TZ="UTC", LANG="C.UTF-8")
        lab.home = lab.room / ".chiffon"
        up = lab.up()
        with Terminal(lab, "ask", KUMA, rows=_ROWS, columns=_COLUMNS) as terminal:
            terminal.wait_for("approve? [y/N]")
            terminal.type("y")
            assert terminal.finish() == 0
        up.stop()
        yield Walk(terminal.raw, table_of_rows(lab.home / "chiffon.db"))


def test_the_recording_shows_the_walk_as_it_is(walk: Walk) -> None:
    file = _DOCS / "walk.svg"
    picture = drawn(walk.raw, f'chiffon ask "{KUMA}"', rows=_ROWS, columns=_COLUMNS)
    if _UPDATE:
        file.write_text(picture, encoding="utf-8")
    committed = file.read_text(encoding="utf-8")
    assert words_of(picture) == words_of(committed), f"docs/walk.svg {_HINT}"
    assert picture == committed, f"docs/walk.svg {_HINT}"


def test_the_document_lists_the_rows_that_the_walk_leaves(walk: Walk) -> None:
    file = _DOCS / "orchestrator.md"
    before, start, rest = file.read_text(encoding="utf-8").partition(START)
    written, end, after = rest.partition(END)
    assert (start, end) == (START, END)
    if _UPDATE:
        written = f"\n{walk.rows}\n"
        file.write_text(f"{before}{START}{written}{END}{after}", encoding="utf-8")
    assert written.strip() == walk.rows, f"docs/orchestrator.md {_HINT}"
