"""What is asked again and again stays on indexes, however many plans are finished."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.store.migrate import upgrade
from orchestrator.store.unit_of_work import Store, UnitOfWork
from orchestrator.usecases.lookup import plan_by
from orchestrator.usecases.plan_status import standing_of
from tests.store.plans_of_queries import GROWING, finish_plans, how_it_runs
from tests.store.rows import keep_agent

_PLAN = "10000777-0000-7000-8000-000000000000"
_MONTH = timedelta(days=30)


async def _status(uow: UnitOfWork) -> object:
    return await standing_of(uow, await plan_by(uow, _PLAN))


_ASKED: dict[str, Callable[[UnitOfWork], Awaitable[object]]] = {
    "claim of mail": lambda uow: uow.mail.claim(),
    "plans nobody decided": lambda uow: uow.plans.due(PlanStatus.PENDING_APPROVAL, "expires_at"),
    "plans that did not start": lambda uow: uow.plans.due(PlanStatus.APPROVED, "start_before"),
    "overdue attempts": lambda uow: uow.attempts.overdue(),
    "abandoned requests": lambda uow: uow.requests.claim_abandoned(),
    "tasks nobody was handed": lambda uow: uow.plans.with_pending_work(),
    "a plan by the beginning of its id": lambda uow: uow.plans.find(_PLAN[:13]),
    "status of a plan": _status,
    "old mail": lambda uow: uow.mail.forget_sent(uow.now - _MONTH, 500),
    "old keys": lambda uow: uow.mail.forget_keys(uow.now - _MONTH, 500),
}


def _reads_all_of(line: str) -> bool:
    """Tell whether a line of a plan reads a growing table from end to end."""
    if "Seq Scan on" in line:
        return line.split("Seq Scan on ")[1].split(maxsplit=1)[0] in GROWING
    words = line.split()
    return words[:1] == ["SCAN"] and words[1] in GROWING and "INDEX" not in words


async def test_nothing_that_is_asked_often_reads_a_whole_table(empty_store: Store) -> None:
    await upgrade(empty_store)
    await empty_store.transact(keep_agent)
    await finish_plans(empty_store, 4000)
    found = {name: await how_it_runs(empty_store, work) for name, work in _ASKED.items()}
    assert all(found.values())
    slow = {name: [line for line in lines if _reads_all_of(line)] for name, lines in found.items()}
    assert {name: lines for name, lines in slow.items() if lines} == {}


@pytest.mark.parametrize(
    ("line", "reads_all"),
    [
        ("  ->  Seq Scan on plans  (cost=0.00..1.01 rows=1 width=16)", True),
        ("Seq Scan on agents  (cost=0.00..1.01 rows=1 width=16)", False),
        ("Index Scan using pk_plans on plans  (cost=0.42..8.44)", False),
        ("SCAN outbox", True),
        ("SCAN plans USING INDEX ix_plans_under_way", False),
        ("SEARCH plans USING INDEX ix_plans_open (status=?)", False),
    ],
)
def test_a_plan_that_reads_everything_is_recognised(line: str, reads_all: bool) -> None:
    assert _reads_all_of(line) is reads_all
