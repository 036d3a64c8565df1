"""Gives the numbers of a clause to the parameters that take numbers."""

from collections.abc import Iterable, Iterator, Sequence

from orchestrator.nlu.chunks import is_number
from orchestrator.nlu.coerce import SECONDS, size_factor, size_unit, split_number, time_unit
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Token, stem, words

_PERCENT_NOUNS = frozenset({"percent", "percentag", "level", "bright", "volum", "speed", "humid"})
_PERCENTS = frozenset({"percent", "percentag"})
_UNIT_NOUNS = {"second": "s", "minut": "m", "hour": "h", "day": "d", "week": "w"}

_COUNTED = frozenset({"count", "number", "time", "repeat"})
_TIMES = {"twice": 2, "thrice": 3, "zweimal": 2, "dreimal": 3}
_REPEATED = _COUNTED | {"copi", "repetit", "attempt"}
_ADDED = frozenset(map(stem, ("add", "added", "additional", "more", "extra", "grow", "increase")))
_AMOUNTS = frozenset(map(stem, ("replicas", "instances", "cpus", "cores", "servers", "nodes")))
_ANOTHER = frozenset({"another", "by", "um", "weitere", "otros", "otras"})
_MORE = frozenset({"more", "additional", "extra", "mehr", "zusatzliche", "supplementaires", "mas"})
_SKIPPED = frozenset({"dernieres", "derniers", "letzten", "ultimas", "ultimos", "last", "newest"})


class NumberReader:
    """Reads figures and number words."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon

    def assign(
        self, slots: Sequence[Slot], tokens: Sequence[Token], used: frozenset[int]
    ) -> Iterator[tuple[Slot, float | int, frozenset[int]]]:
        """Yield slot, value and places, the best fitting pair first."""
        places = [
            place
            for place, token in enumerate(tokens)
            if place not in used and self._is_read(token)
        ]
        pairs = sorted(
            (
                (self._fit(slot, tokens, place, len(slots)), -place, slot, place)
                for slot in slots
                for place in places
            ),
            key=lambda pair: pair[:2],
            reverse=True,
        )
        done: set[str] = set()
        taken: set[int] = set()
        for fit, _, slot, place in pairs:
            value = self._value(slot, tokens, place)
            if fit < 1 or slot.name in done or place in taken or not slot.accepts(value):
                continue
            if self._is_added(slot, tokens, place):
                continue
            done.add(slot.name)
            taken.add(place)
            yield slot, value, self._places(slot, tokens, place)

    def _is_added(self, slot: Slot, tokens: Sequence[Token], place: int) -> bool:
        """Whether a number says how much more, and the parameter how much there is to be.

        Nobody knows here of how much "10 GB more" is more.
        """
        _, unit = self._parsed(tokens, place)
        own = {stem(word) for word in (*words(slot.name), *words(slot.description))}
        if own & _ADDED or not (size_unit(unit) or own & _AMOUNTS):
            return False
        end = place + len(self._places(slot, tokens, place))
        before = {token.fold for token in tokens[max(0, place - 1) : place]}
        behind = {token.fold for token in tokens[end : end + 1]}
        return bool(before & _ANOTHER or (behind | before) & _MORE)

    def _is_read(self, token: Token) -> bool:
        spelt = is_number(token, self._lexicon) or token.fold in _TIMES
        return spelt or split_number(_figures(token)) is not None

    def _fit(self, slot: Slot, tokens: Sequence[Token], place: int, slots: int) -> float:
        if tokens[place].fold in _TIMES:
            return 3.0 if slot.nouns & _REPEATED else 0.0
        before, after = self._around(tokens, place)
        _, unit = self._parsed(tokens, place)
        fit = 1.0 if slot.required else 0.0
        if self._keys(slot.nouns) & self._keys({before, after}) or (
            "port" in slot.nouns and _behind_colon(tokens, place)
        ):
            fit += 3
        elif place and self._is_another_thing(slot, tokens[place - 1]):
            fit -= 1  # "VM 105" is no port
        fit += _fit_of_unit(slot, unit, after, percent=_percent(tokens, place))
        if after == "time" and slot.nouns & _COUNTED:
            fit += 3  # "ping it 5 times"
        if before in {"to", "by", "last", "auf", "sur", "a"}:
            fit += 0.5
        if slots == 1 and 0 < place == len(tokens) - 1 and not slot.required and not unit:
            fit += 0.5  # "tail gitea 300"
        return fit + (0.5 if slots == 1 else 0)

    def _is_another_thing(self, slot: Slot, before: Token) -> bool:
        """Whether the word before a number says of what it is the number, and not of `slot`."""
        things = self._lexicon.noun_groups.keys() | self._lexicon.words("kinds")
        own = slot.nouns | {stem(word) for word in words(slot.description)}
        return before.stem in things and not self._keys(own) & self._keys({before.stem})

    def _keys(self, nouns: Iterable[str]) -> frozenset[str]:
        """Return the nouns and what they share with others: "lignes" are lines."""
        groups = self._lexicon.noun_groups
        return frozenset(key for noun in nouns for key in (noun, *groups.get(noun, ())))

    def _around(self, tokens: Sequence[Token], place: int) -> tuple[str, str]:
        """Return the stems before (over "to" and "of") and after the number."""
        index = place - 1
        while index > 0 and tokens[index].fold in {"to", "of", "is", "at", "the", "auf"}:
            index -= 1
        before = tokens[index].stem if index >= 0 else ""
        behind = [t for t in tokens[place + 1 : place + 3] if t.fold not in _SKIPPED]
        after = behind[0].stem if behind else ""
        near = tokens[place - 1].fold if place and tokens[place - 1].fold == "to" else before
        return (before if before not in self._lexicon.words("stop") else near), after

    def _value(self, slot: Slot, tokens: Sequence[Token], place: int) -> float | int:
        number, unit = self._parsed(tokens, place)
        own = next((_UNIT_NOUNS[noun] for noun in slot.nouns if noun in _UNIT_NOUNS), "")
        own_size = next((size_unit(noun) for noun in slot.nouns if size_unit(noun)), "")
        if own and time_unit(unit):
            number = number * SECONDS[time_unit(unit)] / SECONDS[own]
        elif own_size and size_unit(unit):
            number *= size_factor(size_unit(unit), own_size)
        return int(number) if number.is_integer() else number

    def _parsed(self, tokens: Sequence[Token], place: int) -> tuple[float, str]:
        """Return the number and its unit, attached or the next word."""
        word = _figures(tokens[place])
        following = tokens[place + 1].fold if place + 1 < len(tokens) else ""
        if word in _TIMES:
            return float(_TIMES[word]), ""
        if word in self._lexicon.numbers:
            return float(self._lexicon.numbers[word]), following
        number, unit = split_number(word) or (0.0, "")
        return number, unit or following

    def _places(self, slot: Slot, tokens: Sequence[Token], place: int) -> frozenset[int]:
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        unit = after is not None and bool(
            after.stem in slot.nouns
            or time_unit(after.fold)
            or size_unit(after.fold)
            or after.fold.startswith("percent")
        )
        return frozenset({place, place + 1} if unit else {place})


def _figures(token: Token) -> str:
    """Return a word as a number is written: "231" for "#231"."""
    return token.fold.removeprefix("#")


def _fit_of_unit(slot: Slot, unit: str, after: str, *, percent: bool) -> float:
    """Return what a number's unit says for or against a parameter."""
    fit = 0.0
    if percent and slot.nouns & _PERCENT_NOUNS:
        fit += 2
    elif slot.nouns & _PERCENTS:
        fit -= 1
    if size_unit(unit):
        fit += 2 if any(map(size_unit, slot.nouns)) else -1
    if time_unit(unit) and slot.nouns & set(_UNIT_NOUNS):
        fit += 2
    elif time_unit(unit) and after not in slot.nouns:
        fit -= 1
    return fit


def _behind_colon(tokens: Sequence[Token], place: int) -> bool:
    """Whether the number is the port in "example.org:443", cut into two words."""
    return (
        place > 0
        and tokens[place].start - tokens[place - 1].end == 1
        and ("." in tokens[place - 1].fold or tokens[place - 1].fold == "localhost")
    )


def _percent(tokens: Sequence[Token], place: int) -> bool:
    following = tokens[place + 1].fold if place + 1 < len(tokens) else ""
    return tokens[place].fold.endswith("%") or following.startswith(("percent", "prozent"))
