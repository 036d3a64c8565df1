"""Where a text stands among all that may be meant: a vector, near those of texts that mean alike.

    vector(text) = Σ w(feature) · v(feature)      of length 1; w: as in the concept model

The concept model tells "restart the pods" from "restart the service", and sees nothing that both
have in common; their vectors are close. The v are the hidden layer of a classifier of the same
phrases (`training/vectors/learn.py`) and ship as one byte a number.
Source: Joulin et al., "Bag of Tricks for Efficient Text Classification", 2016.
"""

import json
import math
import zlib
from array import array
from collections.abc import Collection, Iterable, Sequence
from functools import cache, lru_cache
from operator import mul
from pathlib import Path
from typing import Self, TypedDict

from orchestrator.nlu.concepts import ConceptModel, concept_model
from orchestrator.nlu.features import symbols
from orchestrator.nlu.text import Token

VECTORS = Path(__file__).with_name("vectors.bin")
_KEPT = 2_048  # texts whose vectors are remembered

Vector = Sequence[float]
"""Of length 1, or all zero where no word of a text is known."""


class Header(TypedDict):
    """What a file of vectors says of itself."""

    source: str  # of the concept model whose features have the vectors
    size: int  # numbers in each
    least: int  # phrases that a feature must be seen in to have one


class Vectors:
    """Gives texts their vectors."""

    def __init__(self, model: ConceptModel, header: Header, numbers: "array[int]") -> None:
        """Take one vector after the other, of the features seen often enough, in their order."""
        self._model = model
        self._size = header["size"]
        self._numbers = numbers
        often = enumerate(model.often(header["least"]))
        self._begins = {row: place * self._size for place, row in often}
        self._known = lru_cache(_KEPT)(self._vector)

    @classmethod
    def load(cls, path: Path, model: ConceptModel) -> Self:
        """Return the vectors that a file holds.

        Raises:
            ValueError: they are not those of this model's features.
        """
        head, _, content = zlib.decompress(path.read_bytes()).partition(b"\n")
        header: Header = json.loads(head)
        if header["source"] != model.source:
            raise ValueError(
                f"{path.name} was learnt with another concept model. Run `make concepts`."
            )
        return cls(model, header, array("b", content))

    def of(self, tokens: Iterable[Token], names: Collection[str] = ()) -> Vector:
        """Return the vector of a text; `names` are folded words that are names here."""
        return self._known(tuple(symbols(tokens, self._model.vocabulary, names)))

    def _vector(self, said: tuple[str, ...]) -> Vector:
        found = [0.0] * self._size
        for row, weight in self._model.weighted(said):
            begin = self._begins.get(row)
            if begin is not None:
                part = self._numbers[begin : begin + self._size]
                found = [one + weight * number for one, number in zip(found, part, strict=True)]
        length = math.sqrt(sum(map(mul, found, found)))
        return [one / length for one in found] if length else found


def closeness(one: Vector, other: Vector) -> float:
    """Return the cosine of two vectors (-1 to 1); 0 where one is zero."""
    return sum(map(mul, one, other), 0.0)


@cache
def phrase_vectors() -> Vectors:
    """Return the vectors that ship; read once."""
    return Vectors.load(VECTORS, concept_model())
