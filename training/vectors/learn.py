"""Learns the vectors of features from weighted phrases: `make concepts`.

    python training/vectors/learn.py PHRASES.jsonl VECTORS

Runs in `.venv-learn`, with nothing of Chiffon's. PHRASES holds a header and, a line each, a
phrase: the number of its concept, the numbers of its features, their weights. A linear network
with one hidden layer learns to tell the concepts; what it makes of each feature is its vector.
"""

import json
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

_SIZE = 64  # 128 names the right capability for one in a hundred more, and is twice as large
_PASSES = 6
_LARGEST = 127  # of a signed byte


def main() -> None:
    """Write the vectors; print how many."""
    source, target = map(Path, sys.argv[1:])
    lines = source.read_text("utf-8").splitlines()
    header = json.loads(lines[0])
    phrases = [*map(json.loads, lines[1:])]
    ends = np.cumsum([0, *(len(phrase["features"]) for phrase in phrases)])
    columns = [number for phrase in phrases for number in phrase["features"]]
    weights = [weight for phrase in phrases for weight in phrase["weights"]]
    shape = (len(phrases), header["features"])
    said = csr_matrix((weights, columns, ends), shape=shape, dtype=np.float32)
    network = MLPClassifier(
        (_SIZE,),
        activation="identity",
        alpha=1e-5,
        batch_size=512,
        learning_rate_init=0.005,
        max_iter=_PASSES,
        n_iter_no_change=_PASSES + 1,
        random_state=0,
    )
    # One thread adds in one order: the same phrases give the same vectors on a kind of machine.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)  # more passes learn phrases by heart
        network.fit(said, [phrase["concept"] for phrase in phrases])
    hidden = network.coefs_[0]
    numbers = np.round(hidden / abs(hidden).max() * _LARGEST).astype(np.int8)
    head = {"source": header["source"], "size": _SIZE, "least": header["least"]}
    content = json.dumps(head).encode() + b"\n" + numbers.tobytes()
    target.write_bytes(zlib.compress(content, level=9))
    sys.stdout.write(f"{len(numbers)} vectors of {_SIZE}\n")


if __name__ == "__main__":
    main()
