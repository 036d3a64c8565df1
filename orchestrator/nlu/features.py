"""What the concept model sees of a text: its words' stems, values by their sort, neighbours.

    "restart nginx on web1"  ->  ^ restart · restart · <name> · on · restart <name> · …

A word that the model never met is taken for a name. `scripts/learn_concepts.py` reads the phrases
it learns from in the same way.
"""

import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence

from orchestrator.nlu.shapes import SlotKind, looks_like
from orchestrator.nlu.text import Kind, Token

NAME = "<name>"
_NUMBER, _SIZE, _TIME, _FILE, _DOMAIN = "<number>", "<size>", "<time>", "<file>", "<domain>"
_SHAPES = (
    (SlotKind.EMAIL, "<email>"),
    (SlotKind.ADDRESS, "<ip>"),
    (SlotKind.SIZE, _SIZE),
    (SlotKind.DURATION, _TIME),
    (SlotKind.DATE, _TIME),
    (SlotKind.NUMBER, _NUMBER),
    (SlotKind.VERSION, "<version>"),
)
_EXTENSIONS = frozenset(
    {"pdf", "txt", "md", "csv", "json", "yaml", "yml", "odt", "docx", "doc", "xlsx", "pptx", "png"}
    | {"jpg", "jpeg", "sh", "py", "js", "ts", "tar", "gz", "zip", "sql", "log", "conf", "html"}
    | {"iso", "mp3", "mp4", "stl", "gcode"}
)
_STAGES = frozenset(
    {"prod", "production", "staging", "stage", "stg", "dev", "qa", "uat", "preprod", "prd"}
)
_UNITS = {
    **dict.fromkeys(("gb", "gib", "mb", "tb", "kb", "gig", "gigs", "go"), _SIZE),
    **dict.fromkeys(("second", "seconds", "minute", "minutes", "min", "mins"), _TIME),
    **dict.fromkeys(("hour", "hours", "day", "days", "week", "weeks"), _TIME),
    **dict.fromkeys(("minuten", "stunden", "tage", "heures", "jours", "horas", "minutos"), _TIME),
}
PLACEHOLDERS = {
    "domain": _DOMAIN,
    "ip": "<ip>",
    "version": "<version>",
    "n": _NUMBER,
    "port": _NUMBER,
    "size": _SIZE,
    "time": _TIME,
    "date": _TIME,
    "path": "<path>",
    "file": _FILE,
    "url": "<url>",
    "email": "<email>",
    "env": "<stage>",
    "text": "<text>",
    "lang": "<language>",
}
"""How phrases write values; every other one is a name."""
_INNER = frozenset("-_.:/@")
_MARK = " "


def symbols(
    tokens: Iterable[Token],
    vocabulary: Collection[str] | None = None,
    names: Collection[str] = (),
) -> list[str]:
    """Return the words' stems, each value replaced by its sort.

    Args:
        tokens: what is said.
        vocabulary: the stems that the model knows; all others are names. None: it learns them.
        names: folded words that are names here.
    """
    found: list[str] = []
    for token in tokens:
        symbol = _symbol(token)
        unit = _UNITS.get(token.fold)
        if not symbol and unit is not None and found and found[-1] == _NUMBER:
            found[-1] = unit  # "20 GB"
            continue
        if not symbol:
            unknown = vocabulary is not None and token.stem not in vocabulary
            symbol = NAME if unknown or token.fold in names else token.stem
        join(found, symbol)
    return found


def join(found: list[str], symbol: str) -> None:
    """Add a symbol; names in a row are one, marks say nothing."""
    if symbol != _MARK and not (symbol == NAME and found[-1:] == [NAME]):
        found.append(symbol)


def _symbol(token: Token) -> str:
    """Return the sort of a value, "" for a word."""
    if token.kind is not Kind.WORD:
        return {Kind.QUOTED: "<text>", Kind.URL: "<url>"}.get(token.kind, _MARK)
    shaped = (name for kind, name in _SHAPES if looks_like(kind, token.value))
    return next(shaped, "") or _loosely(token)


def _loosely(token: Token) -> str:
    """Return the sort of a value that its marks alone tell."""
    value = token.value
    if value[:1] in "/~":
        return "<path>"
    if looks_like(SlotKind.DOMAIN, value):
        return _FILE if value.casefold().rsplit(".", 1)[1] in _EXTENSIONS else _DOMAIN
    if token.fold in _STAGES:
        return "<stage>"
    marked = value[:1] in "#@" or any(c.isdigit() or c in _INNER for c in value[1:])
    return NAME if marked else ""


def known_only(said: Iterable[str], vocabulary: Collection[str]) -> list[str]:
    """Return symbols; those that are no part of the vocabulary are names."""
    found: list[str] = []
    for symbol in said:
        join(found, symbol if symbol in vocabulary else NAME)
    return found


def features(said: Sequence[str]) -> Iterator[str]:
    """Yield the features of symbols: each, how it begins, neighbours, neighbours but one."""
    if said:
        yield f"^ {said[0]}"
    yield from said
    yield from (f"{one} {two}" for one, two in itertools.pairwise(said))
    yield from (f"{one} _ {two}" for one, two in zip(said, said[2:], strict=False))
