"""What a word looks like: address, host, version, duration, path and so on."""

import re
from enum import StrEnum
from functools import lru_cache


class SlotKind(StrEnum):
    """What sort of value a parameter takes, told from its schema, name and description."""

    ENUM = "enum"
    FLAG = "flag"
    NUMBER = "number"
    HOST = "host"
    DOMAIN = "domain"
    ADDRESS = "address"
    URL = "url"
    EMAIL = "email"
    PATH = "path"
    VERSION = "version"
    DURATION = "duration"
    SIZE = "size"
    DATE = "date"
    TEXT = "text"
    NAME = "name"


_SHAPES: dict[SlotKind, re.Pattern[str]] = {
    SlotKind.ADDRESS: re.compile(
        r"\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?|(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?:/\d{1,3})?",
        re.IGNORECASE,
    ),
    SlotKind.EMAIL: re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    SlotKind.DOMAIN: re.compile(r"(?:[a-z0-9_-]+\.)+[a-z]{2,}", re.IGNORECASE),
    SlotKind.HOST: re.compile(
        r"[a-z][a-z-]*-?\d{1,4}|(?:[a-z0-9-]+\.)+[a-z]{2,}|\d{1,3}(?:\.\d{1,3}){3}", re.IGNORECASE
    ),
    SlotKind.PATH: re.compile(r"(?:~|\.{1,2})?/[\w.@%+/-]*|[\w-]+(?:/[\w.-]+)+|[\w-]+\.[a-z]{1,5}"),
    SlotKind.VERSION: re.compile(r"(?:v|release-)?\d+(?:\.\d+)*[\w.-]*", re.IGNORECASE),
    SlotKind.DURATION: re.compile(r"\d+(?:ms|s|sec|m|min|mins|h|hr|hrs|d|w)", re.IGNORECASE),
    SlotKind.SIZE: re.compile(r"\d+(?:\.\d+)?(?:[kmgt]i?b?)", re.IGNORECASE),
    SlotKind.DATE: re.compile(r"\d{4}-\d\d-\d\d(?:t[\d:.]+z?)?|\d{1,2}:\d\d", re.IGNORECASE),
    SlotKind.NUMBER: re.compile(r"-?\d+(?:[.,]\d+)?%?"),
}
_TELLING = frozenset("0/@.:")
_LETTERS_RE = re.compile(r"[^\W\d_]+")
_DOTTED_RE = re.compile(r"(?:\.[a0-]+)+$")
_DIGITS_RE = re.compile(r"\d+")
_NUMBERED_RE = re.compile(r"[a-z]+-?\d+")
_RELEASE_RE = re.compile(r"v\d+(?:\.\d+)*[\w.-]*|\d+(?:\.\d+)+[\w.-]*", re.IGNORECASE)
BRANCHES = frozenset({"main", "master", "develop", "dev", "next", "trunk", "stable"})
"""What branches of a repository are mostly called."""
SHAPED = frozenset(_SHAPES)
"""Kinds that a word shows by itself."""

_KIND_WORDS: tuple[tuple[SlotKind, frozenset[str]], ...] = (
    (SlotKind.URL, frozenset({"url", "uri", "endpoint", "link", "webhook"})),
    (SlotKind.EMAIL, frozenset({"email", "mail"})),
    (
        SlotKind.DATE,
        frozenset({"date", "time", "when", "schedule", "cron", "deadline", "timestamp"}),
    ),
    (SlotKind.ADDRESS, frozenset({"ip", "cidr", "subnet", "ipv4", "ipv6"})),
    (SlotKind.HOST, frozenset({"host", "hostname", "node", "server", "machine"})),
    (SlotKind.DOMAIN, frozenset({"domain", "fqdn", "zone", "subdomain"})),
    (SlotKind.PATH, frozenset({"path", "file", "folder", "directory", "dir", "filename"})),
    (SlotKind.VERSION, frozenset({"version", "tag", "release"})),
    (SlotKind.DURATION, frozenset({"duration", "timeout", "interval", "period"})),
    (SlotKind.SIZE, frozenset({"size", "capacity", "quota"})),
    (
        SlotKind.TEXT,
        frozenset(
            {
                "message",
                "text",
                "body",
                "comment",
                "note",
                "notes",
                "remark",
                "reason",
                "description",
                "topic",
                "question",
            }
            | {"summary", "headline", "details", "announcement"}
            | {"subject", "query", "prompt", "instructions", "content", "goal", "focus", "title"}
        ),
    ),
)
_FORMATS = {
    "uri": SlotKind.URL,
    "url": SlotKind.URL,
    "email": SlotKind.EMAIL,
    "hostname": SlotKind.HOST,
    "idn-hostname": SlotKind.HOST,
    "ipv4": SlotKind.ADDRESS,
    "ipv6": SlotKind.ADDRESS,
    "date": SlotKind.DATE,
    "date-time": SlotKind.DATE,
    "time": SlotKind.DATE,
    "duration": SlotKind.DURATION,
}


@lru_cache(maxsize=8_192)
def looks_like(kind: SlotKind, word: str) -> bool:
    """Whether `word` alone has the shape of `kind`."""
    shape = _SHAPES.get(kind)
    return shape is not None and shape.fullmatch(word) is not None


def is_numbered(value: object) -> bool:
    """Whether a value is called as machines are: "db1", "web-02"."""
    return isinstance(value, str) and _NUMBERED_RE.fullmatch(value) is not None


def looks(word: str) -> str:
    """Return the looks of a word that is none of a plain text's, else "": "tank/vms" is "a/a"."""
    seen = _LETTERS_RE.sub("a", _DIGITS_RE.sub("0", word.casefold()))
    seen = _DOTTED_RE.sub(".a", seen)  # of a domain it does not matter how deep it is
    return seen if _TELLING & {*seen} else ""


def stands_alone(word: str) -> bool:
    """Whether a word is a whole value by its looks: a domain, an address, "v1.2", "2.4.1"."""
    alone = (SlotKind.DOMAIN, SlotKind.ADDRESS, SlotKind.EMAIL)
    return _RELEASE_RE.fullmatch(word) is not None or any(looks_like(k, word) for k in alone)


def kind_of_text(name_words: list[str], noun: list[str], text_format: str) -> SlotKind:
    """Return the kind of a string parameter from its format, its name and its head phrase."""
    named = next(
        (
            kind
            for word in (*name_words[::-1], *noun)
            for kind, names in _KIND_WORDS
            if word in names
        ),
        SlotKind.NAME,
    )
    if text_format in _FORMATS and named is not SlotKind.DOMAIN:
        return _FORMATS[text_format]
    return named
