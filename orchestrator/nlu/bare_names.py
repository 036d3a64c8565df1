"""Takes an order for a thing where its verb is only a name: "scrub both tank and backup"."""

from dataclasses import replace

from orchestrator.nlu.borders import ANDS
from orchestrator.nlu.clauses import ASKED_ONLY, Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.fill import Filler
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.varying import asked_where

_BOTH = frozenset({"both", "beide", "ambos", "ambas"})
_WHITHER = frozenset({"to", "into", "on", "zu", "auf", "nach", "sur", "en"})


def is_only_a_name(clause: Clause, text: str) -> bool:
    """Whether a name is said of which what follows says more: "a.test, clear its cache"."""
    named = len(clause.tokens) == 1 and clause.tokens[0].is_name_like
    behind = text[clause.piece.tokens[-1].end :]
    return named and clause.form is Form.THING and any(map(str.isalnum, behind))


class BareNames:
    """Knows the catalogue's verbs; one for each request."""

    def __init__(self, index: CatalogIndex, filler: Filler) -> None:
        self._index = index
        self._filler = filler

    def as_thing(self, clause: Clause, last: Draft) -> Clause:
        """Return the clause, its verb taken for a word of the step before where it is one."""
        if self._goes_on(clause, last):
            tokens = (clause.piece.tokens[0], *clause.tokens)
            return replace(clause, form=Form.THING, tokens=tokens, verbs=())
        if self._is_other_of_both(clause, last) or self._is_bare_name(clause, last):
            return replace(clause, form=Form.THING, verbs=())
        return asked_where(clause, last, self._index.lexicon) or clause

    def _is_bare_name(self, clause: Clause, last: Draft) -> bool:
        """Whether "search" in "status of shop and search" is a name: nothing else does that."""
        joined = bool(clause.piece.lead & (ANDS | {","})) and not clause.piece.strong
        if not joined or len(clause.piece.tokens) != 1 or clause.form is not Form.ORDER:
            return False
        said = last.clause.tokens if last.clause.form in {Form.THING, Form.QUESTION} else ()
        ends = said[-1:] and said[-1].value in last.parameters.values()
        verb = clause.verbs[0].canonical if clause.verbs else ""
        does = any(verb in p.verbs for p in self._index.profiles)
        looks = any(verb.groups & ASKED_ONLY for verb in clause.verbs)
        return bool(ends) and not (does or looks)

    @staticmethod
    def _is_other_of_both(clause: Clause, last: Draft) -> bool:
        """Whether "backup" in "scrub both tank and backup" is a name."""
        both = any(token.fold in _BOTH for token in last.clause.piece.tokens)
        return both and len(clause.piece.tokens) == 1 and not clause.piece.strong

    def _goes_on(self, clause: Clause, last: Draft) -> bool:
        """Whether "…, to test" says where the step before goes: a named value of it is open."""
        opens = clause.piece.tokens[0].fold in _WHITHER
        if not opens or clause.piece.strong or clause.form is not Form.ORDER or clause.negated:
            return False
        profile = last.profile
        if profile is None:
            return False
        tokens = (clause.piece.tokens[0], *clause.tokens)
        fill = self._filler.fill(profile, replace(clause, verbs=(), tokens=tokens))
        kinds = {slot.name: slot.kind for slot in profile.slots}
        new = [name for name in fill.values if name not in last.parameters]
        return bool(new) and all(kinds[name] is SlotKind.ENUM for name in new) and not fill.spare
