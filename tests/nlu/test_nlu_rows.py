"""More names behind "then", and particles that an adverb follows."""

import pytest

from tests.nlu.found import Read, only, steps


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("reboot web1 then web2", ["web1", "web2"]),
        ("reboot web1 then db1 then web2", ["web1", "db1", "web2"]),
        ("redémarre la machine web1 puis web2", ["web1", "web2"]),
    ],
)
def test_then_joins_one_more_name(text: str, hosts: list[str], hosting: Read) -> None:
    found = only(hosting(text))
    assert [parameters.get("host") for _, parameters in found] == hosts


def test_a_word_of_the_catalogue_is_one_and_a_number_is_none(hosting: Read) -> None:
    found = steps(hosting("restart nginx on web1 then redis"))
    assert [parameters["service"] for _, parameters in found] == ["nginx", "redis"]
    assert len(steps(hosting("scale shop to 3 then 5"))) == 1


@pytest.mark.parametrize("rest", ["coffee", "relax", "home", "party", "quickly", "please"])
def test_no_other_word_is_one(rest: str, hosting: Read) -> None:
    assert steps(hosting(f"reboot web1 then {rest}")) == [("reboot_host", {"host": "web1"})]


def test_an_adverb_ends_what_a_particle_belongs_to(hosting: Read) -> None:
    assert steps(hosting("take nginx down gracefully"))[0][0] == "stop_service"
