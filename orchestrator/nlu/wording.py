"""Puts steps and questions into words people read."""

from orchestrator.catalog.template import plain, render_text
from orchestrator.domain.request import AmbiguityKind
from orchestrator.domain.value import Parameters
from orchestrator.nlu.drafts import Doubt, Draft
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.slots import Slot

_MAX_OPTIONS = 20


def step_name(profile: Profile, parameters: Parameters) -> str:
    """Return the step in plain words: the entry's title, else description and parameters."""
    capability = profile.capability
    if capability.title:
        title = render_text(capability.title, parameters, capability.parameters)
        if title:
            return title
    sentence = capability.description.strip().split(". ")[0].rstrip(".")
    if not parameters:
        return sentence
    listed = ", ".join(f"{name} {plain(value)}" for name, value in parameters.items())
    return f"{sentence}: {listed}"


def question(doubt: Doubt, draft: Draft, index: CatalogIndex) -> str:
    """Return the question that settles `doubt`."""
    if doubt.kind is AmbiguityKind.WHICH_CAPABILITY:
        return _which_capability(doubt, draft, index)
    if draft.profile is None:
        return f"What do you mean by \u201c{draft.words}\u201d?"
    slot = slot_named(draft.profile, doubt.parameter)
    noun = slot.noun()
    step = step_name(draft.profile, draft.parameters)
    which = f"Which {noun} for \u201c{step}\u201d?"
    if doubt.unknown:
        return f"There is no {noun} \u201c{doubt.said}\u201d. {which}"
    if doubt.said:
        return f"\u201c{doubt.said}\u201d may be {_either(doubt.options)}. {which}"
    return which


def _which_capability(doubt: Doubt, draft: Draft, index: CatalogIndex) -> str:
    readings = [f"{name} ({_short(index.by_name[name])})" for name in doubt.options]
    asked = f"By \u201c{draft.words}\u201d, do you mean {_either(readings)}?"
    return asked if len(readings) > 1 else f"{asked} Answer yes or no."


def _short(profile: Profile) -> str:
    sentence = profile.capability.description.strip().split(". ")[0].rstrip(".")
    return sentence[0].lower() + sentence[1:]


def _either(options: list[str] | tuple[str, ...]) -> str:
    if len(options) == 1:
        return options[0]
    return f"{', '.join(options[:-1])} or {options[-1]}"


def options_of(doubt: Doubt, draft: Draft, index: CatalogIndex) -> tuple[str, ...]:
    """Return the likely answers: named values, else what there is and the examples' values."""
    if doubt.options or draft.profile is None or not doubt.parameter:
        return doubt.options
    slot = slot_named(draft.profile, doubt.parameter)
    if slot.enum:
        return slot.enum[:_MAX_OPTIONS]
    shared = index.shared_enums.get(slot.name)
    likely = shared.values if shared is not None else draft.profile.known.get(slot.name, ())
    there_is = index.inventory.get(slot.name, ())
    found = dict.fromkeys([*there_is, *sorted(likely)])
    return tuple(value for value in found if slot.accepts(value))[:_MAX_OPTIONS]


def slot_named(profile: Profile, name: str) -> Slot:
    """Return the slot called `name`."""
    return next(slot for slot in profile.slots if slot.name == name)
