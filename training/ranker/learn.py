"""Learns the weights of clues from labelled choices: `make ranker`.

    python training/ranker/learn.py GROUPS.jsonl WEIGHTS.yaml

Runs in `.venv-learn`, with nothing of Chiffon's. GROUPS holds, a line each, the clues of the
options of one choice and which of them are right. Conditional logit, with a penalty on large
weights, by L-BFGS.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

_PENALTY = 2.0  # chosen with whole sets left out; 0.5 to 8 give the same within a few names
_FEWEST = 5  # choices that a clue must be seen in
_HEAD = """\
# Weights of clues for which word of a request is a value: orchestrator/nlu/ranker.py.
# Learnt by `make ranker` from {groups} choices in labelled requests; not to be edited by hand.
"""


def main() -> None:
    """Write the weights; print how often the likeliest option is a right one."""
    source, target = map(Path, sys.argv[1:])
    groups = [json.loads(line) for line in source.read_text("utf-8").splitlines()]
    seen: dict[str, int] = {}
    for group in groups:
        for clue in {clue for clues in group["options"] for clue in clues}:
            seen[clue] = seen.get(clue, 0) + 1
    clues = sorted(clue for clue, times in seen.items() if times >= _FEWEST)
    column = {clue: number for number, clue in enumerate(clues)}
    sizes = [len(group["options"]) for group in groups]
    begins = np.cumsum([0, *sizes])[:-1]
    owner = np.repeat(np.arange(len(groups)), sizes)
    signs = np.zeros((sum(sizes), len(clues)))
    right = np.zeros(sum(sizes))
    for begin, group in zip(begins, groups, strict=True):
        for place, said in enumerate(group["options"]):
            signs[begin + place, [column[clue] for clue in said if clue in column]] = 1
        right[[begin + place for place in group["right"]]] = 1

    def loss(weights):
        scores = signs @ weights
        powers = np.exp(scores - np.maximum.reduceat(scores, begins)[owner])
        total = np.add.reduceat(powers, begins)
        hit = np.add.reduceat(right * powers, begins)
        slope = signs.T @ (powers / total[owner] - right * powers / hit[owner])
        cost = -np.log(hit / total).sum() + _PENALTY / 2 * weights @ weights
        return cost, slope + _PENALTY * weights

    weights = minimize(loss, np.zeros(len(clues)), jac=True, method="L-BFGS-B").x
    lines = [f"{clue}: {weight:.2f}" for clue, weight in zip(clues, weights, strict=True)]
    target.write_text(_HEAD.format(groups=len(groups)) + "\n".join(lines) + "\n", "utf-8")
    scores = signs @ weights
    best = [
        begin + int(np.argmax(scores[begin : begin + n]))
        for begin, n in zip(begins, sizes, strict=True)
    ]
    sys.stdout.write(f"{len(clues)} clues; {right[best].mean():.1%} right by the likeliest\n")


if __name__ == "__main__":
    main()
