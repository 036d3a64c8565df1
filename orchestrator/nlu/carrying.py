"""What else was said of a thing that a pronoun stands for: where it is, of which branch."""

from collections.abc import Sequence

from pydantic import JsonValue

from orchestrator.nlu.clauses import Clause
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.fill import Filler
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.references import References
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.thread import Thread

_WHERE = frozenset({"environ", "env", "stage", "namespac", "cluster", "region"})
_SURELY = 0.8
_SEVERAL = 2  # parameters
_CHOSEN = frozenset({"restore", "deploy"})
_WELL = frozenset({"fine", "ok", "okay", "good", "healthy", "works", "working", "well"})


def carry_place(thread: Thread, filler: Filler, draft: Draft, slot: Slot, value: JsonValue) -> None:
    """Let "restart it" mean nginx where it was spoken of: "check nginx on web1".

    So do the environment, and what a remark surely says of it: "the build of shop on branch x".
    """
    profile = draft.profile
    others = [s for s in profile.slots if s is not slot] if profile is not None else []
    hosts = {s.name for s in others if s.kind is SlotKind.HOST}
    if profile is None or hosts & set(draft.parameters):
        return
    backs = bool(profile.groups & _CHOSEN)  # where something goes is said, or asked
    where = {s.name for s in others if s.nouns & _WHERE and not s.required}
    loose = {s.name for s in others if s.kind is SlotKind.NAME and not (s.required or backs)}
    told = [m.context for m in thread.said if m.context is not None]
    lone = sum(bool(filler.fill(profile, one).values.keys() & where) for one in told) == 1
    for mention in reversed(thread.said):
        carried = hosts | where
        given = mention.draft.parameters if mention.draft is not None else {}
        if mention.context is not None:
            found = filler.fill(profile, mention.context).values
            given = {name: one.value for name, one in found.items()}
            sure = {name for name, one in found.items() if one.strength >= _SURELY}
            plain = not any(token.fold in _WELL for token in mention.context.tokens)
            placed = plain and lone and not backs
            carried = hosts | (where & sure if placed else set()) | (loose & sure)
        if given.get(slot.name) == value:
            for name in (carried & set(given)) - set(draft.parameters):
                draft.parameters[name] = given[name]
            return


def take_named(
    thread: Thread, references: References, draft: Draft, profile: Profile
) -> list[dict[str, JsonValue]]:
    """Give "review that PR" repository and number of "PR 83 of toolbox has a bug".

    Returns what further steps have, where several are spoken of: "nginx on a1 and b1 is down".
    """
    lacking = [s for s in profile.slots if s.required and s.name not in draft.parameters]
    if len(lacking) < _SEVERAL or draft.fill.spare or references.is_unclear(draft.clause):
        return []
    asked = {doubt.parameter for doubt in draft.doubts}
    free = [slot for slot in lacking if slot.name not in asked]
    for remark in reversed(thread.said):
        if remark.context is None or not references.is_plain_remark(remark.context):
            continue
        named = _named(references, profile, free, remark.context)
        if len(named) == len(lacking):
            every = [_named(references, profile, free, one) for one in remark.together]
            several = references.is_plural(draft.clause)
            alike = [one for one in every if several or one.items() & named.items()]
            first, *more = [one for one in (*alike, named) if len(one) == len(lacking)]
            draft.parameters.update(first)
            return more
    return []


def _named(
    references: References, profile: Profile, slots: Sequence[Slot], context: Clause
) -> dict[str, JsonValue]:
    """Return what a remark surely gives to parameters."""
    values = {slot.name: references.named_in(profile, slot, context) for slot in slots}
    return {name: value for name, value in values.items() if value is not None}


def wanting(draft: Draft, profile: Profile) -> Slot | None:
    """Return the slot for which the step must look back, if any."""
    main = profile.main_slot
    slots = [s for s in profile.slots if s.required] or [s for s in (main,) if s is not None]
    asked = {doubt.parameter for doubt in draft.doubts}
    return next((s for s in slots if s.name not in draft.parameters and s.name not in asked), None)
