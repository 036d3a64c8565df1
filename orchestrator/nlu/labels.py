"""What stands before a colon: who speaks ("omar: reboot node1"), or a thing ("node1: drain")."""

import re

from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.references import References
from orchestrator.nlu.text import Token

_LABEL_WORDS = 3
_DOINGS = ("ing", "tion", "ment", "ness", "ance")
_SPEAKING = frozenset(
    {"bot", "user", "admin", "agent", "assistant", "system", "root", "operator", "ops", "human"}
    | {"ai", "dev", "support", "guest", "anon", "player", "member", "speaker", "person"}
)
"""In the name of whoever speaks: "user1: reboot" is a line of a chat."""


class Labels:
    """Knows the catalogue's words; one for each request."""

    def __init__(self, index: CatalogIndex, references: References) -> None:
        self._index = index
        self._references = references

    def is_speaker(self, head: Clause | None, clause: Clause) -> bool:
        """Whether `head` before a colon names who speaks, not what is to be done."""
        if head is None or head.form is not Form.THING or head.piece.colon:
            return False
        words = [token for token in head.tokens if is_content(token, self._index.lexicon)]
        known = [token for token in words if self._index.is_known(token)]  # "nginx: restart it"
        others = [token for token in words if token not in known]
        if not 0 < len(words) <= _LABEL_WORDS or any(map(self._index.is_said, others)):
            return False
        if len(words) > 1 and not all(token.text[:1].isupper() for token in words):
            return False  # people have names: "Offboard darren please: delete his account"
        if any(token.fold.endswith(_DOINGS) for token in others):
            return False  # "offboarding: remove the account"
        if len(words) == 1 and _is_numbered(words[0]) and self.is_bare(clause):
            return False  # "node1: drain"
        topic = clause.form is Form.THING or self._references.has_pronoun(clause)
        return not (known and topic)

    def is_bare(self, clause: Clause) -> bool:
        """Whether an order names nothing: what it acts on stands elsewhere."""
        rest = (t for place, t in enumerate(clause.tokens) if place not in clause.verb_places)
        return bool(clause.verbs) and not any(is_content(t, self._index.lexicon) for t in rest)

    def was_label(self, label: Clause | None, clause: Clause, last: Draft | None) -> bool:
        """Whether "web2" in "web1: reboot, web2: drain" was no further target of that step."""
        if last is None or label is None or not clause.piece.colon or not self.is_bare(clause):
            return False
        return label.form is Form.THING and last.clause.piece is label.piece


def _is_numbered(token: Token) -> bool:
    """Whether a name is one of a row of things ("node1"), not a person's or a bot's."""
    parts = re.findall(r"[a-z]+", token.fold)
    return token.fold[-1:].isdigit() and bool(parts) and not _SPEAKING & {*parts}
