"""Finds words that say when something is to be done."""

import re
from collections.abc import Sequence

from orchestrator.nlu.coerce import time_unit
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.text import Token

_CLOCK_RE = re.compile(r"(?:[01]?\d|2[0-3])(?::[0-5]\d)?(?:am|pm|h|uhr)?")


def moments(tokens: Sequence[Token], lexicon: Lexicon) -> frozenset[int]:
    """Return the places that say when: "tomorrow", "at 5pm", "in ten minutes"."""
    folded = [token.fold for token in tokens]
    found: set[int] = set()
    for place, word in enumerate(folded):
        found |= set(range(place, place + lexicon.phrases("times").at(folded, place)))
        following = folded[place + 1 : place + 3]
        clock = following[:1] and _CLOCK_RE.fullmatch(following[0])
        if word in {"at", "until", "um", "bis"} and clock:
            found |= {place, place + 1}
        number = following[:1] and (following[0].isdigit() or following[0] in lexicon.numbers)
        if word == "in" and number and time_unit("".join(following[1:])):
            found |= {place, place + 1, place + 2}
    return frozenset(found)
