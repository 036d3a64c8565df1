"""Text as the engine sees it: same length as the person's, folded for comparison, in tokens.

Every position in the normalised text is the same position in the original, so that a step can
always say which of the person's words led to it.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

import snowballstemmer  # type: ignore[import-untyped]  # ships no types

_STEMMER = snowballstemmer.stemmer("english")
_LOOKALIKES = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201a": "'",
        "\u201b": "'",
        "\u2032": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u201f": '"',
        "\u00ab": '"',
        "\u00bb": '"',
        "\u2039": '"',
        "\u203a": '"',
        "\u300c": '"',
        "\u300d": '"',
        "\u300e": '"',
        "\u300f": '"',
        "\u300a": '"',
        "\u300b": '"',
        "\u02ee": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u00a0": " ",
        "\u202f": " ",
        "\t": " ",
        "\r": "\n",
    }
)
_CONTRACTED = frozenset(
    {"what", "it", "let", "that", "how", "where", "who", "there", "he", "she", "when", "here"}
)
_WORD_RE = re.compile(
    r"(?P<arrow>-+>|=+>|\u2192|\u279c|\u27a1|\u21d2)"
    r"|(?P<root>(?:(?<=\bis )|(?<=\bon )|(?<=\bof ))/(?=\s|$))"
    r"|(?P<path>(?<![\w])(?:~|\.{1,2})?/[\w.@%+-]+(?:/[\w.@%+-]*)*(?<!\.))"
    r"|(?P<number>(?<![\w.-])-\d+(?:[.,]\d+)?%?)"
    r"|(?P<word>(?:[#@]|(?<!\S)\*\.)?\w+(?:[.:/@+'_-]+\w+)*%?)"
    r"|(?P<line>\n+)"
    r"|(?P<mark>[^\w\s])"
)
_EMOJI_RE = re.compile(r"(?<![\w:]):(?=[a-z+-])[a-z0-9_+-]{2,40}:(?![\w:/])")
"""An emoji as Slack writes it: ":sweat_smile:"."""
_SLASH_RE = re.compile(
    r"^/(?!(?:bin|boot|data|dev|etc|home|lib|media|mnt|opt|proc|root|run|sbin|srv|sys|tmp|usr|var"
    r"|backups?)\b)(?=[a-z][a-z-]*(?:\s|$))"
)
_ELIDED_RE = re.compile(r"([dl])'(\w[\w.@-]{2,})", re.IGNORECASE)
"""French: "d'espace", "l'hote"."""
_COMPOUND_RE = re.compile(r"([a-z0-9_.]+)-([A-Z][a-z\u00e4\u00f6\u00fc\u00df]{2,})")
"""German: "nginx-Log", "postfix-Dienst"."""
_TIMED_RE = re.compile(r"(\d+)-((?:sec(?:ond)?|min(?:ute)?|hour|hr|day|week)s?)", re.IGNORECASE)
"""English: "a 2-hour silence"."""
_HOST_PORT_RE = re.compile(
    r"((?:[\w-]+\.)+[\w-]+|localhost):(\d{1,5})|([A-Za-z][\w-]*):(\d{4,5})"
    r"|(\d{1,5})/(tcp|udp)"
    r"|([A-Za-z][\w-]*)@(v\d+(?:\.\d+)*|\d+(?:\.\d+){2,}|[A-Za-z]+-\d+(?:\.\d+)+)",
    re.IGNORECASE,
)


class Kind(StrEnum):
    """What a token is."""

    WORD = "word"
    MARK = "mark"  # punctuation, arrows
    LINE = "line"  # one line break or more
    QUOTED = "quoted"  # what stood in quotes or backticks; may be a value, never an intent
    URL = "url"
    GUARDED = "guarded"  # an injected span; never looked into


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of the text with its place; `value` is what a parameter would take."""

    text: str
    start: int
    end: int
    kind: Kind = Kind.WORD
    fold: str = ""
    stem: str = ""
    value: str = field(default="")

    @property
    def is_name_like(self) -> bool:
        """Whether it looks like a name rather than a word: digits, inner marks, capitals."""
        return _is_name_like(self.value)


@lru_cache(maxsize=8_192)
def _is_name_like(value: str) -> bool:
    inner = value[1:]
    return any(c.isdigit() or c in "-_.:/@" for c in value) or inner != inner.lower()


def normalise(text: str) -> str:
    """Return `text` in NFC with typographic marks and wide forms made plain, length kept."""
    plain = "".join(map(_plain, unicodedata.normalize("NFC", text))).translate(_LOOKALIKES)
    plain = _EMOJI_RE.sub(lambda match: " " * len(match.group()), plain)
    return _SLASH_RE.sub(" ", plain)  # "/restart nginx" is the order "restart nginx"


def _plain(character: str) -> str:
    if character.isascii():
        return character
    compatible = unicodedata.normalize("NFKC", character)
    return compatible if len(compatible) == 1 else character


@lru_cache(maxsize=8_192)
def fold(word: str) -> str:
    """Return `word` in lower case without accents, apostrophes and possessive s."""
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    if plain.endswith("'s") and plain[:-2] not in _CONTRACTED:
        plain = plain[:-2]
    return plain.replace("'", "").replace("\u2019", "")


_IRREGULAR = {"taken": "take"}
"""Participles that no ending tells: "once you have taken a backup"."""


@lru_cache(maxsize=8_192)
def stem(folded: str) -> str:
    """Return the English stem of a folded word; words with marks or digits stay as they are."""
    folded = _IRREGULAR.get(folded, folded)
    return str(_STEMMER.stemWord(folded)) if folded.isalpha() else folded


def word_token(text: str, start: int) -> Token:
    """Return the token of one word."""
    folded = fold(text)
    value = text[:-2] if text.casefold().endswith("'s") else text
    return Token(text, start, start + len(text), Kind.WORD, folded, stem(folded), value)


def _parts(word: str) -> re.Match[str] | None:
    """Return the two words that one holds: host and port, a compound, an elided article."""
    patterns = (_HOST_PORT_RE, _COMPOUND_RE, _ELIDED_RE, _TIMED_RE)
    return next((m for pattern in patterns if (m := pattern.fullmatch(word))), None)


def tokenise(text: str, start: int = 0, end: int | None = None) -> Iterator[Token]:
    """Yield the tokens of `text[start:end]`, positions counted in the whole text."""
    for match in _WORD_RE.finditer(text, start, len(text) if end is None else end):
        found = match.group()
        parts = _parts(found) if match.lastgroup == "word" else None
        if parts is not None:
            for number in range(1, len(parts.groups()) + 1):
                if parts[number]:
                    yield word_token(parts[number], parts.start(number) + match.start())
        elif match.lastgroup in {"word", "number", "path", "root"}:
            yield word_token(found, match.start())
        else:
            kind = Kind.LINE if match.lastgroup == "line" else Kind.MARK
            mark = "->" if match.lastgroup == "arrow" else found
            yield Token(found, match.start(), match.end(), kind, mark, mark, found)


def words(text: str) -> list[str]:
    """Return the folded words of `text`, names split at their inner marks."""
    return [*_words(text)]


@lru_cache(maxsize=8_192)
def _words(text: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[^\w]+|_", fold(text)) if part)


def stems(text: str) -> list[str]:
    """Return the stems of the words of `text`."""
    return [stem(word) for word in words(text)]
