"""Make what a program printed harmless to show: no terminal commands, nothing that hides."""

import re

# ECMA-48: control sequences, strings up to their terminator, and the short escapes. No part can
# hold the start of another, so that hostile output costs linear time.
_TERMINAL = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x80-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-Z\\^-~]"
)
_UNFINISHED = re.compile(
    r"(?:(?:\x1b\[|\x9b)[0-?]*[ -/]*"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x80-\x9f]*\x1b?"
    r"|\x1b[ -/]*|\r)\Z"
)
# Cc but tab and line feed; then what reorders or hides (CVE-2021-42574). The joiners of emoji
# and of Indic scripts (U+200C, U+200D) stay.
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e"
    r"\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    r"\U000e0000-\U000e0fff]"
)
_LONGEST_ESCAPE = 256
_CONTROL_PICTURES = 0x2400


def harmless(text: str) -> str:
    """Return `text` with terminal commands taken out and every hidden character made visible.

    Control characters become their picture (`␀`), others their code point (`<U+202E>`); a
    carriage return is a line break.
    """
    plain = _TERMINAL.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _HIDDEN.sub(_visible, plain)


def unfinished_escape(text: str) -> int:
    """Return how many characters at the end of `text` may be the start of a terminal command."""
    ending = text[-_LONGEST_ESCAPE:]
    found = _UNFINISHED.search(ending)
    return len(ending) - found.start() if found else 0


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < ord(" "):
        return chr(_CONTROL_PICTURES + code)
    return "␡" if code == 0x7F else f"<U+{code:04X}>"  # noqa: PLR2004 - DEL
