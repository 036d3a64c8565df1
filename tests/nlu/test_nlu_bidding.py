"""Orders whose verb says nothing of what is to be done: what they are about does."""

from collections.abc import Callable

import pytest

from tests.nlu.found import Read, Steps, only, steps


@pytest.mark.parametrize(
    ("catalogue", "text", "expected"),
    [
        (
            "studio",
            "sendgrid-api-key is in a public repo, treat it as burnt and swap it for a new one",
            [("rotate_secret", {"secret": "sendgrid-api-key"})],
        ),
        (
            "network",
            "51007 is sorted, you can wrap up that ticket",
            [("close_ticket", {"ticket": 51007})],
        ),
    ],
)
def test_what_is_meant_is_what_it_is_about(
    catalogue: str, text: str, expected: Steps, over: Callable[[str], Read]
) -> None:
    assert only(over(catalogue)(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "throw a party",
        "swap it",
        "hand me the keys of the car",
        "lay the table for six",
        "hang the picture in the hall",
        "wrap the present for anna",
        "we might swap the key sendgrid-api-key for a new one",
        "never swap the key sendgrid-api-key for a new one",
        "somebody should swap the key sendgrid-api-key one day",
        "the rotation of sendgrid-api-key is planned, wrap it up",
        "rotation of sendgrid-api-key is due, postpone it",
        "postpone the reboot of build3",
    ],
)
def test_a_verb_that_bids_is_no_step_of_its_own(text: str, over: Callable[[str], Read]) -> None:
    assert steps(over("studio")(text)) == []


def test_a_common_word_is_not_what_is_acted_on(over: Callable[[str], Read]) -> None:
    found = steps(over("logistics")("Let's throw more resource at it"))
    assert all("resource" not in parameters.values() for _, parameters in found)


@pytest.mark.parametrize(
    ("catalogue", "text"),
    [
        ("hosting", "the certificate of example.com is fine, seal it"),
        ("web", "the deploy of storefront to production is green, wrap it up"),
        ("hosting", "append tom to the list of accounts to delete"),
        ("hosting", "exempt tom from the account deletion"),
    ],
)
def test_a_whole_request_means_nothing_risky_by_it(
    catalogue: str, text: str, over: Callable[[str], Read]
) -> None:
    assert steps(over(catalogue)(text)) == []
