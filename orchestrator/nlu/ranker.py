"""Which of several options is meant: a linear ranker over clues, learnt from labelled requests.

    P(option) = e^s(option) / Σ e^s(other)        s = Σ weights of its clues

The weights ship in `value_weights.yaml` and `intent_weights.yaml`, learnt by `make ranker`.
Source: McFadden, "Conditional logit analysis of qualitative choice behavior", 1974.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import yaml
from pydantic import TypeAdapter

VALUES = Path(__file__).with_name("value_weights.yaml")
INTENTS = Path(__file__).with_name("intent_weights.yaml")
_FILE = TypeAdapter(dict[str, float])


class Ranker:
    """Gives options their chances."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        """Take the weight of each clue; one that is missing weighs nothing."""
        self._weights = weights

    def chances(self, options: Sequence[Iterable[str]]) -> list[float]:
        """Return the chance of each of one or more options (0–1, together 1), by its clues."""
        scores = [sum(self._weights.get(clue, 0.0) for clue in clues) for clues in options]
        most = max(scores)
        powers = [math.exp(score - most) for score in scores]
        total = sum(powers)
        return [power / total for power in powers]


@cache
def value_ranker() -> Ranker:
    """Return what tells which word is a value; read once."""
    return _read(VALUES)


@cache
def intent_ranker() -> Ranker:
    """Return what tells which capability a request means; read once."""
    return _read(INTENTS)


def _read(weights: Path) -> Ranker:
    return Ranker(_FILE.validate_python(yaml.safe_load(weights.read_text("utf-8"))))
