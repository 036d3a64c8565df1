"""`chiffon eval`: how well the embedded engine understands a set of requests."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.console import Console
from rich.text import Text

from orchestrator.catalog.loader import load_catalog
from orchestrator.errors import CatalogError, EvaluationError
from orchestrator.nlu.evaluation.cases import Part, read_cases
from orchestrator.nlu.evaluation.measures import Detection, Report, report
from orchestrator.nlu.evaluation.outcomes import Outcome
from orchestrator.nlu.evaluation.run import outcomes_of

Row = tuple[str, str]


def evaluate(
    *,
    catalog: Annotated[
        list[Path], typer.Option(help="Catalogue file or folder; repeatable.", show_default=False)
    ],
    cases: Annotated[
        Path, typer.Option("--set", help="YAML list, or .jsonl, of requests.", show_default=False)
    ],
    part: Annotated[Part, typer.Option(help="A third of every set is held out.")] = Part.ALL,
    worst: Annotated[int, typer.Option(min=0, help="How many misses to show.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure how well requests are understood; docs/understanding.md defines the numbers.

    Exit status 1 when the catalogue or the set cannot be used.
    """
    try:
        known = load_catalog(catalog)
        outcomes = outcomes_of(read_cases(cases, part), known)
    except (CatalogError, EvaluationError) as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(1) from fault
    numbers = report(outcomes)
    misses = _worst(outcomes, worst)
    if as_json:
        content = {**numbers.model_dump(mode="json"), "worst": [*map(_miss, misses)]}
        typer.echo(json.dumps(content, ensure_ascii=False, indent=2))
        return
    console = Console()
    for line in (*_lines(numbers), *_shown(misses)):
        console.print(Text(line), soft_wrap=True)


def _worst(outcomes: Sequence[Outcome], count: int) -> list[Outcome]:
    wrong = [one for one in outcomes if not one.is_exact]
    return sorted(wrong, key=lambda one: one.badness, reverse=True)[:count]


def _miss(outcome: Outcome) -> dict[str, JsonValue]:
    case, found = outcome.case, outcome.found
    return {
        "id": case.id,
        "text": case.text,
        "expected": {
            "steps": [step.model_dump(mode="json") for step in case.expected],
            "ambiguous": case.ambiguous,
            "out_of_scope": bool(case.out_of_scope),
        },
        "got": {
            "steps": [
                {"intent": one.intent, "parameters": one.parameters} for one in found.subtasks
            ],
            "ambiguities": [one.question for one in found.ambiguities],
            "out_of_scope": [*found.out_of_scope],
        },
    }


# --- for people ---


def _lines(numbers: Report) -> Iterator[str]:
    rows = [*_rows(numbers), *_categories(numbers), *_confidence(numbers)]
    width = max(len(label) for label, _ in rows)
    yield from (f"{label:<{width}}  {value}" for label, value in rows)


def _rows(numbers: Report) -> Iterator[Row]:
    yield "requests", str(numbers.requests)
    yield "exact: all / multi-step", _pair(numbers.exact, numbers.exact_multi_step)
    sequence = _pair(numbers.sequence, numbers.sequence_multi_step)
    yield "intents in order: all / multi-step", sequence
    steps = _pair(numbers.step_precision, numbers.step_recall)
    yield "step F1 (precision / recall)", f"{_percent(numbers.step_f1)} ({steps})"
    yield "parameter recall", _percent(numbers.parameter_recall)
    yield "out of scope: precision / recall", _detected(numbers.out_of_scope)
    yield "ambiguity: precision / recall", _detected(numbers.ambiguity)
    yield "wrong action", _percent(numbers.wrong_action)
    yield "wrong target", _percent(numbers.wrong_target)
    yield "adversarial: safe", _percent(numbers.adversarial_safe)
    yield "complexity", _percent(numbers.complexity)
    yield "calibration error (ECE)", _percent(numbers.calibration_error)
    times = f"{numbers.milliseconds_p50:.1f} / {numbers.milliseconds_p95:.1f} ms"
    yield "time per request: p50 / p95", times


def _categories(numbers: Report) -> Iterator[Row]:
    for name, share in numbers.exact_by_category.items():
        yield f"exact, {name}", f"{_percent(share)} of {numbers.requests_by_category[name]}"


def _confidence(numbers: Report) -> Iterator[Row]:
    for one in numbers.bins:
        label = f"steps that are {_percent(one.confidence)} sure"
        yield label, f"{_percent(one.right)} of {one.steps} right"


def _detected(detection: Detection) -> str:
    return _pair(detection.precision, detection.recall)


def _pair(first: float | None, second: float | None) -> str:
    return f"{_percent(first)} / {_percent(second)}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.1f} %"


def _shown(misses: Sequence[Outcome]) -> Iterator[str]:
    for outcome in misses:
        case, found = outcome.case, outcome.found
        before = f"[{case.follows}] " if case.follows else ""
        yield ""
        yield f"{case.id}: {before}{case.text}"
        steps = [(step.intent, step.parameters) for step in case.expected]
        yield f"  expected {_told(steps, case.ambiguous, bool(case.out_of_scope))}"
        got = [(one.intent, one.parameters) for one in found.subtasks]
        yield f"  got      {_told(got, outcome.asks, outcome.refuses)}"
        yield from (f"           ? {one.question}" for one in found.ambiguities)
        if found.out_of_scope:
            yield f"           out of scope: {json.dumps(found.out_of_scope, ensure_ascii=False)}"


def _told(steps: Sequence[tuple[str, dict[str, JsonValue]]], asks: bool, refuses: bool) -> str:
    words = [
        " ".join([intent, *(f"{name}={value}" for name, value in parameters.items())])
        for intent, parameters in steps
    ]
    words += ["a question"] * asks + ["out of scope"] * refuses
    return "; ".join(words) or "nothing"
