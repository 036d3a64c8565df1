"""What stands before a colon and is no order: a heading of steps, a field of a form."""

from collections.abc import Sequence

from pydantic import JsonValue

from orchestrator.nlu.clauses import ORDERED, Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Kind
from orchestrator.nlu.thread import Thread

_FIELDS = frozenset(
    {"name", "host", "hostname", "port", "user", "username", "login", "email", "mail", "team"}
    | {"data", "value"}
    | {"department", "role", "system", "environment", "env", "version", "branch", "domain", "ip"}
    | {"address", "device", "node", "server", "duration", "level", "type", "ttl", "source"}
    | {
        "service",
        "app",
        "application",
        "protocol",
        "reason",
        "subject",
        "title",
        "grund",
        "repository",
        "repo",
        "target",
    }
    | {"benutzer", "rechner", "abteilung", "nom", "utilisateur", "nombre", "usuario"}
)
_TEXTUAL = frozenset({"name", "user", "username", "login", "email", "mail", "team", "department"})
_TEXTUAL |= frozenset({"role", "reason", "subject", "title", "benutzer", "abteilung", "grund"})
_FOLLOWING = frozenset({"following", "folgende", "folgendes", "suivant", "suivante", "siguiente"})
_LABEL_WORDS = 2
_VALUE_WORDS = 3


class Headings:
    """Knows the catalogue; one for each request."""

    def __init__(self, index: CatalogIndex, thread: Thread) -> None:
        self._index = index
        self._thread = thread
        self._fields: list[tuple[str, str]] = []  # label, value: no step was there to take it

    def _follows_colon(self, head: Clause, clause: Clause) -> bool:
        between = self._thread.text[head.piece.tokens[-1].end : clause.piece.tokens[0].start]
        return between.lstrip(" )\"'*_").startswith(":")

    def drop(self, head: Clause | None, clause: Clause) -> None:
        """Take back what "Set up movie night:" was read as, where orders follow the colon."""
        orders = clause.form in ORDERED and clause.verbs and not clause.negated
        if head is None or head.piece.asked or not orders or not self._follows_colon(head, clause):
            return
        opened = self._thread.sentence - int(clause.piece.strong)
        mine = [d for d in self._thread.drafts if d.sentence == opened and not d.earlier]
        row = any(draft.clause.piece.colon for draft in mine)  # "web1: drain, web2: reboot"
        titled = clause.piece.listed and not head.piece.listed and self._is_title(head)
        if row or (not titled and any(self._is_firm(draft) for draft in mine)):
            return
        self._thread.drafts = [draft for draft in self._thread.drafts if draft not in mine]
        self._thread.said = [m for m in self._thread.said if m.draft is None or m.draft not in mine]
        self._thread.announce(head.piece.tokens[0].start)

    @staticmethod
    def _is_title(head: Clause) -> bool:
        """Whether a list of orders is called so: "PostgreSQL upgrade:", "Do the following:"."""
        announced = any(token.fold in _FOLLOWING for token in head.tokens)
        return announced or head.form in {Form.THING, Form.TERSE}

    def _is_firm(self, draft: Draft) -> bool:
        """Whether a step names something: no word of its heading was only taken for a name."""
        tokens = draft.clause.tokens
        manner = self._index.lexicon.words("adjectives_of_manner")
        places = {p for found in draft.fill.values.values() for p in found.places}
        places -= draft.clause.verb_places
        return draft.clause.piece.listed or any(
            p < len(tokens)
            and (
                tokens[p].is_name_like
                or tokens[p].kind is not Kind.WORD
                or self._index.is_known(tokens[p])
            )
            and tokens[p].fold not in manner
            for p in places
        )

    def takes_field(self, label: Clause | None, clause: Clause) -> bool:
        """Take "Host: sftp-01" for a value of the step before, or of one that follows."""
        if label is None or not clause.piece.colon or not self._is_label(label):
            return False
        if label.tokens[-1].fold in _TEXTUAL and clause.form in ORDERED:
            return True  # "Reason: reboot web1" says why, in a form
        value = " ".join(token.value for token in clause.tokens)
        if clause.form is not Form.THING or len(clause.tokens) > _VALUE_WORDS:
            return False
        noun = label.tokens[-1].stem
        last = next(
            (d for d in reversed(self._thread.drafts) if d.clause.piece is not label.piece), None
        )
        if last is not None and last.earlier:
            last = None
        if not self._sets(last, noun, value):
            if last is not None and not label.piece.strong:
                return False
            self._fields.append((noun, value))
        self._thread.drafts = [d for d in self._thread.drafts if d.clause.piece is not label.piece]
        self._thread.pardon(label)
        return True

    @staticmethod
    def _is_label(label: Clause) -> bool:
        forms = {Form.THING} if len(label.tokens) > 1 else {Form.THING, Form.ORDER}
        bare = label.form in forms and 0 < len(label.tokens) <= _LABEL_WORDS
        return bare and label.tokens[-1].fold in _FIELDS and not label.piece.colon

    def _sets(self, draft: Draft | None, noun: str, value: str) -> bool:
        profile = draft.profile if draft is not None else None
        if draft is None or profile is None:
            return False
        found = _slot(profile.slots, noun, draft, value)
        if found is None:
            return False
        slot, typed = found
        draft.parameters[slot.name] = typed
        return True

    def fill_in(self, draft: Draft) -> None:
        """Give a step the fields that stood before it: "Name: John Smith … set up the account"."""
        for noun, value in self._fields:
            self._sets(draft, noun, value)


def _slot(
    slots: Sequence[Slot], noun: str, draft: Draft, value: str
) -> tuple[Slot, JsonValue] | None:
    """Return the parameter that a field is called like, still open, and the value typed for it."""
    named = [s for s in slots if noun in {*s.name.split("_")} or noun in s.nouns]
    for slot in sorted(named, key=lambda s: noun not in s.name):
        typed: list[JsonValue] = [value, value.lower()]
        typed += [int(value)] if value.isdigit() else []
        if slot.name not in draft.parameters:
            for one in typed:
                if slot.accepts(one):
                    return slot, one
    return None
