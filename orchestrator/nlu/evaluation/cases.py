"""Evaluation sets: requests with what they should be understood as."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from orchestrator.catalog.yaml_text import SAFE_LOADER
from orchestrator.domain.request import Complexity
from orchestrator.errors import EvaluationError

_HELD_OUT_EVERY = 3


class Part(StrEnum):
    """Which cases of a set are meant; chosen by a hash of the id, so that it never moves."""

    ALL = "all"
    VISIBLE = "visible"
    HELD_OUT = "held-out"


class ExpectedStep(BaseModel):
    """A step that must be found, with the parameters that it must have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    intent: str
    parameters: dict[str, JsonValue] = Field(default_factory=dict)


class Case(BaseModel):
    """One request of a set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    text: str
    category: str = "all"
    follows: str | None = Field(default=None, description="The request before it in the thread")
    expected: tuple[ExpectedStep, ...] = ()
    ambiguous: bool = Field(default=False, description="A question must come back")
    out_of_scope: bool | tuple[str, ...] = Field(
        default=False, description="Something must be told back as out of scope"
    )
    complexity: Complexity = Complexity.SIMPLE
    adversarial: bool = Field(default=False, description="Somebody tries to smuggle something in")

    @property
    def is_held_out(self) -> bool:
        """Whether rules must not be tuned on this case."""
        digest = hashlib.sha256(self.id.encode()).digest()
        return int.from_bytes(digest[:4], "big") % _HELD_OUT_EVERY == 0


_CASES = TypeAdapter(list[Case])


def read_cases(path: Path, part: Part = Part.ALL) -> list[Case]:
    """Return the cases of a set: a YAML list, or one JSON object a line (`.jsonl`).

    Raises:
        EvaluationError: the file cannot be read, or a case has a fault.
    """
    content = _content(path)
    try:
        cases = _CASES.validate_python(content)
    except ValidationError as fault:
        raise EvaluationError(f"{path}: {_first(fault, content)}") from fault
    return _chosen(path, cases, part)


def _content(path: Path) -> JsonValue:
    try:
        text = path.read_text(encoding="utf-8")
        loaded: JsonValue = [*_lines(text)] if path.suffix == ".jsonl" else _yaml(text)
    except OSError as fault:
        raise EvaluationError(f"Cannot read {path}: {fault.strerror}.") from fault
    except (ValueError, yaml.YAMLError) as fault:
        raise EvaluationError(f"{path} is neither YAML nor lines of JSON: {fault}") from fault
    return loaded


def _yaml(text: str) -> JsonValue:
    loaded: JsonValue = yaml.load(text, Loader=SAFE_LOADER)  # noqa: S506
    return loaded


def _chosen(path: Path, cases: Sequence[Case], part: Part) -> list[Case]:
    twice = {case.id for case in cases if sum(case.id == other.id for other in cases) > 1}
    if twice:
        raise EvaluationError(f"{path}: the id {min(twice)} is given twice. Make it unique.")
    held_out = {Part.VISIBLE: (False,), Part.HELD_OUT: (True,)}.get(part, (False, True))
    chosen = [case for case in cases if case.is_held_out in held_out]
    if not chosen:
        raise EvaluationError(f"{path} holds no case ({part}). Add some.")
    return chosen


def _lines(text: str) -> Iterator[JsonValue]:
    yield from (json.loads(line) for line in text.splitlines() if line.strip())


def _first(fault: ValidationError, content: JsonValue) -> str:
    error = fault.errors(include_url=False, include_input=False)[0]
    place = error["loc"][0] if error["loc"] else None
    entry = content[place] if isinstance(content, list) and isinstance(place, int) else None
    name = entry.get("id", f"number {place}") if isinstance(entry, dict) else "the set"
    where = ".".join(map(str, error["loc"][1:]))
    return f"case {name}: {where + ': ' if where else ''}{error['msg']}."
