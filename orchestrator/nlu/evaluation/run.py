"""Runs a set through the embedded engine."""

import time
from collections.abc import Iterator, Sequence

from orchestrator.catalog.models import Catalog
from orchestrator.errors import EvaluationError
from orchestrator.nlu.decomposer import understand
from orchestrator.nlu.evaluation.cases import Case
from orchestrator.nlu.evaluation.outcomes import Outcome, compare


def outcomes_of(cases: Sequence[Case], catalog: Catalog) -> list[Outcome]:
    """Return the outcome of each case; building the index is not part of the times.

    Raises:
        EvaluationError: a case expects an intent that the catalogue does not have.
    """
    _check_intents(cases, catalog)
    understand("", catalog)
    return [*_outcomes(cases, catalog)]


def _outcomes(cases: Sequence[Case], catalog: Catalog) -> Iterator[Outcome]:
    for case in cases:
        earlier = None if case.follows is None else understand(case.follows, catalog)
        began = time.perf_counter()
        found = understand(case.text, catalog, earlier)
        yield compare(case, found, catalog, time.perf_counter() - began)


def _check_intents(cases: Sequence[Case], catalog: Catalog) -> None:
    for case in cases:
        for step in case.expected:
            if step.intent not in catalog.entries:
                raise EvaluationError(
                    f"Case {case.id} expects {step.intent}, which the catalogue does not have."
                )
