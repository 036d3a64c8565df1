"""Denials that reach further than their own piece: "all but web1 and web2", "never do this: …".

Each piece that is denied gets a "not" of its own, so that the later stages read it so.
"""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.pieces import Piece, Role
from orchestrator.nlu.text import Kind, Token
from orchestrator.nlu.verbs import VerbBook

_BUT = frozenset({"but", "aber", "mais", "pero", "minus", "save"})
_OR = frozenset({"or", "nor", "oder", "ou", "o", "ni", "noch"})
_LISTED = frozenset({"and", ",", "or", "&", "und", "et", "y", "oder", "ou", "nor", "as", "well"})
_NO = frozenset({"no", "nein", "non"})
_LIMITS = frozenset({"only", "after", "before", "until", "if", "unless", "for"})
_WHOLE = frozenset({"list", "sentence", "announced"})
"""Headings after which each piece is denied, not only an order."""
_POLITE = frozenset({"please", "pls", "plz", "bitte", "but", "and", "so", "also", "kindly"})
_EMPTY = frozenset(
    {"do", "the", "following", "this", "these", "that", "those", "of", "any", "thing", "things"}
    | {"step", "steps", "run", "execute", "action", "actions", "task", "tasks", "ever", "yet"}
)
_DONE = frozenset({"done", "finished", "completed", "erledigt", "fait", "hecho"})
_BEFORE_DONE = frozenset({"already", "bereits", "schon", "deja", "ya"})


class Denials:
    """Knows the words; built once per catalogue."""

    def __init__(self, lexicon: Lexicon, book: VerbBook) -> None:
        self._lexicon = lexicon
        self._book = book

    def spread(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Return the pieces, those that a denial before them reaches denied."""
        spread: list[Piece] = []
        heading = ""  # what announced the denied pieces that follow: "list", "sentence" or nothing
        listing = False  # the piece before ends with a name that is left out
        for piece in pieces:
            before = spread[-1] if spread else None
            heading = self._goes_on(heading, piece)
            name = self._is_name(piece)
            denied = bool(heading) and (heading in _WHOLE or self._orders(piece))
            if heading == "refused":  # "no, wait, restart web2"; not "no, only after the backup"
                denied = denied and bool(_LIMITS & {token.fold for token in piece.tokens[1:]})
            denied = denied or (listing and name and piece.lead <= _LISTED and not piece.strong)
            if before is not None and not denied and not piece.strong:
                denied = name and bool(piece.lead & _BUT) and self._is_all(before)
                both = bool(piece.lead & _OR) and self._orders(piece)
                denied = denied or (both and self._is_denied(before))
            spread.append(_denied(piece) if denied and not self._is_denied(piece) else piece)
            listing = (name and denied) or self._leaves_out(spread[-1])
            heading = self._announces(piece, before) or heading
        return spread

    def _goes_on(self, heading: str, piece: Piece) -> str:
        """Return what of a heading reaches `piece`: the items of a list, the same sentence."""
        if heading == "announced":
            reached = piece.colon or piece.listed
            return ("list" if piece.listed else "sentence") if reached else ""
        if heading == "interrupted" and piece.listed:
            return "list"
        if heading == "list":
            return heading if piece.listed or not piece.strong else ""
        return "" if piece.strong else heading

    def _announces(self, piece: Piece, before: Piece | None) -> str:
        """Return "announced" behind "Please avoid", "interrupted" behind "do not, ever, …"."""
        folded = self._plain(piece)
        if piece.role is not Role.MAIN:
            return ""  # "if not, roll it back"
        if folded and folded[-1] in _DONE and set(folded[:-1]) <= _BEFORE_DONE:
            return "announced"
        length = self._lexicon.phrases("negations").at(folded, 0) if folded else 0
        if not length or not set(folded[length:]) <= _EMPTY:
            return ""
        opens = piece.strong or before is None
        if folded[length:] or piece.asked:
            return "announced"
        short = "refused" if folded[0] in _NO else "interrupted"
        return short if opens else ""

    def _plain(self, piece: Piece) -> list[str]:
        folded = [token.fold for token in piece.tokens]
        while folded and folded[0] in _POLITE:
            folded = folded[1:]
        return folded

    def _is_denied(self, piece: Piece) -> bool:
        folded = self._plain(piece)
        return bool(folded and self._lexicon.phrases("negations").at(folded, 0))

    def _orders(self, piece: Piece) -> bool:
        rest = piece.tokens[len(piece.tokens) - len(self._plain(piece)) :]
        return bool(rest) and self._book.at(rest, 0) is not None

    def _is_name(self, piece: Piece) -> bool:
        """Whether a piece is nothing but one word that is no verb in the form of an order."""
        rest = [t for t in piece.tokens if t.fold not in self._lexicon.words("articles")]
        if len(rest) != 1 or rest[0].kind not in {Kind.WORD, Kind.QUOTED} or piece.colon:
            return False
        return rest[0].is_name_like or self._book.at(rest, 0) is None

    def _is_all(self, piece: Piece) -> bool:
        """Whether all of a kind are spoken of: "everyone but bob"."""
        quantifiers = self._lexicon.words("quantifiers") | {"everyone", "everybody", "any"}
        return any(token.fold in quantifiers for token in piece.tokens)

    def _leaves_out(self, piece: Piece) -> bool:
        """Whether a piece ends with one name behind "except", "without", "not"."""
        folded = [token.fold for token in piece.tokens]
        found = self._lexicon.phrases("excluding").find(folded)
        end = sum(found) if found else folded.index("not") + 1 if "not" in folded else 0
        return bool(end) and len(folded) - end == 1


def _denied(piece: Piece) -> Piece:
    begin = piece.tokens[0].start
    return replace(
        piece, tokens=(Token("", begin, begin, Kind.WORD, "not", "not", ""), *piece.tokens)
    )
