"""What a later part of a list tells of the parts before it, and what is no part of it.

"Turn off nginx and redis on web1" stops containers, not lights; "bounce web1, the whole box" is
one reboot; "… and the mailbox" names a kind of thing, no target.
"""

from dataclasses import replace

from pydantic import JsonValue

from orchestrator.nlu.candidate import Candidate
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.fill import Filler
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.match import Matcher
from orchestrator.nlu.placing import Placer
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import SlotKind, looks
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Kind
from orchestrator.nlu.thread import Thread

_DEFINITE = frozenset({"the", "their", "its", "his", "her", "my", "our", "die", "das", "den"})
_DEFINITE |= frozenset({"le", "la", "les", "el", "los", "las"})
_PAIR = 2
_NAMES = frozenset({SlotKind.NAME, SlotKind.HOST})


class Revision:
    """Reads the steps of a list once more; one for each request."""

    def __init__(
        self,
        index: CatalogIndex,
        filler: Filler,
        matcher: Matcher,
        placer: Placer,
        thread: Thread,
    ) -> None:
        self._index = index
        self._filler = filler
        self._matcher = matcher
        self._placer = placer
        self._thread = thread

    def explains(self, clause: Clause, previous: Draft, best: Candidate) -> bool:
        """Whether "bounce web1, the whole box" only says what kind of thing web1 is."""
        main = best.profile.main_slot
        target = main is not None and main.name in best.fill.values
        left = set(best.fill.content) - best.fill.used
        named = max((p for found in best.fill.values.values() for p in found.places), default=0)
        # "the kitchen and hall lights", but not "nginx and the vm web1"
        if all(p > named and clause.tokens[p].fold.endswith("s") for p in left):
            self._revise(previous, best)
            return False
        definite = clause.tokens[0].fold in _DEFINITE and clause.piece.lead == {","}
        return definite and not target and self._revise(previous, best)

    def _revise(self, previous: Draft, best: Candidate) -> bool:
        """Read "turn off nginx" as the end of "… and redis on web1" tells that it is meant.

        Only where all that it says is as well a value of that capability's.
        """
        listed = [d for d in self._thread.drafts if d.group == previous.group]
        head, main = listed[0].clause, best.profile.main_slot
        if head.form is not Form.ORDER or previous.earlier or main is None:
            return False
        clauses = [head, *(inheriting(draft.clause, listed[0]) for draft in listed[1:])]
        read = [self._read_as(clause, best, main, previous) for clause in clauses]
        places = [p for p, d in enumerate(self._thread.drafts) if d.group == previous.group]
        if None in read or places != [*range(places[0], len(self._thread.drafts))]:
            return False
        del self._thread.drafts[places[0] :]
        for clause, candidate in zip(clauses, read, strict=True):
            if candidate is not None:
                self._placer.add(clause, candidate)
        return True

    def _read_as(
        self, clause: Clause, best: Candidate, main: Slot, previous: Draft
    ) -> Candidate | None:
        """Return the reading of a clause as the capability of `best`, if it says no more."""
        ranked = self._matcher.rank(clause, best.profile)
        read = next((c for c in ranked if c.profile is best.profile), None)
        if read is None or main.name not in read.fill.values:
            return None
        lacking = read.is_askable and bool(previous.missing())
        whole = not set(read.fill.content) - read.fill.used
        return read if whole and (read.is_accepted or lacking) else None

    def is_other_kind(self, clause: Clause, profile: Profile) -> bool:
        """Whether "the mailbox", "the branch x" is of a kind that this does not act on."""
        noun = clause.tokens[1] if len(clause.tokens) > 1 else None
        if noun is None or clause.form is not Form.THING or noun.is_name_like:
            return False
        definite = clause.tokens[0].fold in _DEFINITE and noun.kind is Kind.WORD
        kind = self._index.is_kind(noun.stem) or self._index.is_said(noun)
        named = self._index.is_known(noun) or noun.fold in _enums(profile)
        return definite and kind and not named and noun.stem not in self._filler.nouns_of(profile)

    def is_part(self, clause: Clause, profile: Profile) -> bool:
        """Whether "and the mailbox" only names what the capability says that it acts on."""
        bare = len(clause.tokens) == _PAIR and clause.tokens[1].stem in profile.nouns
        return bare and self.is_other_kind(clause, profile)


def inheriting(clause: Clause, previous: Draft) -> Clause:
    """Return the clause with the verb of the step before."""
    return replace(
        clause,
        form=previous.clause.form,
        verbs=tuple(replace(v, places=frozenset()) for v in previous.clause.verbs),
        asked_groups=previous.clause.asked_groups,
    )


def _enums(profile: Profile) -> set[str]:
    return {value for slot in profile.slots for value in slot.enum}


def apposed_to(previous: Draft, clause: Clause, profile: Profile) -> dict[str, JsonValue]:
    """Return what a name says of the common noun before it: "… on my new laptop, nb-2291".

    Where the step lacks it, and something else that it acts on has been named.
    """
    main, tokens = profile.main_slot, previous.clause.tokens
    joined = clause.piece.lead == {","} and not clause.piece.strong
    named = len(clause.tokens) == 1 and clause.tokens[0].is_name_like
    plain = bool(tokens) and tokens[-1].text.islower() and not tokens[-1].is_name_like
    lacking = [s for s in profile.slots if s.required and s.name not in previous.parameters]
    free = len(lacking) == 1 and lacking[0] is not main and lacking[0].kind in _NAMES
    if not (joined and named and plain and free):
        return {}
    value = clause.tokens[0].value
    return {lacking[0].name: value} if lacking[0].accepts(value) else {}


def corrected_value(previous: Draft, clause: Clause, profile: Profile) -> dict[str, JsonValue]:
    """Return the value that "…, sorry, 10.0.0.2" puts right: the one that looks the same."""
    said = clause.tokens[0].value if len(clause.tokens) == 1 else ""
    alike = [
        slot.name
        for slot in profile.slots
        if (old := previous.parameters.get(slot.name)) is not None
        and looks(str(old))
        and looks(str(old)) == looks(said)
        and slot.accepts(said)
    ]
    return {alike[0]: said} if len(alike) == 1 else {}
