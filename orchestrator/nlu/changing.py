"""What a clause changes of the step before: which of a list, one of two, one more of a list."""

from pydantic import JsonValue

from orchestrator.domain.request import AmbiguityKind
from orchestrator.domain.value import Parameters
from orchestrator.nlu.candidate import Candidate
from orchestrator.nlu.clauses import Clause
from orchestrator.nlu.drafts import Doubt, Draft
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.slots import Slot

_FORMER, _LATTER = "former", "latter"
_ORS = frozenset({"or", "oder", "ou", "o"})


def singled_out(
    listed: list[Draft], previous: Draft, clause: Clause, own: Candidate
) -> list[Draft]:
    """Return the steps of a list that "tom as admin", "the latter as admin" speaks of."""
    folded = {token.fold for token in clause.tokens}
    main = own.profile.main_slot
    again = main is not None and main.name in own.fill.parameters
    if _FORMER in folded:
        return listed[:1]
    return [previous] if again or _LATTER in folded else listed


def alternative(
    previous: Draft, clause: Clause, profile: Profile, values: Parameters
) -> Slot | None:
    """Return what "to staging or production" leaves open: what it acts on, or the one value."""
    main = profile.main_slot
    if not clause.piece.lead & _ORS:
        return None
    if main is not None and main.name in values:
        return main
    given = [slot for slot in profile.slots if slot.name in values]
    return given[0] if len(given) == 1 and given[0].name in previous.parameters else None


def choose(previous: Draft, slot: Slot, value: JsonValue) -> None:
    """Ask which one "nginx or redis" means."""
    before = previous.parameters.pop(slot.name, None)
    options = tuple(str(one) for one in (before, value) if one is not None)
    previous.doubts = [d for d in previous.doubts if d.parameter != slot.name]
    kind = AmbiguityKind.UNCLEAR_REFERENCE
    previous.doubts.append(Doubt(kind, slot.name, options=options))


def extend(draft: Draft, name: str, value: JsonValue) -> None:
    """Add to a list parameter."""
    before = draft.parameters.get(name)
    old = before if isinstance(before, list) else []
    new = value if isinstance(value, list) else [value]
    draft.parameters[name] = [*old, *new]
