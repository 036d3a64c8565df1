"""The evaluation set: exact sequences, wrong actions, complexity, time."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.catalog.models import Catalog, Risk
from orchestrator.domain.request import DecomposedRequest
from orchestrator.nlu.decomposer import understand

_REQUESTS = Path(__file__).parent / "requests.yaml"
_HELD_OUT_EVERY = 3


@dataclass(frozen=True)
class Case:
    catalog: str
    text: str
    steps: list[tuple[str, dict[str, Any]]]
    asks: bool | None  # None: either will do
    refuses: bool | None
    level: str | None
    held_out: bool


def _cases() -> Iterator[Case]:
    content = yaml.safe_load(_REQUESTS.read_text(encoding="utf-8"))
    place = 0
    for catalog, requests in content.items():
        for entry in requests:
            either = entry.get("ask") == "any"
            yield Case(
                catalog,
                entry["t"],
                [(intent, parameters) for intent, parameters in entry["s"]],
                None if either else bool(entry.get("ask")),
                None if either else bool(entry.get("out")),
                entry.get("level"),
                place % _HELD_OUT_EVERY == _HELD_OUT_EVERY - 1,
            )
            place += 1


CASES = list(_cases())


def _is_exact(case: Case, found: DecomposedRequest) -> bool:
    if [intent for intent, _ in case.steps] != [subtask.intent for subtask in found.subtasks]:
        return False
    for (_, wanted), subtask in zip(case.steps, found.subtasks, strict=True):
        if any(subtask.parameters.get(name) != value for name, value in wanted.items()):
            return False
    asked, refused = bool(found.ambiguities), bool(found.out_of_scope)
    return case.asks in {None, asked} and case.refuses in {None, refused}


def _wrong_actions(case: Case, found: DecomposedRequest, catalog: Catalog) -> list[str]:
    wanted = {intent for intent, _ in case.steps}
    return [
        subtask.intent
        for subtask in found.subtasks
        if subtask.intent not in wanted
        and catalog.entries[subtask.intent].capability.risk in {Risk.MEDIUM, Risk.HIGH}
    ]


def _share(cases: list[Case], catalogs: dict[str, Catalog]) -> float:
    exact = sum(_is_exact(case, understand(case.text, catalogs[case.catalog])) for case in cases)
    return exact / len(cases)


def test_the_set_is_large_and_holds_a_third_out() -> None:
    assert len(CASES) >= 200
    assert sum(case.held_out for case in CASES) == len(CASES) // 3
    assert len({(case.catalog, case.text) for case in CASES}) == len(CASES)


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("name", "floor"),
    [("tuned", 0.97), ("held out", 0.75), ("all, several steps", 0.80), ("starter", 0.90)],
)
def test_exact_sequences_reach_the_floor(
    name: str, floor: float, catalogs: dict[str, Catalog], capsys: pytest.CaptureFixture[str]
) -> None:
    """Intents in order, every listed parameter, and whether it asks or refuses, all at once."""
    chosen = {
        "tuned": [case for case in CASES if not case.held_out],
        "held out": [case for case in CASES if case.held_out],
        "all, several steps": [case for case in CASES if len(case.steps) > 1],
        "starter": [case for case in CASES if case.catalog == "starter"],
    }[name]
    share = _share(chosen, catalogs)
    with capsys.disabled():
        sys.stdout.write(f"\n  exact sequences, {name}: {share:.0%} of {len(chosen)}\n")
    assert share >= floor


@pytest.mark.no_cover
def test_no_request_yields_a_risky_step_that_nobody_asked_for(
    catalogs: dict[str, Catalog],
) -> None:
    wrong = {
        case.text: found
        for case in CASES
        if (
            found := _wrong_actions(
                case,
                understand(case.text, catalogs[case.catalog]),
                catalogs[case.catalog],
            )
        )
    }
    assert wrong == {}


@pytest.mark.parametrize("case", [c for c in CASES if c.level], ids=lambda case: case.text[:40])
def test_complexity_is_the_contracts(case: Case, catalogs: dict[str, Catalog]) -> None:
    assert case.level == understand(case.text, catalogs[case.catalog]).complexity_level
