"""Keys: UUID version 7, in order of their making."""

import uuid

import pytest

from orchestrator.domain.ids import is_id, new_id


def test_a_new_id_is_a_uuid_of_version_7() -> None:
    made = uuid.UUID(new_id())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)


def test_ids_sort_by_when_they_were_made_and_never_repeat() -> None:
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(
    "text", ["019aa3f0-0000-7000-8000-000000000000", "019AA3F0-0000-7000-8000-00000000000F"]
)
def test_a_whole_uuid_is_an_id(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "#12",
        "019aa3f0",
        "019aa3f0000070008000000000000000",
        "{019aa3f0-0000-7000-8000-000000000000}",
        "urn:uuid:019aa3f0-0000-7000-8000-000000000000",
        " 019aa3f0-0000-7000-8000-000000000000",
        "019aa3f0-0000-7000-8000-00000000000g",
        "019aa3f0-0000-7000-8000-000000000000\n",
    ],
)
def test_anything_else_is_not(text: str) -> None:
    assert not is_id(text)
