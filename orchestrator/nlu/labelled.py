"""Values behind the name of their parameter: "…, branch develop", "…, type A", "…, recursive"."""

from pydantic import JsonValue

from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.coerce import name_forms
from orchestrator.nlu.concepts import concept_model
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.prepositions import PERSONS
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import BRANCHES, SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Kind, Token, words

_BETWEEN = frozenset({"is", "=", "ist", "est", "es"})
_NAMES = (["label"], ["title"])
_COUNTS = frozenset({"limit", "count", "top", "max", "lines"})
_HOW_MANY = ("how many", "number of", "most ", "at most")
_LIMITS = (
    ["top"], ["the", "top"], ["max"], ["at", "most"], ["no", "more", "than"], ["of", "them"],
    ["only"], ["just"], ["the", "first"], ["first"], ["limit"], ["hochstens"], ["davon"],
)  # fmt: skip
_SHAPED = frozenset({SlotKind.EMAIL, SlotKind.URL, SlotKind.ADDRESS})


def takes_labelled(previous: Draft, clause: Clause) -> bool:
    """Give the step before the value that a clause names, if it has no other there."""
    tokens, profile = clause.tokens, previous.profile
    if profile is None or len(tokens) < 2 or clause.piece.strong:  # noqa: PLR2004
        return False
    label = tokens[:-1] if tokens[-2].fold not in _BETWEEN else tokens[:-2]
    named = len(label) > 1 and label[-1].fold == "name"  # "device name thinkpad"
    label = label[:-1] if named else label
    if _takes_count(previous, profile, tokens):
        return True
    for slot in profile.slots:
        called = not slot.many and _is_called(slot, label)
        called = called and (named or _is_value(profile, slot, tokens[-1]))
        value = _value(slot, tokens[-1]) if called else None
        guessed = slot.name not in previous.fill.values  # what a pronoun stood for
        if value is not None and (guessed or previous.parameters.get(slot.name, value) == value):
            previous.parameters[slot.name] = value
            return True
    return False


def _takes_count(previous: Draft, profile: Profile, tokens: tuple[Token, ...]) -> bool:
    """Give a look "…, top 10", "…, 10 of them", "…, at most 10" for the one count it takes."""
    folded = [token.fold for token in tokens]
    numbers = [token for token in tokens if token.text.isdigit()]
    counts = [slot for slot in profile.slots if slot.kind is SlotKind.NUMBER and _is_count(slot)]
    if len(numbers) != 1 or len(counts) != 1 or not profile.reads:
        return False
    slot, number = counts[0], int(numbers[0].text)
    said = [word for word in folded if word != numbers[0].fold] in _LIMITS
    taken = said and slot.name not in previous.parameters and slot.accepts(number)
    if taken:
        previous.parameters[slot.name] = number
    return taken


def _is_count(slot: Slot) -> bool:
    """Whether a number says how many of something are shown."""
    return not slot.required and (
        bool(_COUNTS & {*words(slot.name)}) or slot.description.casefold().startswith(_HOW_MANY)
    )


def _is_called(slot: Slot, label: tuple[Token, ...]) -> bool:
    """Whether the words are the parameter's name; of a shaped value, any word for it."""
    if len(label) == 1 and slot.kind in _SHAPED:
        return label[0].stem in slot.nouns or slot.name.endswith(label[0].stem)
    return [token.fold for token in label] == words(slot.name)


def _is_value(profile: Profile, slot: Slot, token: Token) -> bool:
    """Whether the word can only be one: "host is down", "version later" say something else."""
    if words(slot.name) in _NAMES and slot.kind is SlotKind.NAME:
        return True  # any word may be a label
    listed = token.kind is Kind.QUOTED or token.is_name_like or bool(_listed(slot, token))
    person = bool(slot.nouns & PERSONS) and token.stem not in concept_model().vocabulary
    listed |= person and token.kind is Kind.WORD
    return listed or token.fold in BRANCHES | profile.known.get(slot.name, set())


def _value(slot: Slot, token: Token) -> JsonValue | None:
    """Return the word as the parameter takes it; None where it does not."""
    if slot.kind in {SlotKind.NUMBER, SlotKind.FLAG}:
        whole = token.text.isdigit() and slot.accepts(int(token.text))
        return int(token.text) if whole else None
    forms = [token.value, *name_forms(token.value, "", slot.kind), *_listed(slot, token)]
    return next((form for form in forms if slot.accepts(form)), None)


def _listed(slot: Slot, token: Token) -> list[str]:
    return [value for value in slot.enum if value.casefold() == token.value.casefold()]


def flag_in(clause: Clause, profile: Profile) -> str | None:
    """Return the flag that "…, recursive" sets, and nothing else says."""
    flags = [slot.name for slot in profile.slots if slot.kind is SlotKind.FLAG]
    said = [t.fold for t in clause.tokens[1:]] in ([], ["it"], ["them"])  # "and squash it"
    alone = clause.form is Form.THING and said and not clause.piece.strong
    return clause.tokens[0].fold if alone and clause.tokens[0].fold in flags else None
