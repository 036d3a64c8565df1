"""Tells a remark from an order or a question: beside something understood it is not told back."""

from collections.abc import Sequence

from orchestrator.nlu.borders import ANDS
from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import ASKED_ONLY, Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.lightverbs import is_participle
from orchestrator.nlu.manners import PLEASE
from orchestrator.nlu.plainness import says_need
from orchestrator.nlu.text import Kind, Token

_ASIDE = frozenset({"but", "aber", "mais", ",", "(", "\u2014", "\u2013", "-"})
_REFERS = frozenset({"see", "cf", "siehe", "vgl", "voir", "vease", "per", "ref"})
_WHATEVER = frozenset({"whatever", "something", "so", "such", "similar", "sth", "quelque", "algo"})
_PLACED = frozenset({"on", "in", "at", "from", "for", "auf", "sur", "en"})
_WHS = frozenset({"who", "what", "which", "where", "when", "how", "why", "whats", "whos"})
_ADJECTIVES = frozenset({"new", "first", "next"})
_TARGET_WORDS = 2
_ASKS_OF_SELF = 3  # "did I", "what am I", "what did we": the speaker within so many words


class Remarks:
    """Knows the words; one for each request."""

    def __init__(self, index: CatalogIndex) -> None:
        self._index = index
        self._lexicon = index.lexicon

    def is_remark(self, clause: Clause, *, alone: bool) -> bool:
        """Whether a clause that was not understood asks for nothing that could be told back.

        Args:
            clause: what was not understood.
            alone: whether its sentence holds no step before it.
        """
        if self.asks_outcome(clause):
            return True
        if clause.form is Form.THING:
            return self.is_vague(clause) or self._is_aside(clause, alone=alone)
        if clause.form is Form.QUESTION:
            return self._goes_on(clause) or self._is_musing(clause)
        if clause.form is Form.TERSE:
            return self.is_vague(clause) or not (clause.piece.listed or clause.piece.lead & ANDS)
        return clause.form is Form.ORDER and (self.is_vague(clause) or not self._bids_all(clause))

    @staticmethod
    def is_wished(clause: Clause) -> bool:
        """Whether a clause says please."""
        return any(token.fold in PLEASE for token in clause.piece.tokens)

    def does_nothing(self, clause: Clause) -> bool:
        """Whether it reads as an order of what neither lexicon nor catalogue does: "think"."""
        alien = all(map(self._index.is_alien, clause.verbs))
        return clause.form is Form.ORDER and bool(clause.verbs) and alien

    def is_nothing(self, clause: Clause) -> bool:
        """Whether a thing names nothing: "still broken", "second time today", "not sure"."""
        if clause.form is not Form.THING or clause.piece.asked or not clause.tokens:
            return False
        if self._opens(clause, "vague") or self.is_wished(clause):
            return False
        return not self._says_anything(clause)

    def is_idle(self, clause: Clause) -> bool:
        """Whether it only talks about the talk: "(second time today)", "anyone?", "(see below)"."""
        first, lead = clause.piece.tokens[0].fold, clause.piece.lead
        if ("(" in lead and first in _REFERS) or ("or" in lead and first in _WHATEVER):
            return True
        if clause.form is Form.QUESTION and self._is_of_self(clause):
            return True
        bare = clause.form is Form.QUESTION and clause.asked_groups == ASKED_ONLY
        nothing = not self._says_anything(clause) if bare else self.is_nothing(clause)
        empty = self._lexicon.words("empty_nouns")
        return nothing and any(t.fold in empty for t in clause.tokens)

    def is_vague(self, clause: Clause) -> bool:
        """Whether an order only wants somebody to look, to act or to help, at nothing named."""
        does = self._opens(clause, "vague") or self._opens(clause, "vague_doings")
        return self.is_look(clause) or (does and not self._says_anything(clause))

    def is_look(self, clause: Clause) -> bool:
        """Whether an order only wants somebody to look: "can someone take a look"."""
        if clause.negated or self._opens(clause, "vague"):
            return False
        reading = self._lexicon.reading_groups - {"search"}  # who searches, seeks something
        looks = any(verb.groups & reading for verb in clause.verbs)
        looks = looks or self._opens(clause, "vague_looks")
        return looks and not self._says_anything(clause)

    def is_passing(self, draft: Draft, drafts: Sequence[Draft], tentative: int | None) -> bool:
        """Whether a weak reading of a remark is not worth a question beside what was asked for.

        Args:
            draft: what was read.
            drafts: all that was.
            tentative: the group of what "take a look" may have meant, if any.
        """
        others = [d for d in drafts if d.group != draft.group and d.profile]
        if not others:
            return False
        if draft.profile is not None and draft.missing() and says_need(draft.clause, self._lexicon):
            same = [d for d in others if d.profile is draft.profile and not d.missing()]
            if same and same[-1].sentence > draft.sentence:
                return True  # "the server needs a reboot. So please reboot web1"
        piece, thing = draft.clause.piece, draft.clause.form is Form.THING
        doing = len(draft.clause.tokens) == 1 and draft.clause.tokens[0].fold.endswith("ing")
        if draft.profile is None and doing and not piece.strong:
            return True  # "take a backup before updating, then deploy shop 2.1"
        wished = self.is_wished(draft.clause)
        alone = piece.strong and not (piece.listed or piece.asked or wished)
        return draft.group == tentative or (draft.profile is None and thing and alone)

    def asks_outcome(self, clause: Clause) -> bool:
        """Whether "tell me if they pass" only wants to hear how the step before ended."""
        if self._is_other_state(clause):
            return True
        looks = any(verb.groups & self._lexicon.reading_groups for verb in clause.verbs)
        if clause.negated or not (looks or clause.form is Form.QUESTION):
            return False
        rest = [t for place, t in enumerate(clause.tokens) if place not in clause.verb_places]
        outcomes = self._lexicon.words("outcomes")
        others = [token for token in rest if token.fold not in outcomes]
        return len(others) < len(rest) and not any(is_content(t, self._lexicon) for t in others)

    def _is_other_state(self, clause: Clause) -> bool:
        """Whether it only ends a question of how something is: "is it locked or expired?"."""
        tokens, ors = clause.tokens, {"or", "oder", "ou", "o"}
        if len(tokens) != 1 or not clause.piece.lead & ors or clause.verbs or clause.negated:
            return False
        states = self._lexicon.words("state_words") | self._lexicon.words("measures")
        done = tokens[0].text.islower() and tokens[0].fold.endswith("ed")
        return tokens[0].fold in states or (done and tokens[0].stem != tokens[0].fold)

    def _opens(self, clause: Clause, name: str) -> bool:
        folded = [token.fold for token in clause.tokens]
        return bool(folded) and self._lexicon.phrases(name).at(folded, 0) > 0

    def _is_aside(self, clause: Clause, *, alone: bool) -> bool:
        """Whether a thing is said in passing: "Coffee's in", "…, the hardware guy comes at 3"."""
        piece = clause.piece
        if piece.listed or self.is_wished(clause) or self._asks(clause):
            return False
        if alone or "(" in piece.lead:
            return True
        return bool(piece.lead) and piece.lead <= _ASIDE and not self._may_be_target(clause)

    def _asks(self, clause: Clause) -> bool:
        """Whether it may ask for something: "on web2 restart redis", "and the backup?"."""
        first = clause.piece.tokens[0].fold
        if clause.piece.asked and (first in ANDS or clause.piece.lead & ANDS):
            return True
        if first in self._lexicon.words("sequence") and self._says_anything(clause):
            return True  # "then redis there"
        return first in _PLACED and any(
            self._bids(clause.tokens, place) for place in range(2, len(clause.tokens))
        )

    def _goes_on(self, clause: Clause) -> bool:
        """Whether what reads as a question goes on with what was told: "…, and is gone"."""
        first = clause.piece.tokens[0]
        asks = first.fold in _WHS or self._index.book.at(clause.piece.tokens, 0) is not None
        return not (clause.piece.strong or clause.piece.asked or asks)

    def _bids_all(self, clause: Clause) -> bool:
        """Whether an order opens or ends with its verb, or says a need: not "(new kernel)"."""
        if not clause.tokens:
            return False  # "sue: please don't"
        first, places = clause.tokens[0], clause.verb_places
        if first.fold in _ADJECTIVES or (is_participle(first) and not clause.piece.listed):
            return False
        ends = {0, len(clause.tokens) - 1}
        return bool(places & ends) or says_need(clause, self._lexicon)

    def _bids(self, tokens: Sequence[Token], place: int) -> bool:
        """Whether a verb that acts stands at `place`, and no noun ("on the backup")."""
        verb = self._index.book.at(tokens, place)
        closed = self._lexicon.words("english_determiners") | self._lexicon.words("prepositions")
        noun = tokens[place - 1].fold in closed or tokens[place].fold.endswith(("ed", "ing"))
        return verb is not None and bool(verb.groups) and not noun

    def _may_be_target(self, clause: Clause) -> bool:
        """Whether "…, the coffee machine" may be one more thing that an order is to act on."""
        tokens = clause.tokens
        said = [token for token in tokens if is_content(token, self._lexicon)]
        named = any(
            token.kind is not Kind.WORD or (token.is_name_like and not token.text.isdigit())
            for token in said
        )
        determined = bool(tokens) and tokens[0].fold in self._lexicon.words("english_determiners")
        few = len(said) <= _TARGET_WORDS
        return few and (named or determined or len(tokens) == 1)

    def _is_musing(self, clause: Clause) -> bool:
        """Whether a question asks about nothing: "any idea?", "did I do something wrong?"."""
        return self._is_of_self(clause) or not self._says_anything(clause)

    @staticmethod
    def _is_of_self(clause: Clause) -> bool:
        """Whether a question is one of the speaker's deeds: "what am I doing wrong?"."""
        opening = [token.fold for token in clause.tokens[:_ASKS_OF_SELF]]
        asks = opening[1:] if opening[:1] in (["what"], ["where"], ["why"]) else opening
        return asks[:1] in (["did"], ["am"], ["was"]) and asks[1:2] == ["i"]

    def _says_anything(self, clause: Clause) -> bool:
        """Whether a clause names anything beside its verb and words such as "idea"."""
        places = {place for verb in clause.verbs for place in verb.places}
        rest: Sequence[Token] = [t for p, t in enumerate(clause.tokens) if p not in places]
        empty = self._lexicon.words("empty_nouns")
        return any(is_content(t, self._lexicon) and t.fold not in empty for t in rest)
