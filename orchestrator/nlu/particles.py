"""Particles apart from their verbs: "turn nginx off and redis on", "turn nginx and redis off"."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from orchestrator.nlu.pieces import Piece
from orchestrator.nlu.text import Token
from orchestrator.nlu.verbs import VerbBook

_PARTICLES = frozenset({"on", "off", "up", "down"})
_AND = frozenset({"and", ",", "but", "und", "aber"})
_ENDING = _PARTICLES | {"offline", "online", "back", "out", "through"}
_DENYING = frozenset({"not", "no", "dont", "never", "nicht", "pas"})
_SPLIT = frozenset({"turn", "switch", "take", "put", "bring", "let", "shut", "power", "get", "set"})
_FOLLOWING = frozenset({"on", "in", "at", "for", "please", "pls", "now", "until", "from", "again"})


def spread_particles(pieces: Sequence[Piece], book: VerbBook) -> list[Piece]:
    """Return the pieces, the verb before "redis on", verb and thing before "up on web2"."""
    pieces = _rejoined(pieces, book)
    spread: list[Piece] = []
    opened: tuple[Token, ...] = ()  # "turn", "nginx", "off"
    for piece in pieces:
        verb = book.at(piece.tokens, 0)
        own = verb is not None
        joined = bool(opened) and not own and not piece.strong and piece.lead <= _AND
        if verb is not None:
            last = max(verb.places)
            parted = last > 0 and piece.tokens[last].fold in _PARTICLES
            opened = piece.tokens[: last + 1] if parted else ()
        elif joined and piece.tokens[0].fold in _PARTICLES - {opened[-1].fold}:
            piece = replace(piece, tokens=(*opened[:-1], *piece.tokens))  # noqa: PLW2901
        elif joined and len(piece.tokens) > 1 and piece.tokens[-1].fold in _PARTICLES:
            piece = replace(piece, tokens=(opened[0], *piece.tokens))  # noqa: PLW2901
        elif piece.strong:
            opened = ()
        spread.append(piece)
    return spread


def _rejoined(pieces: Sequence[Piece], book: VerbBook) -> list[Piece]:
    """Return the pieces, "off" of "turn nginx and redis off" back at its verb."""
    joined = [*pieces]
    opened = -1  # the piece with the verb of a list of names
    for place, piece in enumerate(joined):
        goes_on = opened >= 0 and piece.lead <= _AND and not piece.strong and bool(piece.lead)
        goes_on = goes_on and book.at(piece.tokens, 0) is None and _is_named(piece)
        if not goes_on:
            opened = place if _is_split(piece) else -1
            continue
        end = _particle(piece)
        head = joined[opened].tokens
        verb = _verb(head) if end else None
        if not end or verb is None or book.parted((*head, piece.tokens[end])) != verb:
            continue
        joined[opened] = replace(
            joined[opened], tokens=(*head[: verb + 1], piece.tokens[end], *head[verb + 1 :])
        )
        joined[place] = replace(piece, tokens=(*piece.tokens[:end], *piece.tokens[end + 1 :]))
        opened = -1
    return joined


def _is_named(piece: Piece) -> bool:
    """Whether a piece holds a name and its particle: not "don't turn redis off", "off and on"."""
    folded = [token.fold for token in piece.tokens]
    pair = any(a in _ENDING and b in _AND for a, b in itertools.pairwise(folded))
    return not (pair or _DENYING & {*folded} or _verb(piece.tokens) is not None)


def _is_split(piece: Piece) -> bool:
    """Whether a piece opens with a verb such as "turn", and has no particle of its own."""
    return _verb(piece.tokens) is not None and not any(t.fold in _ENDING for t in piece.tokens)


def _verb(tokens: Sequence[Token]) -> int | None:
    return next((place for place, token in enumerate(tokens) if token.fold in _SPLIT), None)


def _particle(piece: Piece) -> int:
    """Return where the particle stands that ends a list of names; 0 without one."""
    for place, token in enumerate(piece.tokens):
        following = piece.tokens[place + 1].fold if place + 1 < len(piece.tokens) else ""
        closed = not following or following in _FOLLOWING
        if place and token.fold in _ENDING and closed:
            return place
    return 0
