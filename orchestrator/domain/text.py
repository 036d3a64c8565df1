"""What text may come in: Unicode normal form C, no characters that hide or reorder."""

import re
import unicodedata
from collections.abc import Mapping

MAX_REQUEST_CHARACTERS = 9_999

_PLAIN_CONTROLS = frozenset("\n\r\t")
_EMOJI_JOINERS = frozenset("\u200d\ufe0e\ufe0f")  # harmless in a sentence, never in a parameter
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_UNSEEN = (  # Default_Ignorable_Code_Point (DerivedCoreProperties.txt) outside those categories
    ("\u034f", "\u034f"),  # combining grapheme joiner
    ("\u115f", "\u1160"),  # Hangul fillers
    ("\u17b4", "\u17b5"),  # Khmer inherent vowels
    ("\u180b", "\u180f"),  # Mongolian variation selectors
    ("\u2065", "\u2065"),
    ("\u3164", "\u3164"),  # Hangul filler
    ("\ufe00", "\ufe0f"),  # variation selectors
    ("\uffa0", "\uffa0"),  # halfwidth Hangul filler
    ("\ufff0", "\ufff8"),
    ("\U000e0000", "\U000e0fff"),  # tags, more variation selectors
)


def normalise(text: str) -> str:
    """Return `text` in NFC without surrounding white space."""
    return unicodedata.normalize("NFC", text).strip()


def hidden_character(text: str, *, allow_emoji_joiners: bool = False) -> str | None:
    """Return the name of the first invisible, reordering or control character, if any.

    Those are the categories Cc (but line breaks and tabs), Cf, Cs, Co, Zl and Zp of Unicode
    and what else it lets a font leave unshown (fillers, tags, variation selectors): what
    CVE-2021-42574 and prompt smuggling live on.
    """
    if text.isascii() and text.isprintable():
        return None
    for position, character in enumerate(text, start=1):
        if character in _PLAIN_CONTROLS or (allow_emoji_joiners and character in _EMOJI_JOINERS):
            continue
        if _is_hidden(character):
            name = unicodedata.name(character, "CONTROL CHARACTER")
            return f"U+{ord(character):04X} {name} at position {position}"
    return None


def visible(text: str) -> str:
    """Return `text` with each hidden character, but line breaks and tabs, written as `<U+XXXX>`.

    For showing what others wrote: nothing in it can then move the cursor, change colours or
    reorder what a person reads.
    """
    if text.isascii() and text.isprintable():  # nearly always, and every line of a log asks
        return text
    return "".join(
        f"<U+{ord(character):04X}>"
        if character not in "\n\t" and _is_hidden(character)
        else character
        for character in text
    )


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN_CATEGORIES or any(
        first <= character <= last for first, last in _UNSEEN
    )


def with_names(text: str, names: Mapping[str, str]) -> str:
    """Return the text with people's names in the place of their ids, as whole words."""
    if not names:
        return text
    ids = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b")
    return ids.sub(lambda found: names[found[0]], text)
