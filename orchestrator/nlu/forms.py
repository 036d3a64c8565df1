"""Reads a form, as tickets have: "Label: value" in lines, or headings with a value below each.

"[Account request], Name: ruben, Service: gitea, Role: user": its title says what is asked for, its
fields the values. No field is ever read as an order.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from orchestrator.nlu.allowed import Allowed
from orchestrator.nlu.clauses import Clause
from orchestrator.nlu.coerce import form_taken
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.match import Matcher
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.references import doubt_missing
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Kind, normalise, stem, tokenise, words
from orchestrator.nlu.understanding import Understanding
from orchestrator.nlu.whole import joined

_LINE_RE = re.compile(
    r"^[ ]*(?:[-*][ ]+)?\**(?P<label>[^\W\d_][\w/() -]{0,30}?)\**[ ]?:\**[ ]+(?P<value>\S.*?)[ ]*$",
    re.MULTILINE,
)
_HEADING_RE = re.compile(
    r"^#{1,5}[ ]+(?P<label>[^\n]{2,40}?)[ ]*:?\n+(?P<value>(?!#)\S[^\n]*)$", re.MULTILINE
)
_TURNS = frozenset({"system", "assistant", "developer", "human", "ai", "bot", "root", "me", "you"})
_ASKS = frozenset({"request", "action", "task", "wish", "todo", "anfrage", "demande", "solicitud"})
"""Labels before what is asked for."""
_TITLES = frozenset({"request", "application", "form", "anfrage", "antrag", "demande", "solicitud"})
_OPEN = frozenset({"name", "email", "mail", "reason", "comment", "bio", "note", "grund", "ign"})
"""Labels of a form, whatever the catalogue calls its parameters."""
_FIELDS = 3  # lines that make a form
_KNOWN = 2  # of them, by their labels
_LABEL_WORDS = 4
_MEANT = 0.15
"""The chance that makes a step: its fields speak for it as well."""


@dataclass(frozen=True, slots=True)
class FilledForm:
    """A text without its fields, each of which is blank, and the fields: label and value."""

    rest: str
    fields: tuple[tuple[str, str], ...]
    asks: bool  # a field says what is asked for


class Forms:
    """Knows how the catalogue's parameters are called; built once per catalogue."""

    def __init__(self, index: CatalogIndex, matcher: Matcher) -> None:
        self._index = index
        self._matcher = matcher
        self._allowed = Allowed(index)
        slots = [slot for profile in index.profiles for slot in profile.slots]
        self._labels = frozenset().union(*map(_names, slots)) | frozenset(map(stem, _OPEN))

    def read(self, text: str) -> FilledForm | None:
        """Return the form in a normalised text, if it holds one."""
        found = [*_HEADING_RE.finditer(text)]
        found = found if len(found) >= _FIELDS else [*_LINE_RE.finditer(text)]
        labels = [words(match["label"]) for match in found]
        if len(found) < _FIELDS or any(_TURNS & {*label} for label in labels):
            return None
        lasting = all(0 < len(label) <= _LABEL_WORDS for label in labels)
        known = sum(stem(label[-1]) in self._labels for label in labels if label)
        distinct = len({*map(tuple, labels)}) == len(labels)
        if not (lasting and distinct and known >= _KNOWN):
            return None
        rest = text
        for match, label in zip(found, labels, strict=True):
            begin = match.start("value") if label[-1] in _ASKS else match.end()
            rest = rest[: match.start()] + _blank(rest[match.start() : begin]) + rest[begin:]
        fields = [(match["label"], match["value"]) for match in found]
        asks = any(label[-1] in _ASKS for label in labels)
        return FilledForm(rest, tuple(fields), asks)

    def complete(
        self, form: FilledForm, clauses: Sequence[Clause], found: Understanding
    ) -> Understanding:
        """Return what was understood, or what the title asks for, with the values of the form."""
        if not found.drafts and not found.deferred:
            draft = self._titled(form, clauses)
            found = Understanding([draft]) if draft is not None else found
        for draft in found.drafts:
            for name, value in self._values(form, draft):
                draft.parameters[name] = value
            draft.doubts = [one for one in draft.doubts if one.parameter not in draft.parameters]
            doubt_missing(draft, unclear=False)
        return found

    def _titled(self, form: FilledForm, clauses: Sequence[Clause]) -> Draft | None:
        """Return the step that "[Account request]" asks for; what ends something takes a verb.

        Title and labels together tell which one, and a field that is called like a parameter.
        """
        tokens = [token for clause in clauses for token in clause.piece.tokens]
        asks = any(token.fold in _TITLES for token in tokens) or form.asks
        pasted = any(token.kind is Kind.GUARDED for token in tokens)
        if not (asks and tokens) or pasted or any(clause.negated for clause in clauses):
            return None
        labels = normalise(" ".join(label for label, _ in form.fields))
        text = [*tokens, *self._index.speller.read([*tokenise(labels)])]
        clause, said = joined(tokens, self._index), form.rest[tokens[0].start : tokens[-1].end]
        drafts = [
            Draft(clause, said, profile, 0, 0, {}, chance)
            for profile in self._index.profiles
            if (chance := self._matcher.meaning.chance(profile, text)) >= _MEANT
            and not profile.reads
            and self._allowed.may_end(profile, clauses)
        ]
        fitting = [draft for draft in drafts if any(True for _ in self._values(form, draft))]
        return max(fitting, key=lambda draft: draft.confidence, default=None)

    def _values(self, form: FilledForm, draft: Draft) -> Iterator[tuple[str, JsonValue]]:
        """Yield what the fields give to the parameters of a step."""
        profile = draft.profile
        if profile is None:
            return
        taken: set[str] = set()
        lacking = [slot for slot in profile.slots if slot.name not in draft.parameters]
        for slot in lacking:
            for label, text in form.fields:
                value = _value(slot, text) if _is_called(profile, slot, label) else None
                if value is not None and label not in taken:
                    taken.add(label)
                    yield slot.name, value
                    break
        needed = [s for s in lacking if s.required and s.name not in draft.parameters]
        for slot in needed if len(needed) == 1 else ():
            free = [text for label, text in form.fields if label not in taken and " " not in text]
            left = {value for text in free if (value := _value(slot, text)) is not None}
            if len(left) == 1:
                yield slot.name, left.pop()


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _names(slot: Slot) -> frozenset[str]:
    """Return the stems by which a parameter may be called."""
    return slot.nouns | {stem(word) for word in words(slot.name)}


def _is_called(profile: Profile, slot: Slot, label: str) -> bool:
    """Whether a field is called like a parameter; "Name" is what the capability acts on."""
    said = {stem(word) for word in words(label)}
    if said == {"name"}:
        return slot is profile.main_slot or "name" in words(slot.name)
    mails = slot.kind is SlotKind.EMAIL and bool(said & {"email", "mail"})
    return mails or bool(said & _names(slot))


def _value(slot: Slot, text: str) -> JsonValue:
    """Return a field's text as the parameter takes it; None where it does not."""
    text = text.strip().strip("`\"'")
    if slot.kind is SlotKind.NUMBER:
        whole = text.isdigit() and slot.accepts(int(text))
        return int(text) if whole else None
    if slot.enum:
        return next((one for one in slot.enum if one.casefold() == text.casefold()), None)
    return form_taken(slot, text) if slot.accepts(text) or " " not in text else None
