"""A place said ahead of its orders: "on web3: restart nginx, then show its log", for each of them.

"In production: …" and "on web3 restart nginx" are the same; "on friday: …" says no place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.moments import moments
from orchestrator.nlu.pieces import Piece, Role
from orchestrator.nlu.text import Kind, Token

_WHERE = frozenset({"on", "in", "at", "auf", "im", "sur", "dans", "en"})
_FOR = frozenset({"for", "fur", "pour", "para"})  # only with a colon: "for shop: …"
_PLACE_WORDS = 4
_DONE = ("ed", "ing")


class Places:
    """Knows the names of the catalogue; built once per catalogue."""

    def __init__(self, index: CatalogIndex) -> None:
        self._index = index

    def spread(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Return the pieces, each with the place that was said before it and its likes."""
        return [*self._spread(pieces)]

    def _spread(self, pieces: Sequence[Piece]) -> Iterator[Piece]:
        place: tuple[Token, ...] = ()
        heads = False  # nothing but the place stands before the orders
        for number, piece in enumerate(pieces):
            following = pieces[number + 1] if number + 1 < len(pieces) else None
            if piece.strong and not piece.listed and not heads:
                place = ()
            begin = self._ahead(piece)
            if following is not None and self._heads(piece, following):
                place, heads = piece.tokens, True
            elif begin:
                place, heads = piece.tokens[:begin], False
                yield _placed(replace(piece, tokens=piece.tokens[begin:]), place)
            else:
                first, heads = heads, False
                yield _placed(replace(piece, strong=True, colon=False) if first else piece, place)

    def _heads(self, piece: Piece, following: Piece) -> bool:
        """Whether a piece is only a place, with orders behind its colon, comma or line."""
        if not (piece.strong and self._is_place(piece.tokens)) or piece.listed or piece.asked:
            return False
        marked = following.colon or following.listed
        if piece.tokens[0].fold in _FOR:
            return marked
        bids = self._index.book.at(following.tokens, 0) is not None
        return marked or (following.lead == {","} and bids)

    def _ahead(self, piece: Piece) -> int:
        """Return where the order begins in "on web3 restart nginx"; 0 where none does."""
        tokens = piece.tokens
        if not piece.strong or piece.asked or tokens[0].fold not in _WHERE:
            return 0
        for begin in range(2, min(_PLACE_WORDS, len(tokens) - 1)):
            verb = self._index.book.at(tokens, begin)
            bids = verb is not None and bool(verb.groups) and not tokens[begin].fold.endswith(_DONE)
            if bids and self._is_place(tokens[:begin]):
                return begin
        return 0

    def _is_place(self, tokens: Sequence[Token]) -> bool:
        """Whether it is a preposition and the name of something, of no time."""
        if not 2 <= len(tokens) < _PLACE_WORDS or tokens[0].fold not in _WHERE | _FOR:  # noqa: PLR2004
            return False
        small = self._index.lexicon.words("english_determiners") | {"der", "dem", "le", "la", "el"}
        named = tokens[-1].kind in {Kind.QUOTED, Kind.URL} or self._names(tokens[-1])
        between = all(token.fold in small for token in tokens[1:-1])
        return named and between and not moments(tokens, self._index.lexicon)

    def _names(self, token: Token) -> bool:
        listed = any(token.fold in slot.enum for p in self._index.profiles for slot in p.slots)
        return listed or token.is_name_like or self._index.is_known(token)


def _placed(piece: Piece, place: tuple[Token, ...]) -> Piece:
    """Return the piece with the place behind it, unless it says its own."""
    own = any(token.fold in _WHERE for token in piece.tokens)
    if not place or own or piece.role is not Role.MAIN:
        return piece
    end = piece.tokens[-1].end
    behind = tuple(replace(token, start=end, end=end) for token in place)
    return replace(piece, tokens=(*piece.tokens, *behind))
