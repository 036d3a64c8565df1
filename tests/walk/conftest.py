"""A home of its own for each test, and for the friendly ones a running Chiffon to share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.walk.program import Program, running_in


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """`chiffon`, not started, with an empty home."""
    made = Program(tmp_path)
    yield made
    made.end_all()


@pytest.fixture
def running(program: Program) -> Program:
    """`chiffon` with `chiffon up` at work."""
    program.up()
    return program


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A running one for a whole module; plans of other tests are in it."""
    yield from running_in(Program(tmp_path_factory.mktemp("shared")))
