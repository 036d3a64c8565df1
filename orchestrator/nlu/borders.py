"""Marks and words between others: which end a sentence, number an item, join one more name."""

import unicodedata
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from orchestrator.nlu.concepts import concept_model
from orchestrator.nlu.text import Kind, Token

STRONG_MARKS = frozenset({".", "!", "?", ";", "->", "\u2022", "\u2026"})
ANDS = frozenset({"and", "und", "et", "y", "&", "plus", "sowie"})
"""What joins one thing with more of the same."""
_THENS = frozenset({"then", "dann", "danach", "puis", "ensuite", "luego"})
_SIDE = 4  # "and" stands nearer to the "between" that it belongs to
_STEPS = frozenset({"step", "task", "schritt", "etape", "paso", "item", "aufgabe", "tache"})


def is_between(tokens: Sequence[Token], place: int) -> bool:
    """Whether "and" joins what "the trade-offs between Redis and Valkey" names."""
    words = [token.fold for token in tokens[max(0, place - _SIDE - 1) : place]]
    near = words[::-1].index("between") if "between" in words else _SIDE
    return 0 < near < _SIDE and not {",", "and"} & {*words[len(words) - near :]}


def ends(token: Token) -> bool:
    """Whether a sentence ends here; an emoji ends one as well."""
    smiles = token.kind is Kind.MARK and unicodedata.category(token.text[:1] or " ") == "So"
    return token.kind is Kind.LINE or token.stem in STRONG_MARKS or smiles


def is_row(tokens: Sequence[Token], place: int, said: AbstractSet[str]) -> bool:
    """Whether "then" joins one more name: "restart postgresql then renderd".

    `said`: words of the catalogue; of others only what nobody uses is a name, no "coffee".
    """
    following, after = tokens[place + 1 : place + 2], tokens[place + 2 : place + 3]
    closed = not after or ends(after[0]) or after[0].stem == ","
    closed = closed or after[0].fold in ANDS | _THENS
    behind = place > 1 and tokens[place - 1].kind is Kind.WORD
    named = behind and tokens[place].fold in _THENS and closed
    met = concept_model().vocabulary
    return named and any(
        token.kind is Kind.WORD
        and not token.text.isdigit()
        and (token.is_name_like or token.fold in said or token.stem not in met)
        for token in following
    )


def step_mark(tokens: Sequence[Token], place: int) -> int:
    """Return how long "Step 1:", "Schritt 2 -" at `place` is; 0 for anything else."""
    near = tokens[place : place + 3]
    if len(near) < 3 or near[0].fold not in _STEPS or not near[1].text.isdigit():  # noqa: PLR2004
        return 0
    return 3 if near[2].stem in {":", ".", ")", "-", "\u2013", "\u2014"} else 0


def refers(tokens: Sequence[Token], place: int) -> bool:
    """Whether the mark of "!88" stands before the number of a merge request."""
    number = tokens[place + 1].text if place + 1 < len(tokens) else ""
    return tokens[place].stem == "!" and touches(tokens, place) and number.isdigit()


def points(tokens: Sequence[Token], place: int) -> bool:
    """Whether an arrow says what a name points to: "docs.acme.test -> 192.0.2.10"."""
    near = [*tokens[max(0, place - 1) : place], *tokens[place + 1 : place + 2]]
    named = len(near) > 1 and all("." in token.value.strip(".") for token in near)
    return tokens[place].stem == "->" and named


def touches(tokens: Sequence[Token], place: int) -> bool:
    """Whether a dash belongs to the word behind it: "-f"."""
    return place + 1 < len(tokens) and tokens[place].end == tokens[place + 1].start


def is_pair(tokens: Sequence[Token], place: int, small: AbstractSet[str]) -> bool:
    """Whether "and" stands in a set phrase of small words: "up and running", "off and on"."""
    near = [*tokens[max(0, place - 1) : place], *tokens[place + 1 : place + 2]]
    return len(near) > 1 and all(token.fold in small for token in near)
