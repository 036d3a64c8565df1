"""What else was said of a thing that a pronoun stands for: where it is, of which branch."""

from pydantic import JsonValue

from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.fill import Filler
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Token
from orchestrator.nlu.thread import Thread

_WHERE = frozenset({"environ", "env", "stage", "namespac", "cluster", "region"})
_CARRIED = frozenset({SlotKind.NAME, SlotKind.VERSION})
_SURELY, _CERTAIN = 0.8, 0.9
_MACHINES = frozenset({"box", "machin", "server", "host", "instanc"})
_ANY_MACHINE = _MACHINES | {"vm", "guest", "node", "agent", "runner"}


def is_machine(noun: Token, slot: Slot) -> bool:
    """Whether "the box" may stand for what `slot` takes: a machine of whatever sort."""
    return noun.stem in _MACHINES and bool(slot.nouns & _ANY_MACHINE)


def carry_place(thread: Thread, filler: Filler, draft: Draft, slot: Slot, value: JsonValue) -> None:
    """Let "restart it" mean nginx where it was spoken of: "check nginx on web1".

    So do the environment, and what a remark surely says of it: "the build of shop on branch x".
    """
    profile = draft.profile
    others = [s for s in profile.slots if s is not slot] if profile is not None else []
    places = {s.name for s in others if s.kind is SlotKind.HOST}
    if places & set(draft.parameters):
        return
    places |= {s.name for s in others if s.nouns & _WHERE and s.name not in draft.parameters}
    for mention in reversed(thread.said):
        given = mention.draft.parameters if mention.draft is not None else {}
        if mention.context is not None and profile is not None:
            found = filler.fill(profile, mention.context).values
            given = {name: one.value for name, one in found.items()}
            open_ones = {s.name for s in others if s.kind in _CARRIED and not s.required}
            sure = {name for name in open_ones & set(found) if found[name].strength >= _SURELY}
            places |= sure - set(draft.parameters)
            loose = {s.name for s in others if s.kind is SlotKind.ENUM} & set(found)
            places -= {name for name in loose if found[name].strength < _CERTAIN}
        if given.get(slot.name) == value:
            for name in places & set(given):
                draft.parameters[name] = given[name]
            return
