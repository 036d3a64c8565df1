"""What prepositions say of a parameter: where something is, where it goes or comes from."""

from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import words

PLACE_WORDS = frozenset({"on", "at", "in", "auf", "sur", "en", "from", "von", "im", "bei", "to"})
PERSONS = frozenset(
    {"user", "usernam", "login", "person", "account", "member", "colleagu", "employe", "peopl"}
)
_BY_PREPOSITION: dict[str, frozenset[str]] = {
    "to": frozenset(
        {"to", "target", "destination", "dest", "new", "value", "recipient", "channel", "user"}
        | {"version", "tag", "address", "ip", "host", "node", "group", "state", "mode", "url"}
        | {"environ", "env", "environment", "stage"}
    ),
    "from": frozenset(
        {"from", "source", "src", "origin", "old", "backup", "group", "host"}
        | {"author", "sender", "creator", "base"}
    ),
    "by": frozenset({"by", "author", "sender", "creator", "owner", "user"}),
    "on": frozenset(
        {"on", "host", "node", "server", "machine", "device", "cluster", "channel"}
        | {"gateway", "router", "firewall", "printer"}
    ),
    "in": frozenset(
        {"in", "room", "area", "namespace", "location", "folder", "channel", "database", "host"}
        | {"cluster", "region", "zone", "group", "site", "project", "path", "environ", "env"}
        | {"repository", "repo", "repositori"}
        | {"environment", "stage"}
    ),
    "for": frozenset({"for", "domain", "user", "owner", "topic", "name", "duration", "host"}),
    "of": frozenset({"of", "name", "user", "domain", "path"}),
    "with": frozenset({"with", "role", "image", "version", "password", "profile"}),
    "as": frozenset({"as", "role", "name", "alias", "user", "label", "tag", "title"}),
    "into": frozenset(
        {"into", "target", "destination", "folder", "path", "host", "database", "base"}
    ),
    "at": frozenset({"at", "host", "url", "address", "time", "path"}),
    "via": frozenset({"via", "gateway", "interface"}),
    "against": frozenset({"against", "target", "host", "base"}),
}
_SAME_PREPOSITION = {
    "auf": "on", "sur": "on", "en": "on", "von": "from", "de": "of", "desde": "from", "fur": "for",
    "pour": "for", "para": "for", "im": "in", "nach": "to", "zu": "to", "dans": "in", "mit": "with",
    "durante": "for", "pendant": "for", "wahrend": "for", "contre": "against",
    "avec": "with", "con": "with", "onto": "on", "bei": "on", "aus": "from", "under": "in",
}  # fmt: skip


def is_called_by(slot: Slot, preposition: str) -> bool:
    """Whether an English preposition opens what `slot` is called: "to" a target, "at" a time."""
    return bool({*words(slot.name), *slot.nouns} & _BY_PREPOSITION.get(preposition, frozenset()))


def in_english(preposition: str) -> str:
    """Return the English preposition for one of another language, or as it is."""
    return _SAME_PREPOSITION.get(preposition, preposition)
