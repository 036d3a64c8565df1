"""Reads words as they were meant before anything else does: slips of the finger, "an hour".

Only what a word means is changed; its text, place and value stay the person's, so that a name
that looks like a slip is still that name.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rapidfuzz import process
from rapidfuzz.distance import OSA

from orchestrator.nlu.asides import without_asides
from orchestrator.nlu.coerce import iso_date, time_unit
from orchestrator.nlu.full_names import FullNames
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.text import Kind, Token, fold, stem, word_token

_SLASHED_RE = re.compile(r"([A-Za-z][A-Za-z-]*)\d+(?:/\1\d+)+")
_PHONE_RE = re.compile(r"\+\d{1,5}|0\d{1,5}")
_DIGITS_RE = re.compile(r"\d{2,}(?:-\d+)?")
_DIGITS = 7  # of a telephone number
_LONG = 7  # two words that are one are longer
_LEAST = 3  # of fewer letters, no word is read as a slip of another
_SHORT = 4  # of so few letters, one that is lost or two that changed places are forgiven
_DATE_LENGTHS = (5, 4, 3, 1)  # words of "18th of November of 2025" and of shorter ways
_COUNTS = {"a": 1, "an": 1, "one": 1, "eine": 1, "einen": 1, "une": 1, "una": 1, "couple": 2}

_JOINING = frozenset({"and", "then", "or"})


class Speller:
    """Corrects common words and the catalogue's nouns; built once per catalogue."""

    def __init__(
        self,
        lexicon: Lexicon,
        nouns: Iterable[str],
        known: Iterable[str],
        stages: Iterable[str],
        names: FullNames,
    ) -> None:
        """Take what the catalogue says.

        Args:
            lexicon: the generic one.
            nouns: stems of what people name things by.
            known: words and stems that are no slips.
            stages: the environments that it names ("staging").
            names: the reader of people's names.
        """
        self._lexicon = lexicon
        self._stages = frozenset(map(fold, stages))
        self._names = names
        self._common = sorted(lexicon.words("often_misspelt"))
        self._nouns = sorted({noun for noun in nouns if len(noun) >= _SHORT and noun.isalpha()})
        self._known = frozenset(known) | lexicon.all_words

    def read(self, tokens: Sequence[Token]) -> list[Token]:
        """Return the tokens with what was meant; periods of time in words as one token."""
        tokens = [*_phones([*without_asides(self._names.join(tokens), self._lexicon)])]
        parted = [part for place in range(len(tokens)) for part in self._parted(tokens, place)]
        mended = [self._corrected(token) for token in parted]
        ends = bool(parted) and parted[-1].fold not in self._known  # "delete vm nad" names it
        mended[-1:] = parted[-1:] if ends and mended[-1].fold in _JOINING else mended[-1:]
        joined = [*self._joined(mended)]
        return [*self._periods([*_dates(joined)])]

    def _joined(self, tokens: Sequence[Token]) -> Iterator[Token]:
        """Yield "post mortem" as one word, where that is how the catalogue writes it."""
        place = 0
        while place < len(tokens):
            two = tokens[place : place + 2]
            one = "".join(token.fold for token in two)
            plain = len(two) > 1 and all(t.kind is Kind.WORD and t.fold.isalpha() for t in two)
            apart = plain and two[1].start > two[0].end
            percent = [token.fold for token in two] == ["per", "cent"]
            whole = len(one) > _LONG and bool({one, stem(one)} & self._known)
            whole = apart and whole and two[1].fold not in self._known
            if whole or percent or (apart and self._is_torn(two, one)):
                read = word_token(one, two[0].start)
                yield replace(read, text=f"{two[0].text} {two[1].text}", end=two[1].end)
                place += 2
            else:
                yield tokens[place]
                place += 1

    def _is_torn(self, two: Sequence[Token], one: str) -> bool:
        """Whether "an d" is the "and" between two things."""
        joins = len(one) >= _LEAST and one in self._lexicon.words("coordinators")
        return joins and min(len(token.fold) for token in two) == 1

    def _parted(self, tokens: Sequence[Token], place: int) -> Iterator[Token]:
        """Yield "web1/web2" as its names with a mark between, "shop/staging" as two words.

        But not "branch fix/staging", nor where the environment is said beside it.
        """
        token = tokens[place]
        left, _, right = token.text.partition("/")
        staged = token.kind is Kind.WORD and left and fold(right) in self._stages
        others = {other.fold for other in tokens if other is not token} | {fold(left)}
        before = tokens[place - 1].stem if place else ""
        called = before in self._nouns or before in self._lexicon.noun_groups
        if staged and not called and not others & self._stages:
            yield word_token(left, token.start)
            yield word_token(right, token.start + len(left) + 1)
        else:
            yield from _parted(token)

    def _corrected(self, token: Token) -> Token:
        word = token.fold
        plain = token.kind is Kind.WORD and word.isalpha() and len(word) >= _LEAST
        if not plain or word in self._known or token.stem in self._known or _is_camel(token.text):
            return token
        if meant := _nearest(word, self._common):
            return replace(token, fold=meant, stem=stem(meant))
        if len(word) > _SHORT and (meant := _nearest(token.stem, self._nouns)):
            return replace(token, stem=meant)
        return token

    def _periods(self, tokens: Sequence[Token]) -> Iterator[Token]:
        """Yield "an hour", "half an hour", "a couple of days" as "1h", "30m", "2d"."""
        place = 0
        while place < len(tokens):
            exclaimed = place > 0 and tokens[place - 1].fold == "what"  # "what a day"
            length, value = (0, "") if exclaimed else self._period(tokens, place)
            if not length:
                yield tokens[place]
                place += 1
                continue
            first, last = tokens[place], tokens[place + length - 1]
            text = " ".join(token.text for token in tokens[place : place + length])
            read = word_token(value, first.start)
            yield replace(read, text=text, end=last.end)
            place += length

    def _period(self, tokens: Sequence[Token], place: int) -> tuple[int, str]:
        folded = [token.fold for token in tokens[place : place + 5]]
        if folded[:1] == ["half"]:
            length = 3 if folded[1:2] == ["an"] else 2
            return (length, "30m") if folded[length - 1 : length] == ["hour"] else (0, "")
        if folded[0] in {"last", "past"} and folded[1:2] and time_unit(folded[1]):
            told = len(folded[1]) > 1 and time_unit(folded[1]) in {"m", "h", "d"}
            return (2, f"1{time_unit(folded[1])}") if told else (0, "")
        if folded[:2] == ["next", "hour"] and place and tokens[place - 1].fold == "the":
            return 2, "1h"
        skipped = 1 if folded[0] == "a" and folded[1:2] == ["couple"] else 0
        behind = skipped + 1 + (folded[skipped + 1 : skipped + 2] == ["of"])
        count = _COUNTS.get(folded[skipped]) if len(folded) > skipped else None
        count = self._lexicon.numbers.get(folded[skipped]) if count is None else count
        unit = time_unit(folded[behind]) if len(folded) > behind else ""
        spelt = len(folded[behind]) > 1 if unit else False
        return (behind + 1, f"{count}{unit}") if count is not None and spelt else (0, "")


def _phones(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield "0155 5550142" as one word: a number that opens with 0 or + goes on behind a space."""
    place = 0
    while place < len(tokens):
        span = [tokens[place]]
        for token in tokens[place + 1 :] if _PHONE_RE.fullmatch(tokens[place].text) else ():
            if token.start - span[-1].end != 1 or not _DIGITS_RE.fullmatch(token.text):
                break
            span.append(token)
        if len(span) > 1 and sum(len(token.text) for token in span) >= _DIGITS:
            text = " ".join(token.text for token in span)
            yield replace(span[0], text=text, value=text, fold=text, stem=text, end=span[-1].end)
        else:
            yield from span[:1]
            span = span[:1]
        place += len(span)


def _dates(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield "18 Nov 2025" as one word, which means 2025-11-18."""
    place = 0
    while place < len(tokens):
        spans = (tokens[place : place + length] for length in _DATE_LENGTHS)
        found = ((span, iso_date(" ".join(t.text for t in span))) for span in spans)
        span, written = next((pair for pair in found if pair[1]), (tokens[place : place + 1], ""))
        if written:
            text = " ".join(token.text for token in span)
            read = word_token(written, span[0].start)
            yield replace(read, text=text, value=text, end=span[-1].end)
        else:
            yield span[0]
        place += len(span)


def _parted(token: Token) -> Iterator[Token]:
    """Yield "web1/web2" as its names with a mark between, any other token as it is."""
    if token.kind is not Kind.WORD or not _SLASHED_RE.fullmatch(token.text):
        yield token
        return
    place = token.start
    for number, part in enumerate(token.text.split("/")):
        if number:
            yield Token("/", place, place + 1, Kind.MARK, ",", ",", "/")
            place += 1
        yield word_token(part, place)
        place += len(part)


def _is_camel(text: str) -> bool:
    return text[1:] != text[1:].lower()


def _nearest(word: str, words: Sequence[str]) -> str:
    """Return the word that is one slip away and starts alike; short ones only swap letters.

    "nad" starts as "and" does, with its letters swapped.
    """
    near = process.extract(word, words, scorer=OSA.distance, score_cutoff=1, limit=8)
    for found, distance, _ in near:
        swapped = sorted(found) == sorted(word)
        lost = len(word) == _SHORT and len(found) > len(word)
        alike = found[0] == word[0] or swapped
        if distance and alike and (len(word) > _SHORT or swapped or lost):
            return str(found)
    return ""
