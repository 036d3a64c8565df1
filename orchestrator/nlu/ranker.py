"""Which of several words is meant: a linear ranker over clues, learnt from labelled requests.

    P(option) = e^s(option) / Σ e^s(other)        s = Σ weights of its clues

The weights ship in `ranker.yaml`, learnt by `make ranker`.
Source: McFadden, "Conditional logit analysis of qualitative choice behavior", 1974.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import yaml
from pydantic import TypeAdapter

WEIGHTS = Path(__file__).with_name("ranker.yaml")
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
    """Return the ranker that ships; read once."""
    return Ranker(_FILE.validate_python(yaml.safe_load(WEIGHTS.read_text("utf-8"))))
