"""Words that take something back: "no wait", "never mind", "… I mean"."""

from collections.abc import Sequence
from enum import StrEnum

from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.manners import Manners
from orchestrator.nlu.text import Token
from orchestrator.nlu.verbs import VerbBook

_DETERMINERS = frozenset({"that", "this"})
_I_MEAN = frozenset({("i", "mean"), ("i", "meant"), ("meine", "ich"), ("meinte", "ich")})


class Turn(StrEnum):
    """What a piece takes back of what was said before it."""

    NOTHING = "nothing"
    LAST = "last"  # "no wait, …"
    ALL = "all"  # "never mind"


class Turns:
    """Knows the words; built once per catalogue."""

    def __init__(self, lexicon: Lexicon, book: VerbBook, manners: Manners) -> None:
        self._lexicon = lexicon
        self._book = book
        self._manners = manners

    def read(self, tokens: tuple[Token, ...]) -> tuple[tuple[Token, ...], Turn]:
        """Return the tokens without words that take something back, and how much they do."""
        skipped = self._fillers(tokens)
        folded = [token.fold for token in tokens[skipped:]]
        if not folded or self._manners.is_pleading(folded):
            return tokens, Turn.NOTHING  # "sorry for the noise" takes nothing back
        if withdrawn := self._withdrawn(tokens, skipped, folded):
            return withdrawn
        if len(folded) == 1 and folded[0] in self._lexicon.words("withdraw_alone"):
            return (), Turn.LAST
        if behind := _taken_back_behind(folded):
            return tokens[:-behind], Turn.LAST
        if self._lexicon.phrases("withdraw_maybe").at(folded, 0) and not (
            set(folded) & self._lexicon.words("also_words")
        ):
            return tokens[skipped + 1 :], Turn.LAST
        return tokens, Turn.NOTHING

    def _withdrawn(
        self, tokens: tuple[Token, ...], skipped: int, folded: Sequence[str]
    ) -> tuple[tuple[Token, ...], Turn] | None:
        """Return what "never mind", "make that …" leave, and how much they take back."""
        for name, turn in (("withdraw_all", Turn.ALL), ("withdraw_last", Turn.LAST)):
            length = self._lexicon.phrases(name).at(folded, 0)
            if not length:
                continue
            rest = tokens[skipped + length :]
            thing = bool(rest) and self._book.at(self._manners.strip(rest)[0] or rest, 0) is None
            if turn is Turn.ALL and thing and folded[length - 1] in _DETERMINERS:
                return tokens, Turn.NOTHING  # "cancel that job"
            whole = turn is Turn.ALL and (thing or not rest)
            return rest, turn if whole or not rest else Turn.LAST
        return None

    def _fillers(self, tokens: Sequence[Token]) -> int:
        """Return how many words at the head are fillers that take nothing back ("oh")."""
        fillers = self._lexicon.words("fillers") - self._lexicon.words("withdraw_alone")
        return next((i for i, t in enumerate(tokens) if t.fold not in fillers), len(tokens))


def _taken_back_behind(folded: Sequence[str]) -> int:
    """Return how many words at the end take back: "web2 instead", "sorry, web2 I mean"."""
    meant = tuple(folded[-2:]) in _I_MEAN and len(folded) > 2  # noqa: PLR2004
    if meant and folded[-3] not in {"what", "that", "was", "which"}:
        return 2
    return int(len(folded) > 1 and folded[-1] == "instead")
