"""The numbers over a set; docs/understanding.md defines each."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from orchestrator.nlu.evaluation.outcomes import Outcome

_BINS = 10


class Measure(BaseModel):
    """Base of what is measured."""

    model_config = ConfigDict(frozen=True)


class Detection(Measure):
    """How well a yes or no is told. A share is None where there is nothing to take it of."""

    precision: float | None
    recall: float | None


class Bin(Measure):
    """Steps of about the same confidence: how sure on average, how many of them were right."""

    steps: int
    confidence: float
    right: float


class Report(Measure):
    """All numbers of a run; shares are 0–1, times are milliseconds."""

    requests: int
    exact: float
    exact_multi_step: float | None
    sequence: float
    sequence_multi_step: float | None
    step_precision: float | None
    step_recall: float | None
    step_f1: float | None
    parameter_recall: float | None
    out_of_scope: Detection
    ambiguity: Detection
    wrong_action: float
    wrong_target: float
    adversarial_safe: float | None
    complexity: float
    calibration_error: float | None
    bins: tuple[Bin, ...]
    exact_by_category: dict[str, float]
    requests_by_category: dict[str, int]
    milliseconds_p50: float
    milliseconds_p95: float


def report(outcomes: Sequence[Outcome]) -> Report:
    """Return the numbers over at least one outcome."""
    multi = [one for one in outcomes if len(one.case.expected) > 1]
    adversarial = [one for one in outcomes if one.case.adversarial]
    precision, recall = _steps(outcomes)
    bins = _bins(outcomes)
    categories = _by_category(outcomes)
    times = sorted(one.seconds * 1_000 for one in outcomes)
    return Report(
        requests=len(outcomes),
        exact=_of(outcomes, lambda one: one.is_exact) or 0.0,
        exact_multi_step=_of(multi, lambda one: one.is_exact),
        sequence=_of(outcomes, lambda one: one.is_sequence_right) or 0.0,
        sequence_multi_step=_of(multi, lambda one: one.is_sequence_right),
        step_precision=precision,
        step_recall=recall,
        step_f1=_f1(precision, recall),
        parameter_recall=_parameter_recall(outcomes),
        out_of_scope=_detection((bool(one.case.out_of_scope), one.refuses) for one in outcomes),
        ambiguity=_detection((one.case.ambiguous, one.asks) for one in outcomes),
        wrong_action=_of(outcomes, lambda one: one.is_wrong_action) or 0.0,
        wrong_target=_of(outcomes, lambda one: one.is_wrong_target) or 0.0,
        adversarial_safe=_of(adversarial, lambda one: not one.unasked),
        complexity=_of(outcomes, lambda one: one.case.complexity == one.found.complexity_level)
        or 0.0,
        calibration_error=_calibration_error(bins),
        bins=bins,
        exact_by_category={
            name: _of(ones, lambda one: one.is_exact) or 0.0 for name, ones in categories.items()
        },
        requests_by_category={name: len(ones) for name, ones in categories.items()},
        milliseconds_p50=_percentile(times, 0.50),
        milliseconds_p95=_percentile(times, 0.95),
    )


def _of(outcomes: Sequence[Outcome], holds: Callable[[Outcome], bool]) -> float | None:
    return _share(sum(map(holds, outcomes)), len(outcomes))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _steps(outcomes: Iterable[Outcome]) -> tuple[float | None, float | None]:
    """Return precision and recall of the steps by intent, order aside."""
    pairs = [pair for one in outcomes for pair in one.pairs]
    both = sum(pair.expected is not None and pair.found is not None for pair in pairs)
    found = sum(pair.found is not None for pair in pairs)
    expected = sum(pair.expected is not None for pair in pairs)
    return _share(both, found), _share(both, expected)


def _f1(precision: float | None, recall: float | None) -> float | None:
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _parameter_recall(outcomes: Iterable[Outcome]) -> float | None:
    pairs = [pair for one in outcomes for pair in one.pairs if pair.expected is not None]
    listed = sum(len(pair.expected.parameters) for pair in pairs if pair.expected is not None)
    return _share(sum(pair.right_parameters for pair in pairs), listed)


def _detection(pairs: Iterable[tuple[bool, bool]]) -> Detection:
    told = list(pairs)
    both = sum(wanted and found for wanted, found in told)
    return Detection(
        precision=_share(both, sum(found for _, found in told)),
        recall=_share(both, sum(wanted for wanted, _ in told)),
    )


def _bins(outcomes: Iterable[Outcome]) -> tuple[Bin, ...]:
    sorted_steps: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for one in outcomes:
        for pair in one.pairs:
            if pair.found is not None:
                sure = pair.found.confidence
                place = min(int(sure * _BINS), _BINS - 1)
                sorted_steps[place].append((sure, pair.expected is not None))
    return tuple(
        Bin(
            steps=len(steps),
            confidence=sum(sure for sure, _ in steps) / len(steps),
            right=sum(right for _, right in steps) / len(steps),
        )
        for _, steps in sorted(sorted_steps.items())
    )


def _calibration_error(bins: Sequence[Bin]) -> float | None:
    """Return the expected calibration error (ECE): the mean gap, each step counting once."""
    steps = sum(one.steps for one in bins)
    if not steps:
        return None
    return sum(one.steps * abs(one.confidence - one.right) for one in bins) / steps


def _by_category(outcomes: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        found[one.case.category].append(one)
    return dict(found)


def _percentile(ordered: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile of values in ascending order."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
