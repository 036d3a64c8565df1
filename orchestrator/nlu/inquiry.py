"""Reads what is to be looked into, by the one capability that looks into whatever it is told."""

from orchestrator.nlu.candidate import NEEDED, Candidate
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.fill import Filler
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.references import References
from orchestrator.nlu.shapes import SlotKind

_RESEARCH = "research"
_OR = frozenset({"or", "oder", "ou", "o"})
_A_TOPIC = 3  # words that tell what is to be looked into


def asks_otherwise(clause: Clause, last: Draft | None) -> bool:
    """Whether it is only what else may be: "is it locked, or is it just the laptop?"."""
    joined = bool(clause.piece.lead & _OR) and not clause.piece.strong
    looks = last is not None and last.profile is not None and last.profile.reads
    return joined and looks and last is not None and last.clause.form is Form.QUESTION


class Inquiry:
    """Finds topics of research; built once per catalogue."""

    def __init__(self, index: CatalogIndex, filler: Filler, references: References) -> None:
        self._filler = filler
        self._references = references
        able = [
            profile
            for profile in index.profiles
            if _RESEARCH in profile.own_groups
            and profile.reads
            and (slot := profile.main_slot) is not None
            and slot.kind is SlotKind.TEXT
        ]
        self._able = able[0] if len(able) == 1 else None

    def asked_why(self, clause: Clause) -> Candidate | None:
        """Return the reading of "why do clients lose drives?", which no look at one answers."""
        why = clause.form is Form.QUESTION and clause.asked_groups == {_RESEARCH}
        return self.into(clause) if why else None

    def into(self, clause: Clause) -> Candidate | None:
        """Return the clause as a topic of research, where it asks for some and tells one."""
        groups = clause.asked_groups.union(*(verb.groups for verb in clause.verbs))
        profile = self._able
        if profile is None or _RESEARCH not in groups or self._references.has_pronoun(clause):
            return None
        fill = self._filler.fill(profile, clause, settled=True)
        slot = profile.main_slot
        if slot is None or slot.name not in fill.values or len(fill.content) < _A_TOPIC:
            return None
        return Candidate(profile, NEEDED[profile.capability.risk], fill)
