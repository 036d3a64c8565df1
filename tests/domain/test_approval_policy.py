"""Who may decide: every condition of the one gate, each with a case that dies without it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.approval import Policy, highest, may_approve
from orchestrator.domain.views import Identity

ANA, BEN, EVE = (Identity(person=name) for name in ("ana", "ben", "eve"))
SLACK_ANA, SLACK_BEN, SLACK_EVE = (
    Identity(person=name, team="T1") for name in ("ana", "ben", "eve")
)

_ALLOWED = [
    pytest.param(ANA, ANA, "high", set(), Policy.LOCAL, id="local, nobody named: own high"),
    pytest.param(BEN, ANA, "none", set(), Policy.LOCAL, id="local, nobody named: another's"),
    pytest.param(ANA, ANA, "high", {"ana"}, Policy.ONLY_APPROVER, id="alone: own high"),
    pytest.param(ANA, ANA, "none", {"ana"}, Policy.ONLY_APPROVER, id="alone: own harmless"),
    pytest.param(ANA, BEN, "high", {"ana"}, Policy.ADMIN, id="alone: another's"),
    pytest.param(SLACK_ANA, SLACK_ANA, "medium", {"ana"}, Policy.ONLY_APPROVER, id="alone, Slack"),
    pytest.param(ANA, ANA, "none", {"ana", "ben"}, Policy.ADMIN, id="two: own harmless"),
    pytest.param(ANA, ANA, "low", {"ana", "ben"}, Policy.ADMIN, id="two: own low"),
    pytest.param(ANA, BEN, "medium", {"ana", "ben"}, Policy.ADMIN, id="two: another's medium"),
    pytest.param(SLACK_ANA, SLACK_BEN, "high", {"ana", "ben"}, Policy.ADMIN, id="two, Slack"),
    pytest.param(SLACK_ANA, ANA, "high", {"ana", "ben"}, Policy.ADMIN, id="other team's ana"),
    pytest.param(
        *(ANA.model_copy(update={"key": "laptop"}), ANA, "high", {"ana"}, Policy.ONLY_APPROVER),
        id="alone: own high, by a key",
    ),
]


@pytest.mark.parametrize(("approver", "requester", "risk", "admins", "policy"), _ALLOWED)
def test_who_may_approve(
    approver: Identity, requester: Identity, risk: str, admins: set[str], policy: Policy
) -> None:
    verdict = may_approve(approver, requester=requester, highest_risk=risk, admins=admins)
    assert (verdict.allowed, verdict.policy) == (True, policy)
    assert (verdict.reason, verdict.hint) == ("", "")


_REFUSED = [
    pytest.param(
        *(ANA.model_copy(update={"key": "laptop"}), BEN, "none", set()),
        "Nobody is named who may approve.",
        "Name who may in CHIFFON_ADMINS, joined by commas, and start Chiffon again. "
        "Your key acts as ana: CHIFFON_ADMINS=ana names you.",
        id="a key, nobody named",
    ),
    pytest.param(
        *(ANA.model_copy(update={"key": "laptop"}), ANA, "medium", {"ana", "ben"}),
        "A plan of medium risk needs somebody else's approval.",
        "Ask one of: ben.",
        id="two: own medium, by a key",
    ),
    pytest.param(
        *(SLACK_ANA, SLACK_ANA, "none", set()),
        "Nobody is named who may approve.",
        "Name who may in CHIFFON_ADMINS, joined by commas, and start Chiffon again.",
        id="Slack, nobody named",
    ),
    pytest.param(
        *(SLACK_EVE, SLACK_ANA, "none", {"ben", "ana"}),
        "eve may not approve plans.",
        "Ask one of: ana, ben.",
        id="Slack, not named",
    ),
    pytest.param(
        *(EVE, ANA, "none", {"ana"}),
        "eve may not approve plans.",
        "Ask one of: ana.",
        id="local, somebody else is named",
    ),
    pytest.param(
        *(EVE, EVE, "none", {"ana"}),
        "eve may not approve plans.",
        "Ask one of: ana.",
        id="not named: own harmless",
    ),
    pytest.param(
        *(ANA, ANA, "medium", {"cat", "ana", "ben"}),
        "A plan of medium risk needs somebody else's approval.",
        "Ask one of: ben, cat.",
        id="three: own medium",
    ),
    pytest.param(
        *(SLACK_ANA, SLACK_ANA, "high", {"ana", "ben"}),
        "A plan of high risk needs somebody else's approval.",
        "Ask one of: ben.",
        id="two: own high",
    ),
    pytest.param(
        *(Identity(person="ANA"), ANA, "none", {"ana"}),
        "ANA may not approve plans.",
        "Ask one of: ana.",
        id="capitals are another person",
    ),
    pytest.param(
        *(Identity(person="", team="T1"), ANA, "none", {"ana"}),
        " may not approve plans.",
        "Ask one of: ana.",
        id="nobody",
    ),
]


@pytest.mark.parametrize(("approver", "requester", "risk", "admins", "reason", "hint"), _REFUSED)
def test_who_may_not_and_what_to_do(
    approver: Identity, requester: Identity, risk: str, admins: set[str], reason: str, hint: str
) -> None:
    verdict = may_approve(approver, requester=requester, highest_risk=risk, admins=admins)
    assert (verdict.allowed, verdict.reason, verdict.hint) == (False, reason, hint)


def test_a_name_listed_twice_is_one_approver() -> None:
    verdict = may_approve(ANA, requester=ANA, highest_risk="high", admins=["ana", "ana"])
    assert (verdict.allowed, verdict.policy) == (True, Policy.ONLY_APPROVER)


_people = st.builds(
    Identity, person=st.sampled_from(["ana", "ben", "eve"]), team=st.sampled_from(["local", "T1"])
)


@given(
    approver=_people,
    requester=_people,
    risk=st.sampled_from(["none", "low", "medium", "high"]),
    admins=st.sets(st.sampled_from(["ana", "ben"])),
)
def test_the_gate_is_the_contracts_paragraph(
    approver: Identity, requester: Identity, risk: str, admins: set[str]
) -> None:
    """The whole table again, said the other way round: deny unless a sentence allows it."""
    token_holder = not admins and approver.team == "local"
    named = approver.person in admins
    looks_at_own = approver == requester and risk in ("medium", "high") and len(admins) > 1
    expected = token_holder or (named and not looks_at_own)
    verdict = may_approve(approver, requester=requester, highest_risk=risk, admins=admins)
    assert verdict.allowed == expected
    assert bool(verdict.reason and verdict.hint) == (not expected)


@pytest.mark.parametrize(
    ("risks", "expected"),
    [
        ([], "none"),
        (["none"], "none"),
        (["low", "none"], "low"),
        (["low", "high", "medium"], "high"),
        (["medium", "low"], "medium"),
    ],
)
def test_the_highest_risk_counts(risks: list[str], expected: str) -> None:
    assert highest(risks) == expected


def test_an_unknown_risk_is_no_risk_to_guess_at() -> None:
    with pytest.raises(ValueError, match="tuple"):
        highest(["low", "unheard_of"])
