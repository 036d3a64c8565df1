"""Which of a few readings that are about as good is meant: the one that says it all, or names it.

Scores leave these open; what decides is what one reading has and the others lack.
"""

import re
from collections.abc import Sequence

from pydantic import JsonValue

from orchestrator.nlu.candidate import Candidate
from orchestrator.nlu.clauses import Clause
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import stems

_AS_GOOD = 0.25  # a synonym beside the very verb is not
_NEARLY_AS_GOOD = 0.12
_FAMILY_RE = re.compile(r"[a-z]{2,}-(?=[a-z-]*\d)")
_LIGHT = 0.5  # a verb that goes with anything


def choose(
    clause: Clause, best: Candidate, rivals: Sequence[Candidate], *, pronoun: bool
) -> tuple[Candidate, list[Candidate]]:
    """Return the best reading and those that stay as good as it.

    Args:
        clause: what was read.
        best: the reading with the highest score.
        rivals: those that are about as good.
        pronoun: the clause says "it", which may give what a reading lacks.
    """
    open_ones = [other for other in rivals if not best.outdoes(other)]
    whole = [candidate for candidate in (best, *open_ones) if candidate.is_whole]
    left = [candidate for candidate in whole if not _leaves(clause, candidate)]
    # "Reboot db1 gently" is no restart of a service called so.
    if left and max(one.verb for one in left) >= max(one.verb for one in whole) - _AS_GOOD:
        whole = left
    if sum(candidate.known for candidate in whole) == 1:
        whole = [candidate for candidate in whole if candidate.known]
    whole = [candidate for candidate in whole if is_kin(candidate)] or whole
    whole = _spelt_out(clause, whole)
    said = len(whole) == 1 and whole[0].fill.values and whole[0].verb > _LIGHT
    if said and not pronoun and not whole[0].dares((best, *open_ones)):
        return whole[0], []
    return best, open_ones


def timely(clause: Clause, candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the reading that takes "every day at 02:00", if the best one leaves it out."""
    if candidates[0].fill.used & clause.moments:
        return None
    near = (c for c in candidates if candidates[0].rank - c.rank < _NEARLY_AS_GOOD)
    return next((c for c in near if c.is_accepted and c.fill.used & clause.moments), None)


def next_of_kin(best: Candidate, readings: Sequence[Candidate]) -> Candidate:
    """Return the reading whose examples call things as this one is called: "CM-20417" a modem."""
    if is_kin(best):
        return best
    near = (c for c in readings if c.is_askable and best.rank - c.rank < _NEARLY_AS_GOOD)
    alike = (c for c in near if c.verb >= best.verb - _NEARLY_AS_GOOD and is_kin(c))
    return next(alike, best)


def is_kin(reading: Candidate) -> bool:
    """Whether what is acted on begins as a known one does: letters before a mark and a digit."""
    slot = reading.profile.main_slot
    found = reading.fill.values.get(slot.name) if slot is not None else None
    return (
        slot is not None and found is not None and is_of_family(reading.profile, slot, found.value)
    )


def is_of_family(profile: Profile, slot: Slot, value: JsonValue) -> bool:
    """Whether a value begins as a known one of the slot does: "CM-20417" as "CM-10044"."""
    family = _FAMILY_RE.match(str(value).casefold())
    known = profile.known.get(slot.name, ())
    return family is not None and any(one.startswith(family[0]) for one in known)


def _leaves(clause: Clause, candidate: Candidate) -> bool:
    """Whether the reading leaves words over that its capability does not say itself."""
    places = (place for chunk in candidate.fill.spare for place in chunk.places)
    return any(clause.tokens[place].stem not in candidate.profile.nouns for place in places)


def _spelt_out(clause: Clause, readings: list[Candidate]) -> list[Candidate]:
    """Return the one whose name says all that the others' say of the clause, and more.

    "Go back to the snapshot" is `rollback_snapshot`, though a backup is nearly the same.
    """
    said = {token.stem for token in clause.tokens}
    named = [said & {*stems(candidate.profile.name)} for candidate in readings]
    most = max(named, key=len, default=set())
    fewer = [words < most for words in named]
    first = [candidate for candidate, less in zip(readings, fewer, strict=True) if not less]
    return first if len(first) == 1 else readings


def is_named(clause: Clause, candidate: Candidate) -> bool:
    """Whether the clause says what the capability's name does: "a snapshot of it"."""
    return bool(candidate.profile.objects & {token.stem for token in clause.tokens})


def is_open(candidate: Candidate) -> bool:
    """Whether a pronoun can still be what the capability acts on."""
    slot = candidate.profile.main_slot
    return slot is not None and slot.name not in candidate.fill.values


def acts_again(candidate: Candidate, drafts: Sequence[Draft]) -> bool:
    """Whether a step before acted on the same, as the same: "pause web1, then restart web1"."""
    slot = candidate.profile.main_slot
    if slot is None or slot.name not in candidate.fill.values:
        return False
    value = candidate.fill.values[slot.name].value
    return any(draft.parameters.get(slot.name) == value for draft in drafts)
