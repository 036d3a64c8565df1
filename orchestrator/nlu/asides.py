"""Leaves out what only explains within a sentence: "remove Joe (Water dept) from …", "i.e."."""

from collections.abc import Iterator, Sequence

from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.text import Kind, Token, word_token

_LONGEST = 4  # words of an explanation
_SHORTENED = frozenset({"i.e", "e.g", "etc", "z.b", "d.h", "p.ej", "c.a.d"})
_BOUND = frozenset({"only", "except", "without", "also", "too", "not", "no", "but", "if", "unless"})
_BESIDE = frozenset({"cc", "manager", "successor", "supervisor", "see", "replaces", "replaced"})
"""What brackets open with that name somebody or something else: "disable joe (cc i.rossi)"."""
_DENIED = frozenset(
    {"rejected", "cancelled", "canceled", "done", "obsolete", "denied", "closed", "resolved"}
    | {"declined", "withdrawn", "never", "no", "not", "hold", "on hold", "not now", "not yet"}
)
"""What a tag says by which nothing is to be done: "[rejected] grant …" is heard as "not"."""
_DO_NOT = ("do", "not"), ("dont",)


def without_asides(tokens: Sequence[Token], lexicon: Lexicon) -> Iterator[Token]:
    """Yield the tokens without brackets after which the sentence goes on with a preposition.

    "I.e." and "etc." are no names and end no sentence: they are read as commas.
    """
    place = _tag(tokens)
    if place and _denies([token.fold for token in tokens[1 : place - 1]]):
        yield word_token("not", tokens[0].start)
    while place < len(tokens):
        token = tokens[place]
        length = _aside(tokens, place, lexicon) if token.text == "(" else 0
        if token.kind is Kind.WORD and token.fold in _SHORTENED:
            yield Token(token.text, token.start, token.end, Kind.MARK, ",", ",", token.value)
            length = 1 + any(
                t.stem == "." and t.start == token.end for t in tokens[place + 1 :][:1]
            )
        elif not length:
            yield token
        place += length or 1


def _tag(tokens: Sequence[Token]) -> int:
    """Return how many tokens a tag before the text has: "[DNS] change …"; 0 without one."""
    close = next((n for n, token in enumerate(tokens[: _LONGEST + 2]) if token.text == "]"), 0)
    tagged = bool(tokens) and tokens[0].text == "[" and close > 1
    behind = tokens[close + 1 :][:1] if tagged else ()
    return close + 1 if any(token.kind is Kind.WORD for token in behind) else 0


def _denies(folded: Sequence[str]) -> bool:
    """Whether a tag says that nothing is to be done: not "[no downtime]", "[done by friday]"."""
    return " ".join(folded) in _DENIED or any(tuple(folded[: len(one)]) == one for one in _DO_NOT)


def _aside(tokens: Sequence[Token], place: int, lexicon: Lexicon) -> int:
    """Return how many tokens the brackets at `place` span; 0 where they say something."""
    held = tokens[place + 1 : place + 2 + _LONGEST]
    end = next((n for n, token in enumerate(held) if token.text == ")"), 0)
    behind = tokens[place + 2 + end : place + 3 + end]
    before = tokens[place - 1] if place else None
    goes_on = any(token.fold in lexicon.words("prepositions") for token in behind)
    within = before is not None and before.kind is Kind.WORD and goes_on
    if end and held[0].fold in _BESIDE:
        return end + 2
    joins = _BOUND | lexicon.words("coordinators")
    plain = all(_explains(token, lexicon) and token.fold not in joins for token in held[:end])
    return end + 2 if end and within and plain else 0


def _explains(token: Token, lexicon: Lexicon) -> bool:
    """Whether a word is no name, no number and no verb."""
    acts = token.stem in lexicon.actions and not token.text[:1].isupper()
    return token.kind is Kind.WORD and token.text.isalpha() and not (token.is_name_like or acts)
