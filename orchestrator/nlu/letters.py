"""Finds what frames a request written like a letter: "Hello Vitali," and "Regards, Anna"."""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.nlu.borders import ANDS
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.text import Kind, Token

_NAMES = 3  # words of a name, and lines of a signature
_DASHES = frozenset({"-", "\u2013", "\u2014"})
_SMALL = frozenset({"of", "from", "the", "von", "de", "at", "dr"})


class Letter:
    """Reads salutation and signature; built once per catalogue."""

    def __init__(self, index: CatalogIndex) -> None:
        self._index = index
        self._lexicon = index.lexicon

    def unframed(self, clauses: Sequence[Clause]) -> list[Clause]:
        """Return the clauses, whom they greet and who signs being small talk: no referents."""
        framed = [*range(self._greeted(clauses)), *range(self._signed(clauses), len(clauses))]
        return [_small_talk(c) if place in framed else c for place, c in enumerate(clauses)]

    def _greeted(self, clauses: Sequence[Clause]) -> int:
        """Return how many clauses at the head only greet: "Hi Tom and Anna,"."""
        if len(clauses) < 2 or not self._greets(clauses[0].piece.tokens):  # noqa: PLR2004
            return 0
        end = 1
        while clauses[end:] and clauses[end].piece.lead <= ANDS and self._is_name(clauses[end]):
            end += 1
        following = clauses[end].piece if clauses[end:] else None
        ends = following is None or following.strong or bool(following.lead & {",", "-", "!"})
        return end if ends else 0

    def _greets(self, tokens: Sequence[Token]) -> bool:
        folded = [token.fold for token in tokens]
        length = self._lexicon.phrases("greetings").at(folded, 0)
        names = tokens[length:]
        if not length or len(names) > _NAMES:
            return False
        return all(self._may_be_name(token) for token in names)

    def _signed(self, clauses: Sequence[Clause]) -> int:
        """Return where the signature begins; their number without one."""
        for place in range(len(clauses) - 1, max(0, len(clauses) - 2 - _NAMES), -1):
            before = clauses[place - 1]
            lines = clauses[place:]
            if before.form is Form.SMALL_TALK and all(self._is_name(c, low=True) for c in lines):
                return place
        if len(clauses) > 1 and clauses[-1].piece.lead <= _DASHES and self._is_name(clauses[-1]):
            return len(clauses) - (not clauses[-1].piece.strong and bool(clauses[-1].piece.lead))
        last = clauses[-1].piece.tokens if clauses else ()
        length = self._lexicon.phrases("small_talk").at([t.fold for t in last], 0) if last else 0
        names = last[length:]
        signs = length > 0 and 0 < len(names) < _NAMES and all(t.text[:1].isupper() for t in names)
        return len(clauses) - int(signs and not any(map(self._index.is_known, names)))

    def _is_name(self, clause: Clause, *, low: bool = False) -> bool:
        """Whether a clause is nothing but the name of a person or a team."""
        tokens, piece = clause.piece.tokens, clause.piece
        if len(tokens) > _NAMES + 1 or piece.asked or piece.colon or piece.listed:
            return False
        high = all(t.text[:1].isupper() or t.fold in _SMALL for t in tokens)
        own_line = piece.strong or "," in piece.lead
        if clause.form not in {Form.THING, Form.SMALL_TALK} and not (high and len(tokens) == 1):
            return False
        plain = low and own_line and len(tokens) == 1 and self._may_be_name(tokens[0])
        numbered = any(character.isdigit() for t in tokens for character in t.text)
        return (high or plain) and not numbered and not any(map(self._index.is_known, tokens))

    def _may_be_name(self, token: Token) -> bool:
        if token.kind is not Kind.WORD or self._index.is_known(token):
            return False
        called = token.text[:1].isupper() or token.fold in self._lexicon.words("chatter")
        known = token.fold in self._lexicon.words("stop") or self._index.is_said(token)
        return called or (token.fold.isalpha() and not known and not self._is_verb(token))

    def _is_verb(self, token: Token) -> bool:
        return self._index.book.at((token,), 0) is not None


def _small_talk(clause: Clause) -> Clause:
    return replace(clause, form=Form.SMALL_TALK, verbs=(), negated=False)
