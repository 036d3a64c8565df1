from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]

ENTRY = """\
version: 1
capabilities:
  - name: greet
    description: Greet a person by name
    agent_type: infra
    risk: low
    examples: [greet Ann, say hello to Bob, welcome Eve]
    parameters:
      type: object
      required: [person]
      properties:
        person: {type: string, description: Who is greeted, pattern: "^[A-Za-z]+$"}
    run: {command: [echo, "hello {{ person }}"]}
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file below the test's own folder, making folders as needed."""

    def _write(name: str, text: str = ENTRY) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return _write


@pytest.fixture
def entry_text() -> str:
    """Return a file with one valid entry, `greet`."""
    return ENTRY
