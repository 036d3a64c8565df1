"""Text for Slack: what others wrote made harmless, and made to fit.

Slack reads `&`, `<` and `>` in every text as its own: unescaped, `<!channel>` wakes everybody and
`<https://a|https://b>` lies. Characters that hide or reorder are written out, as everywhere.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache

from pydantic import JsonValue

from orchestrator.domain.text import visible

ELLIPSIS = "…"

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_USER_ID = re.compile(r"[UW][A-Z0-9]{3,}")
_MINUTE = 60


def measure(text: str) -> int:
    """Return the length as Slack may count it: in UTF-16 units, never less than characters."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


@lru_cache(maxsize=4096)
def _safe(character: str) -> str:
    return "".join(_ENTITIES.get(each, each) for each in visible(character))


@lru_cache(maxsize=4096)
def _literal(character: str) -> str:
    """Return a character of a JSON text so that it can neither hide nor end a code span."""
    if character == "`":
        return "\\u0060"
    if character not in "\n\t" and visible(character) != character:
        return json.dumps(character)[1:-1]
    return _ENTITIES.get(character, character)


def _units(text: str) -> Iterator[str]:
    """Yield the escaped form of each character: a text is only ever cut between two of them."""
    return map(_safe, text.replace("\r\n", "\n"))


def escaped(text: str) -> str:
    """Return `text` so that Slack shows it and does nothing else with it."""
    return "".join(_units(text))


def inline(text: str) -> str:
    """Return `text` escaped, on one line, and unable to open or close a code span."""
    return escaped(" ".join(text.split()).replace("`", "'"))


def cut(text: str, limit: int) -> str:
    """Return `inline(text)` in at most `limit` units; what is cut off is marked.

    Only for what is shown whole elsewhere, never for what is approved.
    """
    return _joined(_units(" ".join(text.split()).replace("`", "'")), limit)


def _joined(units: Iterable[str], limit: int) -> str:
    taken: list[str] = []
    used = 0
    for unit in units:
        used += measure(unit)
        taken.append(unit)
        if used > limit:
            break
    else:
        return "".join(taken)
    while taken and used > limit - 1:
        used -= measure(taken.pop())
    return "".join(taken) + ELLIPSIS


def _pieces(units: Iterable[str], limit: int) -> list[str]:
    """Return all of it, in pieces of at most `limit` units."""
    given = list(units)
    whole = "".join(given)
    if measure(whole) <= limit:
        return [whole]
    pieces: list[list[str]] = [[]]
    used = 0
    for unit in given:
        size = measure(unit)
        if used + size > limit and pieces[-1]:
            pieces.append([])
            used = 0
        pieces[-1].append(unit)
        used += size
    return ["".join(piece) for piece in pieces]


def wrapped(text: str, limit: int) -> list[str]:
    """Return all of `inline(text)`, in lines of at most `limit` units."""
    return _pieces(_units(" ".join(text.split()).replace("`", "'")), limit)


def quoted(text: str, limit: int) -> list[str]:
    """Return all of `text` as quoted lines (`>`) of at most `limit` units."""
    lines = text.replace("\r\n", "\n").split("\n")
    return [f">{piece}" for line in lines for piece in _pieces(map(_safe, line), limit - 1)]


def exact(value: JsonValue) -> str:
    """Return a value as JSON, escaped, on one line: `"80"` and `80` are not the same.

    Backticks and characters that hide are written as JSON escapes, so that what is read in a
    code span is what will run.
    """
    return "".join(map(_literal, _json(value)))


def parameter(name: str, value: JsonValue, limit: int) -> list[str]:
    """Return all of `name = value`, exactly, as code spans of at most `limit` units each."""
    units = map(_literal, f"{name} = {_json(value)}")
    return [f"`{piece}`" for piece in _pieces(units, limit - 2)]


def _json(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def code_block(text: str, limit: int) -> str:
    """Return the end of `text` as a code block of at most `limit` units.

    Backticks cannot break out: a zero-width space parts those that follow each other.
    """
    body = text.strip("\n").replace("\r\n", "\n").replace("\r", "\n")
    taken: list[str] = []
    used = len("```\n\n```")
    after = ""
    for character in reversed(body):
        unit = _safe(character) + ("\u200b" if character == after == "`" else "")
        used += measure(unit)
        if used > limit - 2:
            taken.append(f"{ELLIPSIS}\n")
            break
        taken.append(unit)
        after = character
    inner = "".join(reversed(taken))
    return f"```\n{inner}\n```"


def person(user: str | None) -> str:
    """Return a mention of a Slack user; the plain name of anybody else."""
    if not user:
        return "somebody"
    return f"<@{user}>" if _USER_ID.fullmatch(user) else inline(user)


def moment(at: datetime | None) -> str:
    """Return a time that each reader sees in their own zone; UTC where Slack cannot."""
    if at is None:
        return "an unknown time"
    fallback = at.strftime("%Y-%m-%d %H:%M %Z")
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{fallback}>"


def took(seconds: float | None) -> str:
    """Return a duration: `0.8 s`, `2 min 5 s`; nothing where there is none."""
    if seconds is None:
        return ""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{minutes} min {rest} s"


def counted(number: int, word: str) -> str:
    """Return `1 step`, `2 steps`."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def listed(words: Iterable[str], last: str = "and") -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    found = list(words)
    if len(found) <= 1:
        return "".join(found)
    return f"{', '.join(found[:-1])} {last} {found[-1]}"


def plan_name(number: int, revision: int = 1) -> str:
    """Return what people call a plan: `#12`, `#12 r3`."""
    return f"#{number}" if revision == 1 else f"#{number} r{revision}"
