"""Clauses that only say more of the step before: "name it wiki", "…, keep it for 90 days"."""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.nlu.candidate import Candidate
from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import Clause
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.fill import Fill, Filler
from orchestrator.nlu.labelled import takes_labelled
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.references import References
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.thread import Thread, says_again

_NAMING = frozenset({"name", "call", "label", "title", "tag", "nenne", "nenn", "appelle"})
_CALLED = frozenset({"name", "label", "titl", "tag", "alia"})
_NAMED_WORDS = 3


class Completer:
    """Gives the last step of a thread what a further clause says of it; one for each request."""

    def __init__(
        self, lexicon: Lexicon, filler: Filler, references: References, thread: Thread
    ) -> None:
        self._lexicon = lexicon
        self._filler = filler
        self._references = references
        self._thread = thread

    def adds_to(self, clause: Clause, candidates: Sequence[Candidate]) -> bool:
        """Whether an order such as "and delete its data" only sets values of the step before."""
        previous = self._thread.last
        if previous is None or previous.profile is None or clause.tokens[0].fold == "back":
            return False  # "… and back in the office at 5" says nothing of the step
        if clause.piece.strong and not self._goes_on(clause, previous, candidates):
            return False
        taken = (self._is_named, self._is_flag, self.is_called)
        if any(take(previous, clause) for take in taken):
            return True
        profile, main = previous.profile, previous.profile.main_slot
        fill = self._filler.fill(profile, replace(clause, verbs=()))
        new = {n: f.value for n, f in fill.values.items() if n not in previous.parameters}
        if not new or main is None or main.name in new:
            return False
        if not self._only_adds(clause, profile, fill, set(new), candidates):
            return False
        previous = self._thread.revive(previous, clause)
        for draft in self._meant(previous, clause):
            draft.parameters.update({n: v for n, v in new.items() if n not in draft.parameters})
        previous.words = self._thread.between(previous.clause, clause)
        return True

    def denies_flag(self, clause: Clause) -> bool:
        """Take "but do not reboot it" for a flag of the step before that is not to be set."""
        previous = self._thread.last
        return previous is not None and self._is_flag(previous, clause, value=False)

    def _goes_on(self, clause: Clause, previous: Draft, candidates: Sequence[Candidate]) -> bool:
        """Whether the sentence behind the step says more of it: "… Keep it for 90 days"."""
        best = next(iter(candidates), None)
        pointed = self._references.has_pronoun(clause) and not previous.earlier
        said = {verb.canonical for verb in previous.clause.verbs}
        new = not any(verb.canonical in said for verb in clause.verbs)
        if best is None or previous.profile is None or not (pointed and new):
            return False
        return self._says_on(clause, best, previous.profile)

    def _meant(self, previous: Draft, clause: Clause) -> list[Draft]:
        """Return the steps that a clause without a target adds to: one, or all of a list."""
        if self._references.has_pronoun(clause) and not self._references.is_plural(clause):
            return [previous]
        return [draft for draft in self._thread.drafts if draft.group == previous.group]

    def _is_flag(self, previous: Draft, clause: Clause, *, value: bool = True) -> bool:
        """Take "and reboot it afterwards" for the flag `reboot` of the step before."""
        if previous.profile is None or not self._references.has_pronoun(clause):
            return False
        if any(is_content(t, self._lexicon) for t in clause.tokens[1:]):
            return False
        for slot in previous.profile.slots:
            if slot.kind is SlotKind.FLAG and clause.tokens[0].fold == slot.name:
                previous.parameters[slot.name] = value
                previous.words = self._thread.between(previous.clause, clause)
                return True
        return False

    def _is_named(self, previous: Draft, clause: Clause) -> bool:
        """Take "name it before-upgrade", "call it intranet" as the name of the step before."""
        folded = [token.fold for token in clause.tokens]
        if len(folded) != _NAMED_WORDS or folded[0] not in _NAMING or previous.profile is None:
            return False
        if folded[1] not in self._lexicon.words("pronouns"):
            return False
        said = clause.tokens[2].value
        for slot in previous.profile.slots:
            called = {
                *slot.nouns,
                *slot.name.split("_"),
            } & _CALLED or "name" in slot.description.lower()
            fits = slot.kind is SlotKind.NAME and slot.accepts(said)
            if called and fits and previous.parameters.get(slot.name) in {None, said}:
                previous.parameters[slot.name] = said
                previous.words = self._thread.between(previous.clause, clause)
                return True
        return False

    def _only_adds(
        self,
        clause: Clause,
        profile: Profile,
        fill: Fill,
        new: set[str],
        candidates: Sequence[Candidate],
    ) -> bool:
        best = candidates[0] if candidates else None
        if best is not None and self._says_on(clause, best, profile):
            return True
        weak = best is None or not best.is_askable
        flags = {slot.name for slot in profile.slots if slot.kind is SlotKind.FLAG}
        if new <= flags and (weak or best is None or best.profile is profile):
            return True
        nouns = self._filler.nouns_of(profile)
        left = [p for p in fill.content if p not in fill.used]
        covered = all(clause.tokens[place].stem in nouns for place in left)
        pointed = self._references.has_pronoun(clause)
        kinds = {slot.name: slot.kind for slot in profile.slots}
        sure = all(kinds[name] is SlotKind.ENUM for name in new)
        if covered and pointed and sure and best is not None and not best.fill.used >= fill.used:
            return True
        return weak and (covered or pointed)

    def _says_on(self, clause: Clause, best: Candidate, profile: Profile) -> bool:
        """Whether "…, top 10", "… and keep it for 90 days" says the step before to its end.

        It reads as the same capability, acts on nothing of its own, and contradicts nothing.
        """
        last, main = self._thread.last, profile.main_slot
        if best.profile is not profile or not best.is_askable or last is None or main is None:
            return False
        given, found = best.fill.parameters, best.fill.values.values()
        if clause.piece.lead & self._lexicon.words("sequence") or not all(f.places for f in found):
            return False  # "dim the light to 20, then switch it off" does two things
        agrees = all(last.parameters.get(n, v) == v for n, v in given.items())
        nouns = self._filler.nouns_of(profile)
        left = [p for p in best.fill.content if p not in best.fill.used]
        covered = all(clause.tokens[place].stem in nouns for place in left)
        return agrees and covered and main.name not in given and not says_again(clause)

    def is_called(self, previous: Draft, clause: Clause) -> bool:
        """Take "…, mail anna@acme.test" for what the step before still lacks."""
        called = takes_labelled(previous, clause)
        if called:
            previous.words = self._thread.between(previous.clause, clause)
        return called
