"""Finds words that say when something is to be done, and what they are a value of."""

import re
from collections.abc import Sequence

from orchestrator.nlu.coerce import time_unit
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.shapes import SlotKind, looks_like
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Token, words

_CLOCK_RE = re.compile(r"(?:[01]?\d|2[0-3])(?::[0-5]\d)?(?:am|pm|h|uhr)?")
_ABOUT = frozenset({"around", "about", "after", "gegen", "nach", "ab", "vers", "apres"})
_HEDGES = (["maybe"], ["about"], ["around"], ["roughly"], ["approximately"], ["circa"], ["perhaps"])
_ON = frozenset({"on", "am", "le", "el"})
_SPAN_RE = re.compile(r"\d+(?:min|[smhdw])")

_DAYS = frozenset({"date", "day", "weekday"})
_CLOCKS = frozenset({"time", "hour", "at"})
_VAGUE = frozenset({"later", "soon", "sometime", "spater", "bald", "plus", "luego", "pronto"})


def moments(tokens: Sequence[Token], lexicon: Lexicon) -> frozenset[int]:
    """Return the places that say when: "tomorrow", "at 5pm", "in ten minutes"."""
    folded = [token.fold for token in tokens]
    found: set[int] = set()
    for place, word in enumerate(folded):
        found |= set(range(place, place + lexicon.phrases("times").at(folded, place)))
        hedged = word == "in" and folded[place + 1 : place + 2] in _HEDGES  # "in about 10 days"
        following = folded[place + 1 + hedged : place + 3 + hedged]
        clock = following[:1] and _CLOCK_RE.fullmatch(following[0])
        told = clock and not following[0].isdigit()  # not "about 5"
        if (word in {"at", "until", "um", "bis"} and clock) or (word in _ABOUT and told):
            found |= {place, place + 1}
        number = following[:1] and (following[0].isdigit() or following[0] in lexicon.numbers)
        if word == "in" and number and time_unit("".join(following[1:])):
            found |= set(range(place, place + 3 + hedged))
        if word == "in" and following and _SPAN_RE.fullmatch(following[0]):
            found |= set(range(place, place + 2 + hedged))
        if word == "from" and place == len(folded) - 1 and place > 1:
            counted = time_unit("".join(folded[place - 2 : place])) or time_unit(folded[place - 1])
            joined = _SPAN_RE.fullmatch(folded[place - 1]) is not None
            found |= {place - 1} if joined else {place - 2, place - 1} if counted else set()
        if word in _ON and following and looks_like(SlotKind.DATE, following[0]):
            found |= {place, place + 1}
    return frozenset(found)


def moment_values(
    slots: Sequence[Slot], tokens: Sequence[Token], places: frozenset[int], closed: frozenset[str]
) -> dict[str, tuple[str, frozenset[int]]]:
    """Return what "tomorrow at 2pm" sets, with the places of its words, by parameter.

    Nothing where more than one day is said, or none that is plain: that is to be asked.

    Args:
        slots: parameters that have no value yet.
        tokens: the clause.
        places: those that say when.
        closed: words that only join ("at").
    """
    found: dict[str, tuple[str, frozenset[int]]] = {}
    runs = _runs(sorted(p for p in places if tokens[p].fold not in closed))
    clocks = [any(map(str.isdigit, tokens[run[0]].fold)) for run in runs]
    vague = any(tokens[place].fold in _VAGUE for run in runs for place in run)
    if vague or clocks.count(True) > 1 or clocks.count(False) > 1:
        return found
    for run, clock in zip(runs, clocks, strict=True):
        called = _CLOCKS if clock else _DAYS
        text = " ".join(tokens[place].value for place in run)
        for slot in slots:
            named = words(slot.name)[-1] in called and slot.name not in found
            if named and slot.accepts(text):
                found[slot.name] = text, frozenset(run)
                break
    return found


def is_clock(word: str) -> bool:
    """Whether a folded word is a time of day: "22:00", "5pm", "5"."""
    return _CLOCK_RE.fullmatch(word) is not None


def takes_moment(slot: Slot) -> bool:
    """Whether a parameter is a time of day, or a day that may be said in words."""
    called = words(slot.name)[-1]
    return called in _CLOCKS or (called in _DAYS and slot.accepts("tomorrow"))


def _runs(places: Sequence[int]) -> list[list[int]]:
    """Return the places, neighbours together."""
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs
