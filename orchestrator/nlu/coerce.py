"""Turns a person's spelling of a value into forms that a schema may accept."""

import re
from collections.abc import Iterator
from datetime import date

from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import fold

_TIME_UNITS = {
    "second": "s", "seconds": "s", "sec": "s", "secs": "s", "s": "s",
    "minute": "m", "minutes": "m", "min": "m", "mins": "m", "m": "m", "minuten": "m",
    "hour": "h", "hours": "h", "hr": "h", "hrs": "h", "h": "h", "stunden": "h", "heures": "h",
    "horas": "h", "day": "d", "days": "d", "d": "d", "tage": "d", "jours": "d", "dias": "d",
    "week": "w", "weeks": "w", "w": "w",
}  # fmt: skip
_MONTHS = tuple(
    frozenset(names.split())
    for names in (
        "jan january januar janvier enero", "feb february februar fevrier febrero",
        "mar march marz mars marzo", "apr april avril abril", "may mai mayo",
        "jun june juni juin junio", "jul july juli juillet julio", "aug august aout agosto",
        "sep sept september septembre septiembre", "oct okt october oktober octobre octubre",
        "nov november novembre noviembre", "dec dez december dezember decembre diciembre",
    )
)  # fmt: skip
_WRITTEN_DATE_RE = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th|\s?\.)?(?:\s*(?:of|de)\s+|\s+|(?<=\.))([a-z]+|\d\d)(?:\s*(?:de)\s+|\s+|\.)(\d{4})"
)
_BYTES_RE = re.compile(r"(?:kilo|mega|giga|tera)(?:byt|bytes?|octets?)")
_INITIAL_RE = re.compile(r"[^\W\d_] [A-Z]\.$")
_SIZE_UNITS = frozenset({"kb", "mb", "gb", "tb", "gib", "mib", "g", "gig", "gigs", "gigabytes"})
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
"""Seconds per short unit of time."""


def time_unit(word: str) -> str:
    """Return s, m, h, d or w for a word that is a unit of time, else nothing."""
    return _TIME_UNITS.get(fold(word), "")


def iso_date(text: str) -> str:
    """Return a date that is written out as "2025-11-18", else nothing.

    "18 Nov 2025", "18th of November 2025", "18. November 2025" and "18.11.2025" are read.
    """
    match = _WRITTEN_DATE_RE.fullmatch(fold(text))
    if match is None:
        return ""
    month = int(match[2]) if match[2].isdigit() else _month(match[2])
    try:
        return date(int(match[3]), month, int(match[1])).isoformat()
    except ValueError:
        return ""


def _month(word: str) -> int:
    return next((n for n, names in enumerate(_MONTHS, start=1) if word in names), 0)


def name_forms(text: str, unit: str, kind: SlotKind) -> Iterator[str]:
    """Yield spellings of `text`, the person's own first.

    Args:
        text: the words as written.
        unit: the word behind a number ("hours", "GB"), if any.
        kind: what the slot asks for.
    """
    if kind is SlotKind.DATE and (written := iso_date(text)):
        yield from (text, written)
    if kind is SlotKind.DURATION:
        yield from _durations(text, unit)
    if kind is SlotKind.SIZE and unit in _SIZE_UNITS:
        yield from (f"{text}{unit.upper()}", f"{text}{unit[0].upper()}", f"{text} {unit}")
        yield from (f"{text}{unit[0].upper()}{end}" for end in ("B", "i", "iB"))
    if kind is SlotKind.SIZE:
        yield f"{text.upper()}B"  # "25G" where the schema wants 25GB
    if kind is SlotKind.TEXT:
        yield text
        return
    plain = text.rstrip(".,:;!?")
    if _INITIAL_RE.search(text):
        yield text  # "Mirna G."
    yield plain
    yield plain.lower()
    for mark in ("-", "_", ""):
        yield re.sub(r"\s+", mark, plain.lower())
    yield plain.lstrip("#@")
    if any(character.isdigit() for character in plain):
        yield plain.upper()  # "inc-482" for INC-482


def form_taken(slot: Slot, text: str, unit: str = "") -> str | None:
    """Return the first spelling of `text` that the schema of a parameter takes, if any."""
    return next((form for form in name_forms(text, unit, slot.kind) if slot.accepts(form)), None)


def _durations(text: str, unit: str) -> Iterator[str]:
    """Yield a duration as "2h", "2 hours", "PT2H", and in smaller units ("120m", "7200s")."""
    number, attached = split_number(fold(text)) or (0.0, "")
    short = time_unit(attached or unit)
    if not short or not number.is_integer():
        return
    count = int(number)
    yield f"{count}{short}"
    if unit:
        yield from (f"{count} {unit}", f"{count}{unit}")
    iso = f"{count}{short.upper()}"
    yield f"P{iso}" if short in {"d", "w"} else f"PT{iso}"
    seconds = count * SECONDS[short]
    smaller = [one for one in ("d", "h", "m", "s") if SECONDS[one] < SECONDS[short]]
    yield from (f"{seconds // SECONDS[one]}{one}" for one in smaller)


_ATTACHED_RE = re.compile(r"(-?\d+(?:[.,]\d+)?)\s*([a-z%]*)")
_SIZE_STEPS = {"k": 0, "m": 1, "g": 2, "t": 3, "p": 4}


def split_number(folded: str) -> tuple[float, str] | None:
    """Return number and attached unit of "300gb", "2h", "50%"; None for any other word."""
    match = _ATTACHED_RE.fullmatch(folded)
    if match is None:
        return None
    unit = match[2]
    if unit and unit != "%" and not (time_unit(unit) or size_unit(unit)):
        return None
    return float(match[1].replace(",", ".")), unit


def size_unit(word: str) -> str:
    """Return k, m, g or t for a word that is a unit of size, or its stem, else nothing."""
    return word[0] if word in _SIZE_UNITS | {"kib", "tib", "t"} or _BYTES_RE.fullmatch(word) else ""


def size_factor(said: str, own: str) -> float:
    """Return by what a size in unit `said` is multiplied to be in unit `own` (steps of 1000)."""
    return float(1000 ** (_SIZE_STEPS[said] - _SIZE_STEPS[own]))
