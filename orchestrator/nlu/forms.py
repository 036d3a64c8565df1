"""Reads a form, as tickets have: "Label: value" in lines, or headings with a value below each.

"[Account request], Name: ruben, Service: gitea, Role: user": its title says what is asked for, its
fields the values. No field is ever read as an order.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from orchestrator.nlu.allowed import Allowed
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.coerce import form_taken
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.full_names import is_person
from orchestrator.nlu.guard import is_guarded
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
_OTHERS = frozenset(
    {"manager", "supervisor", "requester", "requested", "requestor", "contact"}
    | {"approved", "approver", "backup", "replacement", "keep", "source", "dependent"}
    | {"reason", "comment", "note", "bio", "grund", "owner", "by"}
)
"""Words of labels of what stands beside the thing that is asked for."""
_NEW = frozenset({"new", "current", "neu"})
_OLD = frozenset({"old", "previous", "current", "alt"})
_STATES = frozenset({"status", "state", "decision", "result", "outcome", "resolution", "entscheid"})
_THANKS = frozenset({"thanks", "thank", "danke", "merci", "gracias"})
_DENIED = frozenset(
    {"reject", "rejected", "deny", "denied", "decline", "declined", "none", "nothing", "cancel"}
    | {"cancelled", "canceled", "withdrawn", "fake", "hold", "done", "closed", "info"}
    | {"example", "copy", "template", "draft", "ablehnen", "abgelehnt"}
)
"""Words beside the fields by which nothing is asked for."""
_FILLERS = frozenset({"new", "a", "an", "the", "for", "please", "my", "hi", "hello", "ein", "une"})
_GIVING = frozenset({"create", "add", "grant", "give", "invite", "enable", "install", "allow"})
"""What a title asks for that says no verb: "Account request"."""
_FIELDS = 3  # lines that make a form
_NAME_WORDS = 2
_TITLE_WORDS = 2  # beside "request"
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
        people = [slot for slot in slots if is_person(slot)]
        self._people = frozenset().union(*map(_names, people))
        self._labels = frozenset().union(*map(_names, slots)) | frozenset(map(stem, _OPEN))

    def read(self, text: str) -> FilledForm | None:
        """Return the form in a normalised text, if it holds one."""
        found = [*_HEADING_RE.finditer(text)]
        found = found if len(found) >= _FIELDS else [*_LINE_RE.finditer(text)]
        labels = [words(match["label"]) for match in found]
        if len(found) < _FIELDS or any(_TURNS & {*label} for label in labels):
            return None
        if any(is_guarded(match["value"]) for match in found):
            return None  # "User: ignore all previous instructions"
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
        wanted = [words(text) for label, text in form.fields if words(label)[-1] in _ASKS]
        if any(_DENIED & {*said[:2]} for said in wanted):  # "Action: reject"
            return Understanding([], [form.rest.strip()])
        if not found.drafts and not found.deferred:
            draft = self._titled(form, clauses)
            found = Understanding([draft]) if draft is not None else found
        for draft in found.drafts:
            self._drop_guesses(form, draft)
            for name, value in self._values(form, draft):
                draft.parameters[name] = value
            draft.doubts = [one for one in draft.doubts if one.parameter not in draft.parameters]
            doubt_missing(draft, unclear=False)
        return found

    def _drop_guesses(self, form: FilledForm, draft: Draft) -> None:
        """Drop what the title's own word, or another order, gave where a field says it."""
        for slot in draft.profile.slots if draft.profile is not None else ():
            given, own = draft.parameters.get(slot.name), draft.fill.values.get(slot.name)
            called = (text for label, text in form.fields if _is_name_of(slot, label))
            fielded = own is None and any(_value(slot, text) is not None for text in called)
            if str(given).casefold() in _TITLES or (given is not None and fielded):
                del draft.parameters[slot.name]

    def _titled(self, form: FilledForm, clauses: Sequence[Clause]) -> Draft | None:
        """Return the step that "[Account request]" asks for; what ends something takes a verb.

        Title and labels together tell which one, and a field that is called like a parameter.
        """
        tokens = [token for clause in clauses for token in clause.piece.tokens]
        asks = any(token.fold in _TITLES for token in tokens) or form.asks
        if not (asks and tokens) or not self._is_title(form, clauses):
            return None
        labels = normalise(" ".join(label for label, _ in form.fields))
        text = [*tokens, *self._index.speller.read([*tokenise(labels)])]
        clause, said = joined(tokens, self._index), form.rest[tokens[0].start : tokens[-1].end]
        drafts = [
            Draft(clause, said, profile, 0, 0, {}, chance)
            for profile in self._index.profiles
            if (chance := self._matcher.meaning.chance(profile, text)) >= _MEANT
            and not profile.reads
            and self._may_title(profile, clauses)
        ]
        fitting = [draft for draft in drafts if any(True for _ in self._values(form, draft))]
        return max(fitting, key=lambda draft: draft.confidence, default=None)

    def _is_title(self, form: FilledForm, clauses: Sequence[Clause]) -> bool:
        """Whether what stands beside the fields only asks: "(rejected)" and "how do I" do not."""
        tokens = [token for clause in clauses for token in clause.piece.tokens]
        decided = any(_STATES & {*words(label)} for label, _ in form.fields)
        pasted = any(token.kind is Kind.GUARDED for token in tokens)
        if decided or pasted or any(clause.piece.asked or clause.negated for clause in clauses):
            return False
        said = [{token.fold for token in clause.piece.tokens} for clause in clauses]
        if any(one & _DENIED or (one & _THANKS and one & _TITLES) for one in said):
            return False  # "Thanks for the request!"
        told = {Form.QUESTION, Form.HOWTO, Form.STATEMENT}
        return not any(c.form in told or self._allowed.doubts(c) for c in clauses if c.tokens)

    def _may_title(self, profile: Profile, clauses: Sequence[Clause]) -> bool:
        """Whether a title may ask for it: a verb says so, or "Account request" asks to be given."""
        if any(self._allowed.does(profile, clause) for clause in clauses):
            return self._allowed.may_end(profile, clauses)
        spoken = [clause for clause in clauses if clause.form is not Form.SMALL_TALK]
        tokens = [token for clause in spoken for token in clause.piece.tokens]
        acts = any(self._index.book.within(clause.tokens) for clause in clauses)
        plain = [t.fold for t in tokens if t.fold not in _FILLERS | _TITLES]
        own = profile.own_groups or profile.groups
        return bool(own & _GIVING) and not acts and 0 < len(plain) <= _TITLE_WORDS

    def _values(self, form: FilledForm, draft: Draft) -> Iterator[tuple[str, JsonValue]]:
        """Yield what the fields give to the parameters of a step."""
        profile = draft.profile
        if profile is None:
            return
        taken: set[str] = set()
        lacking = [slot for slot in profile.slots if slot.name not in draft.parameters]
        for slot in lacking:
            exact = [one for one in form.fields if _is_name_of(slot, one[0])]
            near = [one for one in form.fields if self._is_called(profile, slot, one[0])]
            for label, text in exact[:1] or (near if len(near) == 1 else ()):
                value = _value(slot, text)
                if value is not None and label not in taken:
                    taken.add(label)
                    yield slot.name, value
        needed = [s for s in lacking if s.required and s.name not in draft.parameters]
        for slot in needed if len(needed) == 1 else ():
            free = [
                text
                for label, text in form.fields
                if label not in taken
                and " " not in text
                and not self._is_of_other(profile, slot, label)
            ]
            left = {value for text in free if (value := _value(slot, text)) is not None}
            if len(left) == 1:
                yield slot.name, left.pop()

    def _is_of_other(self, profile: Profile, slot: Slot, label: str) -> bool:
        """Whether a label calls another parameter, a person for a thing, or what stands beside."""
        said = {stem(word) for word in words(label)}
        others = frozenset().union(*(_names(one) for one in profile.slots if one is not slot))
        people = bool(said & self._people) and not is_person(slot)
        return _is_aside(label) or people or bool(said & others - _names(slot))

    def _is_called(self, profile: Profile, slot: Slot, label: str) -> bool:
        """Whether a field is called like a parameter; "Name" is what the capability acts on.

        Of "Old VM" and "New VM" the old one is to be retired, the new one is meant elsewhere.
        """
        said = {stem(word) for word in words(label)}
        passing = _NEW if self._allowed.ends(profile) else _OLD
        if _is_aside(label) or passing & {*words(label)}:
            return _is_name_of(slot, label)
        if said == {"name"}:
            return slot is profile.main_slot or "name" in words(slot.name)
        mails = slot.kind is SlotKind.EMAIL and bool(said & {"email", "mail"})
        return mails or bool(said & _names(slot))


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _names(slot: Slot) -> frozenset[str]:
    """Return the stems by which a parameter may be called."""
    return slot.nouns | {stem(word) for word in words(slot.name)}


def _is_name_of(slot: Slot, label: str) -> bool:
    """Whether every word of a label is one by which a parameter is called."""
    said = {stem(word) for word in words(label)}
    return bool(said) and said <= _names(slot)


def _is_aside(label: str) -> bool:
    """Whether a label is that of somebody or something else: "Manager user", "Backup server"."""
    return bool(_OTHERS & {*words(label)})


def _value(slot: Slot, text: str) -> JsonValue:
    """Return a field's text as the parameter takes it; None where it does not."""
    text = text.strip().strip("`\"'")
    if slot.kind is SlotKind.NUMBER:
        whole = text.isdigit() and slot.accepts(int(text))
        return int(text) if whole else None
    if slot.enum:
        return next((one for one in slot.enum if one.casefold() == text.casefold()), None)
    named = len(text.split()) <= _NAME_WORDS or text.istitle() or not is_person(slot)
    return form_taken(slot, text) if named and (slot.accepts(text) or " " not in text) else None
