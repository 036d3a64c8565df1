"""Learns the concept model from the phrases in `training/`: `make concepts`.

A file holds concepts, each "# its_name" and its phrases, one a line; "{…}" stands for a value.
It also writes what `training/vectors/learn.py` learns from, to the path that it is given.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from orchestrator.nlu import features
from orchestrator.nlu.concepts import MODEL, ConceptModel
from orchestrator.nlu.features import NAME, PLACEHOLDERS, join, known_only, symbols
from orchestrator.nlu.text import normalise, tokenise

PHRASES = Path(__file__).parents[1] / "training"
_IDLE = "background.txt"  # holds what the bot must not act on
_LEAST = 3  # phrases that a feature must be seen in to have a vector
_HEAD_RE = re.compile(r"# ([a-z0-9_]+)")
_PLACEHOLDER_RE = re.compile(r"\{(\w+)\}")


def main() -> None:
    """Write the model; print what it holds."""
    if len(sys.argv) != 2:  # noqa: PLR2004
        raise SystemExit("Say where to write the weighted phrases, or run `make concepts`.")
    phrases = {name: [symbols_of(one) for one in said] for name, said in read(PHRASES).items()}
    model = ConceptModel.learn(phrases, source_of(PHRASES), idle=[*read(PHRASES, _IDLE)])
    MODEL.write_bytes(model.packed())
    Path(sys.argv[1]).write_text("\n".join(weighted(phrases, model)), "utf-8")
    sys.stdout.write(f"{len(phrases)} concepts, {sum(map(len, phrases.values()))} phrases\n")


def weighted(phrases: Mapping[str, Sequence[Sequence[str]]], model: ConceptModel) -> Iterator[str]:
    """Yield a header and each phrase as numbers and weights of its features, in JSON."""
    often = model.often(_LEAST)
    places = {row: place for place, row in enumerate(often)}
    yield json.dumps({"source": model.source, "features": len(often), "least": _LEAST})
    for concept, name in enumerate(model.names):
        for said in phrases[name]:
            rows = model.weighted(known_only(said, model.vocabulary))
            kept = [(places[row], round(weight, 4)) for row, weight in rows if row in places]
            features, weights = zip(*kept, strict=True) if kept else ((), ())
            yield json.dumps({"concept": concept, "features": features, "weights": weights})


def source_of(folder: Path) -> str:
    """Return a digest of all that the model depends on: the phrases, and how they are seen."""
    digest = hashlib.sha256(Path(features.__file__).read_bytes())
    for path in sorted(folder.glob("*.txt")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def read(folder: Path, files: str = "*.txt") -> dict[str, list[str]]:
    """Return the phrases of each concept, in the order of the files; none twice."""
    found: dict[str, dict[str, None]] = {}
    paths = sorted(folder.glob(files))
    if not paths:
        raise SystemExit(f"{folder} holds no {files}. Put the phrases there.")
    for path in paths:
        name = ""
        for line in filter(None, map(str.strip, path.read_text("utf-8").splitlines())):
            head = _HEAD_RE.fullmatch(line)
            if head is not None:
                name = head[1]
            elif name:
                found.setdefault(name, {})[line] = None
            else:
                raise SystemExit(f"{path}: put a concept before its phrases: # its_name")
    return {name: [*lines] for name, lines in found.items()}


def symbols_of(phrase: str) -> list[str]:
    """Return what the model sees of a phrase."""
    found: list[str] = []
    for place, part in enumerate(_PLACEHOLDER_RE.split(phrase)):
        said = [PLACEHOLDERS.get(part, NAME)] if place % 2 else symbols(tokenise(normalise(part)))
        for symbol in said:
            join(found, symbol)
    return found


if __name__ == "__main__":
    main()
