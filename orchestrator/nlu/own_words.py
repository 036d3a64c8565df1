"""Which of a request's words are the person's own, and which of them may ask for what.

A second reading by a model must rest on these words: what is quoted, pasted or injected never
asks for a step, and what is negated, told or only asked never for a risky one.
"""

from collections.abc import Iterator, Sequence

from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.engine import MAX_WORDS
from orchestrator.nlu.guard import COMMAND, INJECTED, guarded_tokens
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.pieces import Piece, Role
from orchestrator.nlu.text import Kind, Token, normalise, words
from orchestrator.nlu.turns import Turn

_ORDERS = frozenset({Form.ORDER, Form.TERSE, Form.THING})
_ORDER_ROLES = frozenset({Role.MAIN, Role.BEFORE, Role.AFTER})
_HIDDEN = " […] "


class OwnWords:
    """The words of one request, by what they may do."""

    def __init__(self, text: str, index: CatalogIndex) -> None:
        plain = normalise(text)
        self._text = text
        self._joining = index.lexicon.words("coordinators") | index.lexicon.words("sequence")
        self._tokens = guarded_tokens(plain)
        clauses = _standing(index.reader.read(piece) for piece in _pieces(index, self._tokens))
        self._said = _folded(token for clause in clauses for token in clause.piece.tokens)
        self._orders = [clause.piece.tokens for clause in clauses if _orders(clause)]
        self._ordered = _folded(token for tokens in self._orders for token in tokens)
        named = (t.value for t in self._tokens if t.kind is not Kind.GUARDED)
        self._squeezed = "".join(word for value in named for word in words(value))

    @property
    def readable(self) -> str:
        """The request with a gap where something is pasted or injected."""
        parts: list[str] = []
        place = 0
        for token in self._tokens:
            if token.kind is Kind.GUARDED:
                parts += [self._text[place : token.start], _HIDDEN]
                place = token.end
        return "".join((*parts, self._text[place:])).strip()

    @property
    def injected(self) -> list[str]:
        """The spans that try to give orders beside the person's."""
        return [
            self._text[token.start : token.end].strip()
            for token in self._tokens
            if token.kind is Kind.GUARDED and token.stem in {COMMAND, INJECTED}
        ]

    def hold(self, source_words: str, *, as_order: bool) -> bool:
        """Whether the person said these words, in this order; others may stand in between.

        `as_order`: only words of clauses that order something count.
        """
        wanted = self._wanted(source_words)
        return bool(wanted) and _runs_through(wanted, self._ordered if as_order else self._said)

    def orders_with(self, source_words: str) -> list[str]:
        """Return the orders, whole, that hold these words; none where they lie across several."""
        wanted = self._wanted(source_words)
        return [
            self._text[tokens[0].start : tokens[-1].end]
            for tokens in self._orders
            if tokens and _runs_through(wanted, _folded(iter(tokens)))
        ]

    def _wanted(self, source_words: str) -> list[str]:
        """Return the words to look for; what joins two orders belongs to none of them."""
        return [word for word in words(source_words) if word not in self._joining]

    def name(self, value: str) -> bool:
        """Whether a value was said, however it is written: "uptime kuma" names `uptime-kuma`."""
        squeezed = "".join(words(value))
        return bool(squeezed) and squeezed in self._squeezed


def _pieces(index: CatalogIndex, tokens: Sequence[Token]) -> Iterator[Piece]:
    for piece in index.splitter.split([*tokens]):
        if len(piece.tokens) <= MAX_WORDS:
            yield piece


def _standing(clauses: Iterator[Clause]) -> list[Clause]:
    """Return what is left once "no wait" and "never mind" have taken back what they take back."""
    left: list[Clause] = []
    for clause in clauses:
        if clause.turn is Turn.ALL:
            left.clear()
        elif clause.turn is Turn.LAST and left:
            left.pop()
        if not clause.negated and clause.piece.role is not Role.EXCEPT:
            left.append(clause)
    return left


def _orders(clause: Clause) -> bool:
    return clause.form in _ORDERS and clause.piece.role in _ORDER_ROLES


def _folded(tokens: Iterator[Token]) -> list[str]:
    """Return the folded words, quoted ones left out: a quote is a value, never an order."""
    plain = (token.text for token in tokens if token.kind is Kind.WORD)
    return [word for text in plain for word in words(text)]


def _runs_through(wanted: Sequence[str], said: Sequence[str]) -> bool:
    rest = iter(said)
    return all(word in rest for word in wanted)
