"""Which value of an enumeration a clause says, where its verb may say one, too."""

from collections.abc import Collection

from pydantic import JsonValue

from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.enums import EnumHit
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import stem, words

_MAKES = frozenset({"create", "make", "take", "add", "new"})
_SPELT = 0.95  # written in full


class ListReader:
    """Finds listed values in clauses."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon

    def find(
        self,
        profile: Profile,
        slot: Slot,
        clause: Clause,
        content: Collection[int],
        used: frozenset[int],
    ) -> EnumHit | None:
        """Return the listed value that is said, rather one beside the verb and "all".

        In "merge 7 with squash" the verb says what is done, "squash" how; in "list all stopped
        containers" it is the stopped ones that are listed.

        Args:
            profile: whose parameter it is.
            slot: the parameter.
            clause: where it may be said.
            content: places that mean something.
            used: places that another parameter took.
        """
        finder, tokens = profile.enums[slot.name], clause.tokens
        free = [place for place in range(len(tokens)) if place not in used]
        content = [place for place in content if place not in used]
        hit = finder.find(tokens, free, content)
        if hit is None:
            return None
        own = any(verb.canonical in profile.own_verbs for verb in clause.verbs)
        verbal = own and hit.places <= clause.verb_places
        counted = all(tokens[p].fold in self._lexicon.words("quantifiers") for p in hit.places)
        if not verbal and not counted:
            return hit
        free, content = ([p for p in some if p not in hit.places] for some in (free, content))
        other = finder.find(tokens, free, content)
        if other is None or len(other.values) > 1 or (verbal and not self._is_apart(other, clause)):
            return hit
        return other

    @staticmethod
    def chosen(profile: Profile, slot: Slot, clause: Clause) -> JsonValue | None:
        """Return what the verb chooses; "create" for "dump db1", the noun of what there will be."""
        choice = profile.choices[slot.name]
        nouns = {stem(word) for word in words(profile.name)[1:]} - choice.by_verb.keys()
        nominal = any(verb.canonical in nouns for verb in clause.verbs)
        if nominal and clause.form in {Form.ORDER, Form.TERSE}:
            made = next((value for value in slot.enum if value.casefold() in _MAKES), None)
            if made is not None:
                return made
        return choice.of(clause.verbs)

    def _is_apart(self, hit: EnumHit, clause: Clause) -> bool:
        """Whether a value is said in full, and of no noun: not as in "close the open ticket"."""
        behind = clause.tokens[max(hit.places, default=-1) + 1 :][:1]
        return hit.strength >= _SPELT and not any(is_content(t, self._lexicon) for t in behind)

    @staticmethod
    def beside(
        profile: Profile, slot: Slot, clause: Clause, content: Collection[int], hit: EnumHit
    ) -> frozenset[int]:
        """Return the places beside a listed value that say it once more: "disk space"."""
        near = {place + step for place in hit.places for step in (-1, 1)} & {*content}
        return frozenset(
            place
            for place in near - hit.places
            if (same := profile.enums[slot.name].find(clause.tokens, [place], [])) is not None
            and same.values == hit.values
        )
