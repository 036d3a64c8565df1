"""Find what a person or a program names, or say clearly that there is no such thing."""

import re

import structlog

from orchestrator.domain.approval import already_decided
from orchestrator.domain.ids import is_id
from orchestrator.domain.plan import WorkTask
from orchestrator.domain.request import Request
from orchestrator.errors import ErrorCode, Refused
from orchestrator.store.repositories.plans import StoredPlan
from orchestrator.store.unit_of_work import UnitOfWork

_STEP = re.compile(r"^#?(?P<plan>[^.]+)\.(?P<step>\d{1,4})$")
_SHOW = "`chiffon status` lists the plans."


async def plan_by(uow: UnitOfWork, reference: str, *, lock: bool = False) -> StoredPlan:
    """Return the plan that `reference` names: 12, #12, #12 r3, a UUID or its beginning.

    Raises:
        Refused: there is no such plan, or more than one.
    """
    asked = reference.strip().lower()
    plan_id = asked if is_id(asked) else await uow.plans.find(reference)
    load = uow.plans.locked if lock else uow.plans.get
    found = None if plan_id is None else await load(plan_id)
    if found is None:
        raise Refused(ErrorCode.NOT_FOUND, f"There is no plan {_short(reference)}.", _SHOW)
    if lock:  # what is done from here on is about this plan, and so is what is logged
        structlog.contextvars.bind_contextvars(correlation_id=found.correlation_id)
    return found


async def step_by(uow: UnitOfWork, reference: str) -> tuple[StoredPlan, WorkTask]:
    """Return the plan and the step that `reference` (12.2) names.

    Raises:
        Refused: there is no such plan or step.
    """
    plan_reference, number = split_step(reference)
    plan = await plan_by(uow, plan_reference)
    for task in plan.plan.tasks:
        if task.step_number == number:
            return plan, task
    message = f"Plan #{plan.plan.number} has no step {number}."
    hint = f"It has steps 1 to {len(plan.plan.tasks)}."
    raise Refused(ErrorCode.NOT_FOUND, message, hint)


def split_step(reference: str) -> tuple[str, int]:
    """Return the plan's part and the number of a step's name: 12.2 is ("12", 2).

    Raises:
        Refused: it is no step's name.
    """
    named = _STEP.match(reference.strip())
    if named is None:
        message = f"{_short(reference)} names no step."
        raise Refused(ErrorCode.NOT_FOUND, message, "Name it as PLAN.STEP, such as 12.2.")
    return named["plan"], int(named["step"])


def names_step(reference: str) -> bool:
    """Say whether `reference` has the form of a step (12.2)."""
    return _STEP.match(reference.strip()) is not None


async def request_by(uow: UnitOfWork, request_id: str, *, lock: bool = False) -> Request:
    """Return a request by its id.

    Raises:
        Refused: there is no such request.
    """
    wanted = request_id.strip().lower()
    found = await (uow.requests.locked(wanted) if lock else uow.requests.get(wanted))
    if found is None:
        message = f"There is no request {_short(request_id)}."
        raise Refused(ErrorCode.NOT_FOUND, message, "A request id comes with the answer to it.")
    return found


def _short(reference: str) -> str:
    shown = "".join(letter if letter.isprintable() else "?" for letter in reference.strip())
    return repr(shown[:60])


async def decision_about(uow: UnitOfWork, stored: StoredPlan) -> str | None:
    """Return the sentence that says who decided about a plan, and when; None: nobody has yet."""
    plan, approval = stored.plan, await uow.plans.approval(stored.plan.plan_id)
    return already_decided(
        plan.number,
        plan.status,
        person=approval.person if approval else None,
        at=approval.decided_at if approval else None,
    )
