"""Verbs of which nobody says what they do: an order all the same."""

from collections.abc import Sequence

from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.text import Token
from orchestrator.nlu.verbs import Verb

ALIEN = Verb("", frozenset(), frozenset({0}))
"""A verb that neither the lexicon nor the catalogue knows: it means no capability."""
_PAST_LETTERS = 5


def alien(tokens: Sequence[Token], lexicon: Lexicon) -> Verb | None:
    """Return an unknown verb: a plain word before "the" or "my" names nothing."""
    word = tokens[0].fold
    begins = lexicon.words("english_determiners")
    passing = word.endswith("ly") or word in lexicon.words("empty_nouns")
    passing |= word.endswith("ed") and len(word) > _PAST_LETTERS  # "submitted the form"
    unknown = word.isalpha() and not passing and tokens[1].fold in begins
    return ALIEN if unknown else None


def bidding(tokens: Sequence[Token], lexicon: Lexicon) -> Verb | None:
    """Return a verb that bids whatever it is about: "swap it for a new one"."""
    word, closed = tokens[0], lexicon.words("prepositions")
    bids = word.fold in lexicon.words("bidding") and tokens[1].fold not in closed
    return Verb(word.stem, frozenset(), frozenset({0})) if bids else None
