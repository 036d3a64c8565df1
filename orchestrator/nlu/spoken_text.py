"""Takes what follows a colon as the text of a step: "post to #ops: maintenance starts now"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.nlu.clauses import ORDERED, Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.fill import Filler
from orchestrator.nlu.guard import is_guarded
from orchestrator.nlu.match import Matcher
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Kind, fold, stem
from orchestrator.nlu.thread import Thread

_LABEL_RE = re.compile(r"\b(\w+)\s*:\s*$")
_LABELLED_RE = re.compile(r"(\w+)\s*:\s+")
_SENTENCE_RE = re.compile(r"(?<=[.!?])\s+")
_LABEL_WORDS = 2
_QUOTES = (('"', '"'), ("'", "'"), ("`", "`"))


@dataclass(frozen=True, slots=True)
class TextParameter:
    """A text parameter that is being read, clause by clause, to the end of its sentence."""

    draft: Draft
    slot: Slot
    first: Clause

    def extend(self, thread: Thread, clause: Clause) -> bool:
        """Set the text up to `clause`; False when the schema refuses it."""
        text = thread.between(self.first, clause)
        end = clause.piece.tokens[-1].end
        asked = clause.piece.asked and thread.text[end : end + 1] == "?"
        text = _unquoted(f"{text}?" if asked else text)
        if not self.slot.accepts(text):
            return False
        self.draft.parameters[self.slot.name] = text
        self.draft.words = thread.between(self.draft.clause, clause)
        return True


def _unquoted(text: str) -> str:
    """Return a text without the quotes around all of it."""
    for opening, closing in _QUOTES:
        inner = text[1:-1]
        if text[:1] == opening and text[-1:] == closing and not {opening, closing} & {*inner}:
            return inner
    return text


def text_behind(draft: Draft, clause: Clause, filler: Filler) -> TextParameter | None:
    """Return the text of `draft` that begins with `clause`, behind its colon; None without."""
    return _lacking(draft, clause) or _besides(draft, clause, filler)


def _lacking(draft: Draft, clause: Clause) -> TextParameter | None:
    """Return the required text that `draft` still lacks, to begin with `clause`; None without.

    What stands in quotes behind the colon is rather it than "a bug" before.
    """
    slots = draft.profile.slots if draft.profile is not None else ()
    quoted = [token.kind for token in clause.piece.tokens] == [Kind.QUOTED]
    for slot in slots:
        guessed = quoted and not _is_quoted(draft, slot)
        lacks = slot.name not in draft.parameters or guessed
        if slot.required and _is_free(draft, slot) and lacks:
            return TextParameter(draft, slot, clause)
    return None


def _is_free(draft: Draft, slot: Slot) -> bool:
    """Whether a parameter takes a text; where work is thought up, any words are one."""
    thought = draft.profile is not None and draft.profile.capability.reasoning
    return slot.kind is SlotKind.TEXT or (
        thought and slot.kind is SlotKind.NAME and slot.accepts("a, b: c")
    )


def _besides(draft: Draft, clause: Clause, filler: Filler) -> TextParameter | None:
    """Return the one text that a whole step may have besides: "page the web team: it is down"."""
    profile = draft.profile
    if profile is None or draft.missing() or clause.form not in {Form.STATEMENT, Form.THING}:
        return None
    free = [slot for slot in profile.slots if slot.name not in draft.parameters]
    texts = [slot for slot in free if slot.kind is SlotKind.TEXT]
    others = filler.fill(profile, clause).values.keys() - {slot.name for slot in texts}
    if len(texts) != 1 or (others and clause.form is Form.THING):
        return None
    return TextParameter(draft, texts[0], clause)


def ends_text(clause: Clause, matcher: Matcher) -> bool:
    """Whether an order ends a text behind a colon: "starts at five, get to spawn" does not."""
    ordered = clause.form in ORDERED
    if not ordered or clause.piece.lead != {","}:
        return ordered
    return any(candidate.is_askable for candidate in matcher.rank(clause))


def _is_quoted(draft: Draft, slot: Slot) -> bool:
    found = draft.fill.values.get(slot.name)
    tokens = draft.clause.tokens
    return found is not None and any(tokens[place].kind is Kind.QUOTED for place in found.places)


def take_pasted(draft: Draft, text: str, pasted: Sequence[tuple[int, str]]) -> None:
    """Give a step the pasted text right behind its colon: "open a ticket: login is broken"."""
    end = draft.clause.piece.tokens[-1].end
    for start, words in pasted:
        if start >= end and text[end:start].strip() == ":":
            wanted, said = _lacking(draft, draft.clause), _unquoted(words)
            if wanted is not None and wanted.slot.accepts(said):
                draft.parameters[wanted.slot.name] = said


_LINE_END_RE = re.compile(r"[.!?](?:\s|$)|\n")


def labelled_text(thread: Thread, label: Clause | None, clause: Clause) -> TextParameter | None:
    """Begin the text of "…, reason: swapping a disk"; None where the step before takes none."""
    bare = label is not None and 0 < len(label.piece.tokens) <= _LABEL_WORDS
    if label is None or not bare or not clause.piece.colon:
        return None
    end = clause.piece.tokens[-1].end
    if ":" in _LINE_END_RE.split(thread.text[end:], maxsplit=1)[0]:
        return None  # "title: slow, priority: high"
    before = [one for one in thread.drafts if one.clause.piece is not label.piece]
    slot = _called(before[-1], label.piece.tokens[-1].stem) if before else None
    if slot is None or before[-1].earlier:
        return None
    text = TextParameter(before[-1], slot, clause)
    if not text.extend(thread, clause):
        return None
    thread.drafts = before
    thread.pardon(label)
    return text


def take_noted(thread: Thread, pasted: Sequence[tuple[int, str]]) -> None:
    """Give the step before it the text of "close 12, note: it works"; no order is read in it.

    What stands behind its first sentence is told back.
    """
    for start, span in pasted:
        inside = _LABELLED_RE.match(span)  # on a line of its own
        label = inside or _LABEL_RE.search(thread.text, 0, start)
        words = span[inside.end() :] if inside else span
        before = [one for one in thread.drafts if one.clause.piece.tokens[-1].end <= start]
        if label is None or not before or "\n" in words or is_guarded(words):
            continue
        last = max(before, key=lambda one: one.clause.piece.tokens[-1].end)
        slot = _called(last, stem(fold(label[1])))
        said, *rest = _SENTENCE_RE.split(words, maxsplit=1)
        said = _unquoted(said.removesuffix("."))
        if slot is not None and slot.accepts(said):
            last.parameters[slot.name] = said
            thread.refused += [(start + 1, more) for more in rest]


def _called(draft: Draft, label: str) -> Slot | None:
    """Return the open text parameter of a step that is called so."""
    slots = draft.profile.slots if draft.profile is not None else ()
    texts = [one for one in slots if one.kind is SlotKind.TEXT]
    named = [one for one in texts if label in one.nouns and one.name not in draft.parameters]
    return named[0] if len(named) == 1 else None
