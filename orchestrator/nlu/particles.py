"""Particles that say another thing of the next name: "turn nginx off and redis on"."""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.nlu.pieces import Piece
from orchestrator.nlu.text import Token
from orchestrator.nlu.verbs import VerbBook

_PARTICLES = frozenset({"on", "off", "up", "down"})
_AND = frozenset({"and", ",", "but", "und", "aber"})


def spread_particles(pieces: Sequence[Piece], book: VerbBook) -> list[Piece]:
    """Return the pieces, the verb before "redis on", verb and thing before "up on web2"."""
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
