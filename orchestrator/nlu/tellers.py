"""Which clauses of a request may say what a step acts on.

Not "Bob said it runs on web9", "I am j.bauer" before "disable my intern", nor what is denied.
"""

from collections.abc import Sequence

from orchestrator.catalog.models import Risk
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.full_names import is_person
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.later import waits
from orchestrator.nlu.pieces import Role
from orchestrator.nlu.shapes import SHAPED, SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.speakers import PERSONS, is_own, presents, relates

WRITTEN = SHAPED - {SlotKind.HOST, SlotKind.NUMBER} | {SlotKind.URL}
"""Kinds that a word shows by itself, and hardly by chance."""
COPULAS = frozenset({"is", "be", "are", "=", "ist", "sind", "est", "es"})
_IS_IT = ("its", "thats"), ("it", "is"), ("that", "is")
_BETWEEN = frozenset({"the", "a", "an", "on", "called", "named"})
_REFERRING = frozenset(
    {"see", "cf", "re", "cc", "per", "ticket", "according", "thanks", "as", "siehe", "vgl", "voir"}
    | {"requested"}
)
_WELL = frozenset(
    {"fine", "ok", "okay", "good", "works", "working", "unaffected", "stays", "remains", "bleibt"}
    | {"bleiben"}
)
_DENIED = frozenset({"not", "isnt", "arent", "nicht", "pas"})


class Tellers:
    """Knows the words; built once per catalogue."""

    def __init__(self, index: CatalogIndex) -> None:
        self._index = index

    def may_tell_any(self, clause: Clause) -> bool:
        """Whether a clause may say anything that a step lacks: not what is denied or put off."""
        first = clause.piece.tokens[0].fold
        refers = first in _REFERRING or first in self._index.lexicon.words("greetings")
        idle = clause.negated or clause.form is Form.SMALL_TALK or refers
        aside = clause.piece.role not in {Role.MAIN, Role.CONDITION}
        return not (idle or aside or waits(clause, self._index.lexicon))

    def may_tell(self, clause: Clause, draft: Draft, slot: Slot, *, whole: bool) -> bool:
        """Whether a clause may say what a step acts on: not "stop nginx. By the way web2 is fine".

        What is told behind the step must call it by its name, or say "it is …"; `whole`: all of
        the request is about the one step.
        """
        said = clause.piece.tokens
        if presents(said) or (is_person(slot) and relates(said) and is_own(draft)):
            return False
        words = [token.fold for token in clause.piece.tokens]
        if clause.form in {Form.STATEMENT, Form.THING} and (_WELL | _DENIED) & {*words}:
            return False  # "api.example.com is not affected", "mosquitto muss bleiben"
        if clause.form is not Form.STATEMENT:
            return True
        speech = self._index.lexicon.words("speech") | self._index.lexicon.words("report_words")
        asks = self._index.lexicon.questions
        asked = any(starts.at(words, 0) for starts in asks.values())  # "what does a.test say, …"
        if speech & {*words} and not asked:
            return False
        before = clause.piece.tokens[0].start < draft.clause.piece.tokens[0].start or whole
        if before and slot.kind is SlotKind.VERSION:
            return False  # "2.2.0 broke everything. Deploy it again"
        nouns = slot.nouns | (PERSONS if slot.nouns & PERSONS else frozenset())
        risk = draft.profile.capability.risk if draft.profile is not None else Risk.HIGH
        plain = slot.kind in WRITTEN - {SlotKind.VERSION} and risk is not Risk.HIGH
        return before or plain or equates(clause, nouns) or _is_it(words)


def _is_it(words: Sequence[str]) -> bool:
    """Whether a clause says "it is db1", "it's on db1"; not "it is a copy of db1", "not db1"."""
    opened = 1 if words[0] in _IS_IT[0] else 2 if tuple(words[:2]) in _IS_IT[1:] else 0
    rest = [word for word in words[opened:] if word not in _BETWEEN]
    return bool(opened) and len(rest) == 1


def equates(context: Clause, nouns: frozenset[str]) -> bool:
    """Whether a remark says what a parameter is, by its noun: "her login should be zoe"."""
    stems = [token.stem for token in context.tokens]
    noun = next((place for place, one in enumerate(stems) if one in nouns), None)
    after = context.tokens[noun + 1 :] if noun is not None else ()
    return any(token.fold in COPULAS for token in after)
