"""Keys: unguessable, recognisable, kept as a hash; names that can be read."""

import pytest

from orchestrator.domain.keys import (
    KEY_PREFIX,
    checked_name,
    checked_person,
    checked_team,
    hash_of,
    looks_like_key,
    new_key,
)
from orchestrator.errors import Refused


def test_a_key_is_long_random_and_recognisable() -> None:
    made = {new_key() for _ in range(100)}
    assert len(made) == 100
    assert all(key.startswith(KEY_PREFIX) and len(key) >= 43 + len(KEY_PREFIX) for key in made)
    assert all(looks_like_key(key) for key in made)


@pytest.mark.parametrize("text", ["", "chf", "token", "CHF_x", "chf_" + "x" * 200])
def test_what_cannot_be_a_key_is_not_looked_up(text: str) -> None:
    assert not looks_like_key(text)


def test_the_hash_says_nothing_of_the_key() -> None:
    key = new_key()
    assert hash_of(key) == hash_of(key) != hash_of(key + "x")
    assert len(hash_of(key)) == 64
    assert key not in hash_of(key)
    assert hash_of("chf_\udcff")  # bytes of a header that are no text


@pytest.mark.parametrize("name", ["", "a b", "-x", "x" * 101, "a\nb", "a\u202eb", "a/b"])
def test_names_that_cannot_be_typed_are_refused(name: str) -> None:
    with pytest.raises(Refused, match="key's name"):
        checked_name(name)


@pytest.mark.parametrize("person", ["", "  ", "x" * 101, "a\nb", "a\u202eb", "a\x00b"])
def test_persons_that_cannot_be_seen_are_refused(person: str) -> None:
    with pytest.raises(Refused, match="person"):
        checked_person(person)


@pytest.mark.parametrize("team", ["", "a b", "x" * 65, "t\u200b"])
def test_teams_that_cannot_be_typed_are_refused(team: str) -> None:
    with pytest.raises(Refused, match="team"):
        checked_team(team)


def test_usable_ones_are_taken() -> None:
    assert checked_name("ci.deploy@box-2") == "ci.deploy@box-2"
    assert checked_person(" Zoe\u0308 K. ") == "Zo\u00eb K."
    assert checked_team("T012345") == "T012345"
