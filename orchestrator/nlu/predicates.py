"""What is said once, behind a list: "when do a.test and b.test expire?", "cpu and load on web1"."""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.pieces import Piece
from orchestrator.nlu.support import names_thing
from orchestrator.nlu.text import Token, word_token

_HELPERS = frozenset({"do", "does", "did", "have", "has"})
_COPULAS = frozenset({"is", "are"})  # only behind another word: "when are a and b due"
_ASKING = frozenset({"when", "how", "where", "what", "which", "why", "who", "wann", "wie", "quand"})
_ONE = {"do": "does", "have": "has", "are": "is"}
_NEEDS_IT = frozenset({"needs", "wants", "requires", "braucht"})
_NEEDS = frozenset({"needs", "need", "braucht", "brauchen"})
_NONE = frozenset({"no", "not", "none", "neither", "kein", "keinen", "nicht"})
_OPENING = 4
_AND = frozenset({"and", ",", "&"})


class Predicates:
    """Knows the words; built once per catalogue."""

    def __init__(self, index: CatalogIndex) -> None:
        self._index = index
        self._book = index.book
        self._placed = index.lexicon.words("prepositions")
        self._told = index.lexicon.words("auxiliaries") | _NEEDS
        self._closed = self._placed | index.lexicon.words("subjects")

    def spread(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Return the pieces, each of the things with what is said of all of them."""
        return self._asked(self._placed_on(self._located(self._needed(pieces))))

    def _needed(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Return "kim needs VPN" for the end of "kim has joined us and needs VPN"."""
        spread = [*pieces]
        for place in range(1, len(spread)):
            head, piece = spread[place - 1], spread[place]
            joined = bool(piece.lead) and piece.lead <= _AND and not piece.strong
            needs = piece.tokens[0].fold in _NEEDS_IT and len(piece.tokens) > 1
            says = len(head.tokens) > 1 and head.tokens[1].fold.isalpha()
            says = says and not self._speaks_of_another(head.tokens[1:])
            if joined and needs and says and self._is_somebody(head.tokens[0]):
                tokens = (head.tokens[0], *piece.tokens)
                spread[place] = replace(piece, tokens=tokens, lead=frozenset())
        return spread

    def _speaks_of_another(self, tokens: Sequence[Token]) -> bool:
        """Whether somebody says it, or told somebody: "sam says kim has left and needs …"."""
        reports = self._index.lexicon.words("report_words") | self._index.lexicon.words("speech")
        says = any(t.fold in reports or t.fold == "told" for t in tokens)
        return says and any(self._is_somebody(token) for token in tokens[1:])

    def _is_somebody(self, token: Token) -> bool:
        """Whether a word is a name that nobody knows for a word."""
        return self._is_thing(token) and (
            token.is_name_like or token.fold not in self._index.lexicon.all_words
        )

    def _placed_on(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Return "nginx on a1 needs …", "nginx on b1 needs …" for "nginx on a1 and b1 needs …"."""
        spread = [*pieces]
        for place, head in enumerate(spread):
            if not self._is_placed(head.tokens):
                continue
            end = self._last_of(spread, place)
            said = spread[end].tokens[1:]
            if (
                end == place
                or said[0].fold not in self._told
                or _NONE & {token.fold for token in said[:3]}
                or not spread[end].tokens[0].is_name_like
            ):
                continue
            for other in range(place + 1, end + 1):
                tokens = (*head.tokens[:-1], *spread[other].tokens[:1], *said)
                spread[other] = replace(spread[other], tokens=tokens)
            spread[place] = replace(head, tokens=(*head.tokens, *said))
        return spread

    def _is_placed(self, tokens: Sequence[Token]) -> bool:
        """Whether a thing on a machine is all that is said: "nginx on a1"."""
        if len(tokens) != 3 or tokens[1].fold not in self._placed:  # noqa: PLR2004
            return False
        thing, place = self._is_thing(tokens[0]), tokens[2]
        return thing and place.is_name_like and self._book.at(tokens, 0) is None

    def _located(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Return "cpu on web1" for "cpu" where "… and load on web1" follows."""
        spread = [*pieces]
        tail: tuple[Token, ...] = ()
        for place in range(len(spread) - 1, -1, -1):
            tokens, lead = spread[place].tokens, spread[place].lead
            looked = len(tokens) == 2 and self._looks(tokens)  # noqa: PLR2004  # "check disk"
            bare = (looked or len(tokens) == 1) and names_thing(tokens[-1:], self._index)
            if bare and tail:
                spread[place] = replace(spread[place], tokens=(*tokens, *tail))
            elif len(tokens) > 2 and tokens[1].fold in self._placed:  # noqa: PLR2004
                tail = tokens[1:] if names_thing(tokens, self._index) else ()
            else:
                tail = ()
            tail = tail if lead and lead <= _AND and not spread[place].strong else ()
        return spread

    def _looks(self, tokens: Sequence[Token]) -> bool:
        verb = self._book.at(tokens, 0)
        return verb is not None and bool(verb.groups & self._index.lexicon.reading_groups)

    def _asked(self, pieces: Sequence[Piece]) -> list[Piece]:
        spread = [*pieces]
        for place, head in enumerate(spread):
            asks = self._asks(head.tokens)
            end = self._last_of(spread, place) if asks else place
            if end == place or not (asks > 1 or spread[end].asked):
                continue
            predicate = spread[end].tokens[1:]
            opening = (*head.tokens[: asks - 1], _singular(head.tokens[asks - 1]))
            spread[place] = replace(head, tokens=(*opening, head.tokens[asks], *predicate))
            for other in range(place + 1, end + 1):
                named = spread[other].tokens[:1]
                tokens = (*opening, *named, *predicate)
                spread[other] = replace(spread[other], tokens=tokens)
        return spread

    def _asks(self, tokens: Sequence[Token]) -> int:
        """Return where the one thing stands that ends "when do a.test"; 0 for all else."""
        opens = bool(tokens) and tokens[0].fold in _ASKING
        for place, token in enumerate(tokens[:_OPENING]):
            helper = token.fold in _HELPERS or (place and token.fold in _COPULAS)
            if helper and (opens or not place):
                alone = len(tokens) == place + 2 and self._is_thing(tokens[-1])
                return place + 1 if alone else 0
        return 0

    def _last_of(self, pieces: Sequence[Piece], place: int) -> int:
        """Return which piece ends the list with what is asked of it; `place` for none."""
        for end in range(place + 1, len(pieces)):
            tokens, lead = pieces[end].tokens, pieces[end].lead
            joined = bool(lead) and lead <= _AND and not pieces[end].strong
            if not joined or not self._is_thing(tokens[0]) or self._book.at(tokens, 0):
                return place
            if len(tokens) > 1:
                says = tokens[1].fold.isalpha() and tokens[1].fold not in self._closed
                return end if says and not tokens[1].is_name_like else place
        return place

    def _is_thing(self, token: Token) -> bool:
        return token.fold not in self._closed | _HELPERS | _COPULAS | _ASKING


def _singular(helper: Token) -> Token:
    """Return "does" for "do": each thing is asked about by itself."""
    one = word_token(_ONE.get(helper.fold, helper.fold), helper.start)
    return replace(helper, fold=one.fold, stem=one.stem)
