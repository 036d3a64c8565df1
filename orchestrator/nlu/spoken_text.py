"""Takes what follows a colon as the text of a step: "post to #ops: maintenance starts now"."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.fill import Filler
from orchestrator.nlu.match import Matcher
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Kind
from orchestrator.nlu.thread import Thread

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
    ordered = clause.form in {Form.ORDER, Form.TERSE}
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
