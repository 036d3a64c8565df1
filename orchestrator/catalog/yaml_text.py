"""Reads one YAML file into plain JSON values and remembers the line of every key.

YAML is read as its 1.2 core schema reads it: `on`, `yes` and dates are text. Anchors, aliases,
tags, duplicate keys and second documents are refused, sizes are bounded: no bomb gets through
(promise S21), and what is read is what stands there.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, TypeAlias

import yaml
from pydantic import JsonValue

from orchestrator.domain.text import hidden_character
from orchestrator.errors import CatalogError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 20_000

YamlPath: TypeAlias = tuple[str | int, ...]
"""Keys and positions from the top of the document down to a value."""

SAFE_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where the wheel brings it: many times faster than the Python scanner."""

_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
)
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+|0[xo][0-9a-fA-F]+")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_LARGEST_INTEGER = 2**53  # beyond it RFC 8785 has no form, so nothing could be hashed


class YamlDocument:
    """The value of one file, and where each part of it stands."""

    def __init__(self, file: Path, value: JsonValue, lines: dict[YamlPath, int]) -> None:
        self.file = file
        self.value = value
        self._lines = lines

    def line(self, path: YamlPath) -> int:
        """Return the line of `path` or of the nearest key above it, from 1."""
        while path not in self._lines and path:
            path = path[:-1]
        return self._lines.get(path, 1)

    def place(self, path: YamlPath = ()) -> str:
        """Return `file:line` of `path`."""
        return f"{self.file}:{self.line(path)}"


def read_yaml(file: Path) -> YamlDocument:
    """Read `file`.

    Raises:
        CatalogError: it cannot be read, is empty, or holds what the catalogue does not allow.
    """
    return _Composer(file, _read_text(file)).document()


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as fault:
        reason = f"{file}: cannot be read ({fault.strerror}); correct its path or permissions"
        raise CatalogError(reason) from fault
    if len(content) > MAX_BYTES:
        raise CatalogError(f"{file}:1: is larger than 1 MiB; split it into several files")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        raise CatalogError(f"{file}:{line}: is not UTF-8; save it in that encoding") from fault
    if found := _UNREADABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise CatalogError(f"{file}:{line}: holds the control character {found[0]!r}; delete it")
    return text


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


class _Composer:
    """Builds the value from parser events, so that no bomb is unfolded before it is seen."""

    def __init__(self, file: Path, text: str) -> None:
        self._file = file
        self._lines: dict[YamlPath, int] = {}
        self._nodes = 0
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=SAFE_LOADER)

    def document(self) -> YamlDocument:
        try:
            return YamlDocument(self._file, self._only_document(), self._lines)
        except yaml.MarkedYAMLError as fault:
            mark = fault.problem_mark or fault.context_mark
            line = mark.line + 1 if mark else 1
            reason = f"is not valid YAML ({fault.problem or fault.context}); correct the line"
            raise CatalogError(f"{self._file}:{line}: {reason}") from fault
        except yaml.YAMLError as fault:
            raise CatalogError(f"{self._file}:1: is not valid YAML ({fault})") from fault

    def _only_document(self) -> JsonValue:
        event = self._next()
        while isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
            event = self._next()
        value = None if isinstance(event, yaml.StreamEndEvent) else self._value(event, ())
        if value is None:
            reason = "is empty; write `version: 1` and `capabilities:`, or delete the file"
            raise CatalogError(f"{self._file}:1: {reason}")
        self._next()  # the document's end
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            self._refuse(event, "starts a second document; put it into a file of its own")
        return value

    def _next(self) -> yaml.Event:
        return next(self._events)

    def _refuse(self, event: yaml.Event, reason: str) -> NoReturn:
        raise CatalogError(f"{self._file}:{_line(event)}: {reason}")

    def _value(self, event: yaml.Event, path: YamlPath) -> JsonValue:
        self._check_plain(event, path)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(event)

    def _check_plain(self, event: yaml.Event, path: YamlPath) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._refuse(event, f"holds over {MAX_NODES} values; split it into several files")
        if len(path) > MAX_DEPTH:
            self._refuse(event, f"nests deeper than {MAX_DEPTH} levels; make it flatter")
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, "uses an alias (*); write the value out")
        if getattr(event, "anchor", None) is not None:
            self._refuse(event, "sets an anchor (&); write the value out where it is needed")
        if getattr(event, "tag", None) is not None:
            self._refuse(event, "uses a tag (!); write a plain value, in quotes if it is text")

    def _mapping(self, path: YamlPath) -> JsonValue:
        found: dict[str, JsonValue] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            self._check_plain(event, path)
            if not isinstance(event, yaml.ScalarEvent):
                self._refuse(event, "uses a list or a mapping as a key; a key is one word")
            key = self._text(event)
            here = (*path, key)
            if key in found:
                first = self._lines[here]
                self._refuse(event, f"repeats the key `{key}` of line {first}; delete one")
            self._lines[here] = _line(event)
            found[key] = self._value(self._next(), here)
        return found

    def _sequence(self, path: YamlPath) -> JsonValue:
        found: list[JsonValue] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            here = (*path, len(found))
            self._lines[here] = _line(event)
            found.append(self._value(event, here))
        return found

    def _text(self, event: yaml.ScalarEvent) -> str:
        text = str(event.value)
        # Nearly all text is plain ASCII; the careful look at each character takes its time.
        if text.isascii() and not _UNREADABLE.search(text):
            return text
        if hidden := hidden_character(text, allow_emoji_joiners=True):
            self._refuse(event, f"holds the hidden character {hidden}; delete it")
        return text

    def _scalar(self, event: yaml.Event) -> JsonValue:
        if not isinstance(event, yaml.ScalarEvent):
            self._refuse(event, "holds something that is neither text, list nor mapping")
        text = self._text(event)
        if not event.implicit[0]:  # quoted or a block: text as it stands
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _LEADING_ZERO.fullmatch(text) or _NO_NUMBER.fullmatch(text):
            self._refuse(event, f"holds `{text}`, read differently by many; put it in quotes")
        return self._number(event, text)

    def _number(self, event: yaml.ScalarEvent, text: str) -> JsonValue:
        if _INTEGER.fullmatch(text):
            # Counted first: converting thousands of digits is slow, or refused by Python.
            if len(text) > len(str(_LARGEST_INTEGER)) or abs(int(text)) > _LARGEST_INTEGER:
                self._refuse(event, f"holds the integer {text[:20]}, too large; put it in quotes")
            return int(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if abs(number) == float("inf"):
                self._refuse(event, f"holds the number {text[:20]}, too large; put it in quotes")
            return number
        return text
