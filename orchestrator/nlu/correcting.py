"""What a person says they meant: the capabilities nearest to their words, and the corrected whole.

Nothing is guessed here: a person has named the capability, its schema judges what they gave.
"""

from collections.abc import Iterable

from pydantic import JsonValue

from orchestrator.catalog.models import Capability, Catalog
from orchestrator.catalog.parameters import check_parameters, parse_value, property_rule
from orchestrator.domain.request import Correction, DecomposedRequest, Subtask
from orchestrator.domain.value import Parameters
from orchestrator.errors import ErrorCode, Refused
from orchestrator.nlu.assembly import complexity, in_order
from orchestrator.nlu.decomposer import engine_for
from orchestrator.nlu.engine import MAX_WORDS, Engine
from orchestrator.nlu.guard import guarded_tokens
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Kind, normalise, stems
from orchestrator.nlu.wording import step_name

_FAINT = 0.3  # shared words alone are always less than a reading
_LONGEST = 400  # characters looked at: each capability reads them all


def nearest(words: str, catalog: Catalog) -> list[Capability]:
    """Return every capability, those that `words` come nearest to first."""
    engine = engine_for(catalog)
    scores = _faint(words, engine)
    for name, score in _readings(words, engine):
        scores[name] = max(scores[name], score)
    ranked = sorted(engine.index.profiles, key=lambda profile: -scores[profile.name])
    return [catalog.entries[profile.name].spoken for profile in ranked]


def _readings(words: str, engine: Engine) -> Iterable[tuple[str, float]]:
    """Yield the engine's own readings of each piece, with their scores."""
    index = engine.index
    read = index.speller.read(guarded_tokens(normalise(words[:_LONGEST])))
    for piece in index.splitter.split([t for t in read if t.kind is not Kind.GUARDED]):
        if len(piece.tokens) > MAX_WORDS:
            continue
        for candidate in engine.matcher.rank(index.reader.read(piece)):
            yield candidate.profile.name, candidate.score


def _faint(words: str, engine: Engine) -> dict[str, float]:
    """Score what no reading allows by the words it shares and the values it finds in them."""
    said = {key for stem in stems(words[:_LONGEST]) for key in engine.index.keys(stem)}
    scores: dict[str, float] = {}
    for profile in engine.index.profiles:
        shared = sum(profile.nouns.get(key, 0.0) for key in said) / (len(said) or 1)
        scores[profile.name] = _FAINT * (shared + _finds(words, profile, engine)) / 2
    return scores


def _finds(words: str, profile: Profile, engine: Engine) -> bool:
    """Say whether the words hold a value for it; any words would do for a free text."""
    found = suggested(words, profile.name, engine)
    return any(s.name in found and s.kind is not SlotKind.TEXT for s in profile.slots)


def suggested(words: str, capability: str, engine: Engine) -> Parameters:
    """Return the values that `words` hold for a capability, as far as they can be told."""
    profile = _profile(capability, engine)
    try:
        return in_order(profile, engine.reread(words[:_LONGEST], profile).parameters)
    except ValueError:  # words of which no clause can be made
        return {}


def corrected(
    previous: DecomposedRequest, correction: Correction, catalog: Catalog
) -> DecomposedRequest:
    """Return what was understood with a person's own choice in its place.

    Raises:
        Refused: no such capability or subtask, or a value does not fit the schema.
    """
    engine = engine_for(catalog)
    profile = _profile(correction.capability, engine)
    parameters = _taken(profile, correction.parameters)
    replaced = replaced_by(previous, correction.order)
    whole = correction.order is None
    chosen = Subtask(
        order=1 if replaced is None else replaced.order,
        name=step_name(profile, in_order(profile, parameters)),
        intent=profile.name,
        confidence=1,
        parameters=parameters,
        source_words=previous.original_request if replaced is None else replaced.source_words,
        concurrent=replaced is not None and replaced.concurrent,
        chosen=True,
    )
    steps = (chosen,) if whole else tuple(_with(previous.subtasks, chosen))
    return previous.model_copy(
        update={
            "subtasks": steps,
            "ambiguities": (),
            "out_of_scope": () if whole else previous.out_of_scope,
            "deferred": () if whole else previous.deferred,
            "complexity_level": complexity(steps, engine.index),
        }
    )


def replaced_by(previous: DecomposedRequest, order: int | None) -> Subtask | None:
    """Return the subtask that a correction is about; None: it is about the whole.

    Raises:
        Refused: there is no such subtask, or a question is open, so that the parts may change.
    """
    if order is None:
        return None
    if previous.ambiguities:
        message = "A question about the request is open, so its parts are not settled."
        raise Refused(ErrorCode.CONFLICT, message, "Answer it first, or correct the whole.")
    for subtask in previous.subtasks:
        if subtask.order == order:
            return subtask
    raise Refused(
        ErrorCode.NOT_FOUND,
        f"The request has no part {order}.",
        f"It has {len(previous.subtasks)}; leave the part out to correct the whole.",
    )


def _with(subtasks: Iterable[Subtask], chosen: Subtask) -> Iterable[Subtask]:
    return (chosen if each.order == chosen.order else each for each in subtasks)


def _profile(capability: str, engine: Engine) -> Profile:
    profile = engine.index.by_name.get(capability)
    if profile is None:
        raise Refused(
            ErrorCode.NOT_FOUND,
            f"The catalogue has no capability {capability[:60]!r}.",
            "`chiffon catalog list` shows what there is.",
        )
    return profile


def _taken(profile: Profile, given: Parameters) -> Parameters:
    """Return typed values, checked against the schema and as every named value is.

    Raises:
        Refused: one does not fit; the message names it.
    """
    slots = {slot.name: slot for slot in profile.slots}
    values = {
        name: _value(profile.capability, slots.get(name), name, value)
        for name, value in given.items()
    }
    return in_order(profile, check_parameters(profile.capability, values))


def _value(capability: Capability, slot: Slot | None, name: str, given: JsonValue) -> JsonValue:
    value = _parsed(capability, slot, name, given)
    parts = value if isinstance(value, list) else [value]
    option = slot is not None and any(
        isinstance(part, str) and part.startswith("-") and not slot.accepts(part) for part in parts
    )
    if option:  # promise S16: it could be taken for an option of a command
        message = f"{capability.name}: `{name}` must not start with a dash."
        raise Refused(ErrorCode.INVALID_REQUEST, message, "Give the name alone.")
    return value


def _parsed(capability: Capability, slot: Slot | None, name: str, given: JsonValue) -> JsonValue:
    if not isinstance(given, str) or slot is None:
        return given
    try:
        if slot.many:
            parts = given.replace("\n", ",").split(",")
            return [parse_value(slot.schema, part.strip()) for part in parts if part.strip()]
        return parse_value(property_rule(capability.parameters, name), given)
    except ValueError as fault:
        message = f"{capability.name}: `{name}` {fault}."
        raise Refused(ErrorCode.INVALID_REQUEST, message, slot.description) from fault
