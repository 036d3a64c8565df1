"""Learns the weights of clues from labelled choices: `make ranker`.

    python training/ranker/learn.py CHOICES.jsonl WEIGHTS.yaml

Runs in `.venv-learn`, with nothing of Chiffon's. CHOICES holds, a line each, the clues of the
options of one choice, which of them are right, and what the choice weighs. Conditional logit, with
a penalty on large weights, by L-BFGS.
"""

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

_PENALTY = 4.0  # on the squares of the weights
_FEWEST = 5  # choices that a clue must be seen in
_HEAD = """\
# Weights of clues for what is meant: orchestrator/nlu/ranker.py.
# Learnt by `make ranker` from {choices} choices in labelled requests; not to be edited by hand.
"""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Choices:
    """All options of all choices, one below the other."""

    signs: Numbers  # which option has which clue: 0 or 1
    right: Numbers  # which option is right: 0 or 1
    begins: NDArray[np.int64]  # where each choice begins
    owner: NDArray[np.int64]  # of each option, the number of its choice
    counts: Numbers  # what each choice counts

    def cost(self, weights: Numbers) -> tuple[float, Numbers]:
        """Return the negative log likelihood with the penalty, and its slope."""
        scores = self.signs @ weights
        powers = np.exp(scores - np.maximum.reduceat(scores, self.begins)[self.owner])
        total = np.add.reduceat(powers, self.begins)
        hit = np.add.reduceat(self.right * powers, self.begins)
        pull = powers / total[self.owner] - self.right * powers / hit[self.owner]
        pull *= self.counts[self.owner]
        cost = -self.counts @ np.log(hit / total) + _PENALTY / 2 * weights @ weights
        return cost, self.signs.T @ pull + _PENALTY * weights

    def share_right(self, weights: Numbers) -> float:
        """Return how often the likeliest option is a right one."""
        scores = self.signs @ weights
        ends = [*self.begins[1:], len(scores)]
        best = [b + int(np.argmax(scores[b:e])) for b, e in zip(self.begins, ends, strict=True)]
        return float(self.right[best].mean())


def main() -> None:
    """Write the weights; print how often the likeliest option is a right one."""
    source, target = map(Path, sys.argv[1:])
    said = [json.loads(line) for line in source.read_text("utf-8").splitlines()]
    seen = Counter(clue for one in said for clue in {c for clues in one["options"] for c in clues})
    clues = sorted(clue for clue, times in seen.items() if times >= _FEWEST)
    choices = _choices(said, clues)
    weights = minimize(choices.cost, np.zeros(len(clues)), jac=True, method="L-BFGS-B").x
    lines = [f"{clue}: {weight:.2f}" for clue, weight in zip(clues, weights, strict=True)]
    target.write_text(_HEAD.format(choices=len(said)) + "\n".join(lines) + "\n", "utf-8")
    sys.stdout.write(f"{len(clues)} clues; {choices.share_right(weights):.1%} right\n")


def _choices(said: list[dict[str, list]], clues: list[str]) -> Choices:
    column = {clue: number for number, clue in enumerate(clues)}
    sizes = [len(one["options"]) for one in said]
    begins = np.cumsum([0, *sizes])[:-1]
    signs, right = np.zeros((sum(sizes), len(clues))), np.zeros(sum(sizes))
    for begin, one in zip(begins, said, strict=True):
        for place, told in enumerate(one["options"]):
            signs[begin + place, [column[clue] for clue in told if clue in column]] = 1
        right[[begin + place for place in one["right"]]] = 1
    counts = np.array([one["weight"] for one in said])
    return Choices(signs, right, begins, np.repeat(np.arange(len(said)), sizes), counts)


if __name__ == "__main__":
    main()
