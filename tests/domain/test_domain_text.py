"""What text may come in: NFC, and nothing that hides or reorders."""

import unicodedata
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.text import (
    MAX_REQUEST_CHARACTERS,
    hidden_character,
    normalise,
    visible,
)

_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u034f"
_INVISIBLE_OPERATORS = "\u2061\u2062\u2063\u2064\u2065\u206a\u206b\u206c\u206d\u206e\u206f"
_FILLERS = "\u115f\u1160\u17b4\u17b5\u3164\uffa0"
_SEPARATORS = "\u2028\u2029"
_EMOJI_JOINERS = "\u200d\ufe0e\ufe0f"


def _range(first: int, last: int) -> str:
    return "".join(map(chr, range(first, last + 1)))


_HIDDEN: dict[str, str] = {
    "bidirectional controls": _BIDI,
    "zero width": _ZERO_WIDTH,
    "invisible operators": _INVISIBLE_OPERATORS,
    "fillers": _FILLERS,
    "separators": _SEPARATORS,
    "tag block": _range(0xE0000, 0xE007F),
    "variation selectors": _range(0xFE00, 0xFE0F),
    "variation selectors supplement": _range(0xE0100, 0xE01EF),
    "Mongolian variation selectors": "\u180b\u180c\u180d\u180f",
    "C0 controls": "".join(c for c in _range(0, 0x1F) if c not in "\n\r\t") + "\x7f",
    "C1 controls": _range(0x80, 0x9F),
    "musical controls": _range(0x1D173, 0x1D17A),
    "interlinear annotation": "\ufff9\ufffa\ufffb",
    "private use": "\ue000\uf8ff\U000f0000\U0010fffd",
    "surrogates": "\ud800\udfff",
}


@pytest.mark.parametrize("characters", _HIDDEN.values(), ids=_HIDDEN)
def test_every_hidden_character_is_found_wherever_it_stands(characters: str) -> None:
    missed = [
        f"U+{ord(character):04X}"
        for character in characters
        for text in (character, f"a{character}", f"{character}b", f"a{character}b")
        if hidden_character(text) is None
    ]
    assert missed == []


@pytest.mark.parametrize("characters", _HIDDEN.values(), ids=_HIDDEN)
def test_every_hidden_character_is_shown_as_its_code_point(characters: str) -> None:
    expected = "".join(f"<U+{ord(character):04X}>" for character in characters)
    assert visible(characters) == expected


def test_the_finding_names_the_character_and_its_place() -> None:
    expected = "U+202E RIGHT-TO-LEFT OVERRIDE at position 3"
    assert hidden_character("ab\u202ecd") == expected
    assert hidden_character("\x1b[2J") == "U+001B CONTROL CHARACTER at position 1"


def test_the_first_of_several_is_named() -> None:
    found = hidden_character("a\u200bb\u202e")
    assert found == "U+200B ZERO WIDTH SPACE at position 2"


def test_only_the_three_joiners_of_emoji_are_let_through_and_only_where_allowed() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f \u2660\ufe0e"
    assert hidden_character(family, allow_emoji_joiners=True) is None
    assert hidden_character(family) is not None
    others = [c for text in _HIDDEN.values() for c in text if c not in _EMOJI_JOINERS]
    let_through = [c for c in others if hidden_character(c, allow_emoji_joiners=True) is None]
    assert let_through == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Deploy Kuma",
        "line one\nline two\r\n\tthree",
        "Grüße an Zoë, naïve café",
        "Привет, 世界, こんにちは, 안녕, שלום, مرحبا, नमस्ते",
        "\U0001f680 rocket, \U0001f44d\U0001f3fd thumb",
        "\u00a0no-break space, \u2003em space",
    ],
)
def test_what_people_write_is_let_through_and_shown_as_it_is(text: str) -> None:
    assert hidden_character(text) is None
    assert visible(text.replace("\r", "")) == text.replace("\r", "")


def test_a_carriage_return_is_shown_since_it_overwrites_a_line() -> None:
    assert visible("safe\rrm") == "safe<U+000D>rm"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Deploy Kuma \n", "Deploy Kuma"),
        ("\u3000Kuma\u00a0", "Kuma"),
        ("cafe\u0301", "café"),
        ("\u212b", "Å"),
        ("\u1112\u1161\u11ab", "한"),
        ("   ", ""),
        ("ﬁle", "ﬁle"),
    ],
)
def test_text_is_brought_into_form_c_and_trimmed(text: str, expected: str) -> None:
    assert normalise(text) == expected


@given(st.text())
def test_bringing_into_form_twice_does_the_same_as_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)


@given(st.text())
def test_what_is_made_visible_hides_nothing(text: str) -> None:
    assert hidden_character(visible(text)) is None


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Zs"])))
def test_what_is_found_hidden_is_exactly_what_is_made_visible(text: str) -> None:
    assert (hidden_character(text) is None) == (visible(text) == text)


def test_a_request_has_at_most_9999_characters() -> None:
    assert MAX_REQUEST_CHARACTERS == 9_999


def test_a_normalised_text_still_shows_what_hid_in_it() -> None:
    """Form C neither removes nor composes away a hidden character, but Hangul fillers."""
    kept: Iterable[str] = (c for text in _HIDDEN.values() for c in text if c not in "\ud800\udfff")
    lost = [c for c in kept if normalise(f"a{c}b") != f"a{c}b"]
    assert lost == []
