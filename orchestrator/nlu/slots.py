"""What a capability's parameters ask for, read from its JSON Schema once."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import cast

from jsonschema import Draft202012Validator
from pydantic import JsonValue

from orchestrator.domain.text import hidden_character
from orchestrator.nlu.shapes import SlotKind, kind_of_text
from orchestrator.nlu.text import stem, words

_GENERIC = frozenset(
    {
        "what",
        "who",
        "which",
        "where",
        "how",
        "why",
        "whether",
        "run",
        "do",
        "name",
        "id",
        "identifier",
        "value",
        "target",
        "key",
        "number",
        "list",
    }
)
_SAMPLES: dict[SlotKind, tuple[str, ...]] = {
    SlotKind.ADDRESS: ("192.0.2.1", "192.0.2.0/24", "2001:db8::1"),
    SlotKind.EMAIL: ("a@b.example",),
    SlotKind.URL: ("https://a.example/b", "http://a.example"),
    SlotKind.DATE: ("2026-01-31", "12:30", "2026-01-31T12:30:00Z"),
    SlotKind.VERSION: ("1.2.3", "v1.2.3"),
    SlotKind.DURATION: ("30m", "2h", "PT30M", "30 minutes"),
    SlotKind.SIZE: ("10G", "10GB", "10Gi"),
    SlotKind.DOMAIN: ("a.example.org",),
    SlotKind.PATH: ("/srv/a.txt", "a/b.txt"),
}
"""What values of a kind look like, to tell the kind from a schema's pattern."""
_KEPT = 256  # texts whose fit a parameter remembers
_TOPICS = frozenset({"task", "topic", "goal", "work", "idea", "spec", "feature", "subject"})
_HEAD_END_RE = re.compile(
    r"\s(?:to|that|which|for|in|on|of|whose|where|with|by|from|as|is|are|e\.g|such|when|if|into"
    r"|under|behind|or|and|at|before|after)\s|[,.;:(\u2013\u2014]"
)
_OF_RE = re.compile(
    r"^(?:the\s+)?(?:full |short |unique |exact )?(?:name|id|identifier|number|address|title|value"
    r"|label)s?\s+(?:of|for)\s+(?:the\s+|a\s+|an\s+)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class Slot:
    """One parameter."""

    name: str
    kind: SlotKind
    required: bool
    schema: Mapping[str, JsonValue]
    nouns: frozenset[str]  # stems by which people call it
    description: str
    enum: tuple[str, ...]
    many: bool  # takes a list
    validator: Draft202012Validator

    def accepts(self, value: JsonValue) -> bool:
        """Whether `value` fits the schema (an item's, for a list) and hides nothing.

        A name that starts with "-" could be read as an option (promise S16).
        """
        return self._fits(value) if isinstance(value, str) else self.validator.is_valid(value)

    @cached_property
    def _fits(self) -> Callable[[str], bool]:
        """Each text is asked about many times in one request."""
        return lru_cache(_KEPT)(self._is_fit)

    def _is_fit(self, value: str) -> bool:
        hides = hidden_character(value) or self._is_option(value)
        return not hides and self.validator.is_valid(value)

    def _is_option(self, value: str) -> bool:
        return value.startswith("-") and self.kind is not SlotKind.TEXT

    @property
    def is_integer(self) -> bool:
        """Whether only whole numbers fit."""
        return _type_of(self.schema) == "integer"

    @cached_property
    def has_own_pattern(self) -> bool:
        """Whether the schema's pattern tells this parameter's values from common words."""
        pattern = self.schema.get("pattern")
        return isinstance(pattern, str) and not self.validator.is_valid("zzzz")

    def noun(self) -> str:
        """Return the parameter in words, for questions."""
        return self.name.replace("_", " ")


def slots_of(schema: Mapping[str, JsonValue]) -> tuple[Slot, ...]:
    """Return the slots of a capability's parameter schema, required ones first."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return ()
    required = schema.get("required")
    needed = frozenset(map(str, required)) if isinstance(required, list) else frozenset[str]()
    slots = [
        _slot(name, cast("Mapping[str, JsonValue]", part), required=name in needed)
        for name, part in properties.items()
        if isinstance(part, dict)
    ]
    return tuple(sorted(slots, key=lambda slot: not slot.required))


def _slot(name: str, schema: Mapping[str, JsonValue], *, required: bool) -> Slot:
    many = _type_of(schema) == "array"
    items = schema.get("items")
    item = items if many and isinstance(items, dict) else schema
    described = schema.get("description")
    description = described if isinstance(described, str) else ""
    name_words = words(name)
    head = [*head_phrase(description), *_aside(description)]
    raw_enum = item.get("enum", [item["const"]] if "const" in item else [])
    enum = tuple(map(str, raw_enum)) if isinstance(raw_enum, list) else ()
    return Slot(
        name=name,
        kind=_kind(item, name_words, head, has_enum=bool(enum), described=description),
        required=required,
        schema=item,
        nouns=frozenset(_nouns(name_words, _telling(head_phrase(description))[-1:])),
        description=description,
        enum=enum,
        many=many,
        validator=Draft202012Validator(
            dict(item), format_checker=Draft202012Validator.FORMAT_CHECKER
        ),
    )


def _kind(
    schema: Mapping[str, JsonValue],
    name_words: list[str],
    head: list[str],
    *,
    has_enum: bool,
    described: str,
) -> SlotKind:
    if has_enum:
        return SlotKind.ENUM
    kind = _type_of(schema)
    if kind == "boolean":
        return SlotKind.FLAG
    if kind in {"integer", "number"}:
        return SlotKind.NUMBER
    text_format = schema.get("format")
    if "what" in head and set(name_words) & _TOPICS:
        return SlotKind.TEXT
    probed = _kind_by_pattern(schema)
    if probed is not None:
        return probed
    named = kind_of_text(
        name_words, head[::-1], text_format if isinstance(text_format, str) else ""
    )
    return _loosened(schema, named, described)


def _loosened(schema: Mapping[str, JsonValue], kind: SlotKind, described: str) -> SlotKind:
    """Return the kind of a parameter whose pattern takes plain names too.

    An "asset tag" is no version; "Name, IP or MAC address of the client" is what a host is.
    """
    if kind is SlotKind.TEXT:
        return SlotKind.NAME if _is_one_word(schema) else kind
    pattern = schema.get("pattern")
    if not isinstance(pattern, str) or kind not in _SAMPLES:
        return kind
    validator = Draft202012Validator({"pattern": pattern})
    if not validator.is_valid("zzzz"):
        return kind
    if not any(validator.is_valid(sample) for sample in _SAMPLES[kind]):
        return SlotKind.NAME
    called = kind is SlotKind.ADDRESS and words(described)[:1] in (["name"], ["hostname"])
    return SlotKind.HOST if called else kind


def _is_one_word(schema: Mapping[str, JsonValue]) -> bool:
    """Whether a pattern allows names and no text: the "subject" may be "order-service"."""
    pattern = schema.get("pattern")
    if not isinstance(pattern, str):
        return False
    validator = Draft202012Validator({"pattern": pattern})
    return validator.is_valid("web-1") and not validator.is_valid("two words")


def _kind_by_pattern(schema: Mapping[str, JsonValue]) -> SlotKind | None:
    """Return the kind whose usual values fit the schema's pattern, while plain names do not."""
    pattern = schema.get("pattern")
    if not isinstance(pattern, str):
        return None
    validator = Draft202012Validator({"pattern": pattern})
    if any(validator.is_valid(name) for name in ("zzzz", "web-1", "Web", "10", "web:8080")):
        return None
    for kind, samples in _SAMPLES.items():
        if any(validator.is_valid(sample) for sample in samples):
            return kind
    return None


def _type_of(schema: Mapping[str, JsonValue]) -> str:
    kind = schema.get("type", "string")
    if isinstance(kind, list):
        return next((str(one) for one in kind if one != "null"), "string")
    return str(kind)


def head_phrase(description: str) -> list[str]:
    """Return the folded head of a description; its last word is the noun.

    "Name of the running service to stop" gives running, service.
    """
    rest = _OF_RE.sub("", description.strip())
    return words(_HEAD_END_RE.split(f"{rest} ", maxsplit=1)[0])


def _aside(description: str) -> list[str]:
    """Return what a description says of the form of a value ("… (CIDR)")."""
    return [word for word in words(description) if word in {"cidr", "ipv4", "ipv6", "ip"}]


def _telling(head: list[str]) -> list[str]:
    """Return the head of a description without what says nothing at its end: "login name"."""
    while len(head) > 1 and head[-1] in _GENERIC:
        head = head[:-1]
    return head


def _nouns(name_words: list[str], head: list[str]) -> Iterator[str]:
    for word in [*name_words, *head]:
        if word and word not in _GENERIC and len(word) > 1:
            yield stem(word)
