"""Who may decide about a plan: one pure function, asked inside the deciding transaction."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.domain.value import Value
from orchestrator.domain.views import Identity

LOCAL_TEAM = "local"


class Decision(Value):
    """What a person said about a plan."""

    approved: bool = True
    notes: str | None = None
    digest: str | None = None  # of the plan they were shown, where the door knows it
    source_key: str | None = None  # the click's own key: the same click again changes nothing


class Policy(StrEnum):
    """The rule under which a person was let decide; kept with the approval."""

    LOCAL = "local"  # no Slack: whoever holds the local token is the one approver
    ADMIN = "admin"  # named in CHIFFON_ADMINS
    ONLY_APPROVER = "only_approver"  # the one named approver: nobody else looked


class Verdict(Value):
    """Whether a person may decide, and the sentence that says why not."""

    allowed: bool
    policy: Policy = Policy.LOCAL
    reason: str = ""
    hint: str = ""


def may_approve(
    approver: Identity,
    *,
    requester: Identity,
    highest_risk: str,
    admins: Collection[str],
) -> Verdict:
    """Say whether `approver` may approve a plan that `requester` asked for.

    Unknown is no, and a key alone makes nobody an approver: only the local token does. With two
    approvers or more, nobody approves their own plan of medium or high risk; a single approver
    may, and the card says that nobody else looked.
    """
    if approver.team == LOCAL_TEAM and approver.key is None and not admins:
        return Verdict(allowed=True, policy=Policy.LOCAL)
    if not admins:
        return Verdict(
            allowed=False,
            reason="Nobody is named who may approve.",
            hint=_how_to_name(approver),
        )
    if approver.person not in admins:
        return Verdict(
            allowed=False,
            reason=f"{approver.person} may not approve plans.",
            hint=f"Ask one of: {', '.join(sorted(admins))}.",
        )
    alone = len(set(admins)) == 1
    own = approver.is_same_person(requester)
    if own and not alone and highest_risk in {"medium", "high"}:
        return Verdict(
            allowed=False,
            reason=f"A plan of {highest_risk} risk needs somebody else's approval.",
            hint=f"Ask one of: {', '.join(sorted(set(admins) - {approver.person}))}.",
        )
    return Verdict(allowed=True, policy=Policy.ONLY_APPROVER if alone and own else Policy.ADMIN)


def _how_to_name(approver: Identity) -> str:
    hint = "Name who may in CHIFFON_ADMINS, joined by commas, and start Chiffon again."
    if approver.key is None:
        return hint
    return f"{hint} Your key acts as {approver.person}: CHIFFON_ADMINS={approver.person} names you."


_RISKS = ("none", "low", "medium", "high")


def highest(risks: Collection[str]) -> str:
    """Return the highest of these risks; `none` where there are none."""
    return max(risks, key=_RISKS.index, default="none")


def already_decided(
    number: int, status: PlanStatus, *, person: str | None, at: datetime | None
) -> str | None:
    """Return the sentence that says who decided about a plan, and when; None: nobody has yet.

    Args:
        number: the plan's.
        status: where it stands.
        person: who approved or rejected it; None where time or a cancellation ended it.
        at: when they did.
    """
    if status is PlanStatus.PENDING_APPROVAL:
        return None
    if status is PlanStatus.SUPERSEDED:
        return f"Plan #{number} has a newer revision; this one is superseded."
    if person is None or at is None:
        return f"Plan #{number} is already {status.value.replace('_', ' ')}."
    word = "rejected" if status is PlanStatus.REJECTED else "approved"
    return f"Plan #{number} is already {word} by {person} at {at:%H:%M} UTC."
