"""Keys for REST: made here, shown once, kept as a hash."""

import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NoReturn

from orchestrator.domain.text import hidden_character, normalise
from orchestrator.domain.value import Value
from orchestrator.errors import ErrorCode, Refused

KEY_PREFIX = "chf_"  # so that people, and scanners of leaked secrets, see what it is
USE_NOTED_EVERY = timedelta(minutes=1)

_BYTES = 32
_LONGEST_KEY = 200
_NAME = re.compile(r"[\w][\w.@+-]{0,99}")
_TEAM = re.compile(r"[\w][\w.-]{0,63}")


class ApiKey(Value):
    """What is known of a key; the key itself is not."""

    name: str
    person: str
    team: str
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


def new_key(random: Callable[[int], str] = secrets.token_urlsafe) -> str:
    """Return a fresh key: 256 random bits behind a prefix."""
    return KEY_PREFIX + random(_BYTES)


def looks_like_key(text: str) -> bool:
    """Say whether `text` can be a key at all; nothing else is looked up."""
    return text.startswith(KEY_PREFIX) and len(text) <= _LONGEST_KEY


def hash_of(key: str) -> str:
    """Return what is stored instead of the key, and what it is found by (hex, 64 characters).

    One round of SHA-256 without salt is right here, as it is not for passwords: slow hashes
    and salts protect what can be guessed, and nobody guesses 256 random bits. It is fast
    enough for each call, and equal keys do not occur.
    """
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def checked_name(name: str) -> str:
    """Return a key's name.

    Raises:
        Refused: it is not usable.
    """
    return (
        name
        if _NAME.fullmatch(name)
        else _unusable("A key's name", "letters and digits, . _ @ + -")
    )


def checked_team(team: str) -> str:
    """Return a team's name.

    Raises:
        Refused: it is not usable.
    """
    return team if _TEAM.fullmatch(team) else _unusable("A team", "letters and digits, . _ -")


def checked_person(person: str) -> str:
    """Return a person's name as it is stored: NFC, trimmed.

    Raises:
        Refused: it is empty, too long, or holds what cannot be seen.
    """
    plain = normalise(person)
    if not 1 <= len(plain) <= 100 or hidden_character(plain) or len(plain.splitlines()) != 1:  # noqa: PLR2004 - as REST takes it
        _unusable("A person", "1 to 100 visible characters on one line")
    return plain


def _unusable(what: str, rule: str) -> NoReturn:
    raise Refused(ErrorCode.INVALID_REQUEST, f"{what} is not usable.", f"Use {rule}.")
