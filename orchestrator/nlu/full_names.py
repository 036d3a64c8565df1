"""Reads "Joe Hale", "Mirna G." as one name, "Joe Hale (login jhale)" as the login.

Only where the catalogue acts on people: elsewhere two words in capitals are a product.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from orchestrator.nlu.concepts import concept_model
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.prepositions import PERSONS
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Kind, Token, stem, words

_TITLED_RE = re.compile(r"[^\W\d_]'?(?:[^\W\d_]+-[^\W\d_])?[^\W\d_]+")
_LOGIN_RE = re.compile(r"[a-z0-9][a-z0-9._-]+", re.IGNORECASE)
_LABELS = frozenset({"username", "user", "login", "netid", "id", "account", "handle", "uid"})
_PERSON = "Joe Hale"
_PARTS = 3  # of a name
_ALIKE = 4  # letters that a login shares with a name


class FullNames:
    """Knows whether the catalogue acts on people; built once per catalogue."""

    def __init__(self, lexicon: Lexicon, slots: Iterable[Slot], known: Collection[str]) -> None:
        """Take the parameters, and the words that the catalogue uses."""
        people = [slot for slot in slots if is_person(slot)]
        self._has_logins = bool(people)
        self._has_names = any(slot.accepts(_PERSON) for slot in people)
        self._called = frozenset(known) | lexicon.noun_groups.keys() | lexicon.words("moments")
        self._called |= lexicon.words("stop") | lexicon.words("greetings")
        self._common = lexicon.all_words | self._called

    def join(self, tokens: Sequence[Token]) -> list[Token]:
        """Return the tokens, each full name as one."""
        if not self._has_logins:
            return [*tokens]
        joined: list[Token] = []
        place = 0
        while place < len(tokens):
            length = self._length(tokens, place)
            name = _together(tokens[place : place + length], "") if length > 1 else None
            behind = place + max(1, length)
            login = self._login(tokens, place, behind)
            if login:
                joined.append(
                    _together(tokens[place : behind + login], _value(tokens, behind, login))
                )
                place = behind + login
            elif name is not None and self._has_names:
                joined.append(name)
                place = behind
            else:
                joined.append(tokens[place])
                place += 1
        return joined

    def _length(self, tokens: Sequence[Token], place: int) -> int:
        """Return how many tokens the name at `place` has; 0 for none."""
        if not self._opens(tokens[place]):
            return 0
        end = place + 1
        while end < min(len(tokens), place + _PARTS) and _touches(tokens, end):
            initial = re.fullmatch(r"[A-Z]", tokens[end].text) is not None
            if not (initial or self._goes_on(tokens[end])):
                break
            end += 1
            if tokens[end - 1].text != tokens[end - 1].value:
                break  # "Tracy Huber's"
            if initial:
                end += tokens[end : end + 1] != [] and tokens[end].stem == "."
                break
        return end - place

    def _opens(self, token: Token) -> bool:
        """Whether a word may be somebody's first name: one that nobody knows."""
        new = token.fold not in self._common and token.stem not in concept_model().vocabulary
        return new and self._goes_on(token)

    def _goes_on(self, token: Token) -> bool:
        titled = token.kind is Kind.WORD and _TITLED_RE.fullmatch(token.value) is not None
        parts = token.value.replace("'", "-").split("-")
        titled = titled and all(part[:1].isupper() and part[1:].islower() for part in parts if part)
        owned = token.text.removesuffix("'s") == token.value
        return titled and owned and token.fold not in self._called

    def _login(self, tokens: Sequence[Token], place: int, behind: int) -> int:
        """Return how many tokens "(login jhale)" has behind a name; 0 for none."""
        held = tokens[behind : behind + 5]
        if not held or held[0].text != "(" or not _is_name(tokens[place]):
            return 0
        end = next((n for n, token in enumerate(held) if token.text == ")"), 0)
        inside = [token for token in held[1:end] if token.text != ":"]
        labelled = len(inside) == 2 and inside[0].fold in _LABELS  # noqa: PLR2004
        if not (labelled or len(inside) == 1) or not _LOGIN_RE.fullmatch(inside[-1].text):
            return 0
        name = "".join(token.fold for token in tokens[place:behind])
        return end + 1 if labelled or _is_like(inside[-1].fold, name) else 0


def is_full_name(token: Token) -> bool:
    """Whether a token is somebody's name, of several words."""
    return token.kind is Kind.WORD and " " in token.value and token.value[0].isalpha()


def _value(tokens: Sequence[Token], behind: int, length: int) -> str:
    """Return the login within the brackets that begin at `behind`."""
    return tokens[behind + length - 2].value


def is_person(slot: Slot) -> bool:
    """Whether a parameter takes somebody's name."""
    named = slot.nouns & PERSONS or PERSONS & {stem(word) for word in words(slot.name)}
    return bool(named) and slot.kind in {SlotKind.NAME, SlotKind.TEXT}


def _is_name(token: Token) -> bool:
    return token.kind is Kind.WORD and token.text.isalpha()


def _is_like(login: str, name: str) -> bool:
    """Whether a login is made of a name: "agharehgaz" of Avi Gharehgazlou, "m.rowe" of Meredith."""
    parts = [login[n : n + _ALIKE] for n in range(max(1, len(login) - _ALIKE + 1))]
    alike = any(len(part) == _ALIKE and part in name for part in parts)
    return alike or (login[:1] == name[:1] and login[1:2] == ".")


def _touches(tokens: Sequence[Token], place: int) -> bool:
    return tokens[place].start - tokens[place - 1].end == 1


def _together(tokens: Sequence[Token], value: str) -> Token:
    text = " ".join(token.text for token in tokens if token.text != ".")
    text = f"{text}." if tokens[-1].text == "." else text
    fold = " ".join(token.fold for token in tokens)
    value = value or text.removesuffix("'s")
    fold = value.casefold() if value != text else fold
    first = tokens[0]
    return replace(first, text=text, value=value, fold=fold, stem=fold, end=tokens[-1].end)
