"""Tells a remark from an order or a question: beside something understood it is not told back."""

from collections.abc import Sequence

from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.text import Kind, Token

_PLEASE = frozenset({"please", "pls", "plz", "bitte", "stp", "svp"})
_ASIDE = frozenset({",", "(", "\u2014", "\u2013", "-"})
_TARGET_WORDS = 2
_SPEAKER = frozenset({"i", "we", "me", "ich", "wir", "je", "nous", "yo"})
_ASKS_OF_SELF = 3  # "did I", "what am I", "what did we": the speaker within so many words


class Remarks:
    """Knows the words; one for each request."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon

    def is_remark(self, clause: Clause, *, alone: bool) -> bool:
        """Whether a clause that was not understood asks for nothing that could be told back.

        Args:
            clause: what was not understood.
            alone: whether its sentence holds no step before it.
        """
        if clause.form is Form.THING:
            return self._is_aside(clause, alone=alone)
        if clause.form is Form.QUESTION:
            return self._is_musing(clause)
        return clause.form in {Form.ORDER, Form.TERSE} and self.is_vague(clause)

    def is_vague(self, clause: Clause) -> bool:
        """Whether an order only wants somebody to look or to help: "can someone take a look"."""
        if clause.negated or not clause.verbs:
            return False
        folded = [token.fold for token in clause.tokens]
        starts = (self._lexicon.phrases(name).at(folded, 0) for name in ("vague", "vague_looks"))
        looks = any(verb.groups & self._lexicon.reading_groups for verb in clause.verbs)
        return (looks or any(starts)) and not self._says_anything(clause)

    def _is_aside(self, clause: Clause, *, alone: bool) -> bool:
        """Whether a thing is said in passing: "Coffee's in", "…, the hardware guy comes at 3"."""
        piece = clause.piece
        if piece.listed or any(token.fold in _PLEASE for token in piece.tokens):
            return False
        if alone or "(" in piece.lead:
            return True
        return bool(piece.lead) and piece.lead <= _ASIDE and not self._may_be_target(clause)

    def _may_be_target(self, clause: Clause) -> bool:
        """Whether "…, the coffee machine" may be one more thing that an order is to act on."""
        tokens = clause.tokens
        said = [token for token in tokens if is_content(token, self._lexicon)]
        named = any(token.is_name_like or token.kind is not Kind.WORD for token in said)
        determined = bool(tokens) and tokens[0].fold in self._lexicon.words("english_determiners")
        few = len(said) <= _TARGET_WORDS
        return few and (named or determined or len(tokens) == 1)

    def _is_musing(self, clause: Clause) -> bool:
        """Whether a question asks about nothing: "any idea?", "did I do something wrong?"."""
        opening = [token.fold for token in clause.tokens[:_ASKS_OF_SELF]]
        own = bool(_SPEAKER & {*opening[:2]}) and opening[0] in {"did", "do", "am", "have", "was"}
        own = own or (len(opening) > 2 and opening[2] in _SPEAKER and opening[0] == "what")  # noqa: PLR2004
        return own or not self._says_anything(clause)

    def _says_anything(self, clause: Clause) -> bool:
        """Whether a clause names anything beside its verb and words such as "idea"."""
        places = {place for verb in clause.verbs for place in verb.places}
        rest: Sequence[Token] = [t for p, t in enumerate(clause.tokens) if p not in places]
        empty = self._lexicon.words("empty_nouns")
        return any(is_content(t, self._lexicon) and t.fold not in empty for t in rest)
