"""What every use case is given: the rooms below, wired once in `orchestrator.bootstrap`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from orchestrator.catalog.models import Catalog
from orchestrator.domain.approval import LOCAL_TEAM
from orchestrator.domain.views import Identity
from orchestrator.fallback import ExternalAIFallback
from orchestrator.nlu.decomposer import RequestDecomposer
from orchestrator.planner import WorkPlanner
from orchestrator.store.unit_of_work import Store
from orchestrator.usecases.clocks import ClockWatch


@dataclass(frozen=True)
class Context:
    """The rooms a use case works with, and the rules it works by."""

    store: Store
    catalog: Callable[[], Catalog]
    decomposer: RequestDecomposer
    planner: WorkPlanner
    fallback: ExternalAIFallback
    admins: frozenset[str] = field(default_factory=frozenset)
    page_approvers: frozenset[str] = field(default_factory=frozenset)
    remember: Callable[[str, str], Catalog] | None = None  # a capability, a phrase of it
    clocks: ClockWatch = field(default_factory=ClockWatch)
    broker_answers: Callable[[], bool] = lambda: True
    approval_time: timedelta = timedelta(hours=24)
    start_time: timedelta = timedelta(hours=24)
    keep_time: timedelta = timedelta(days=30)

    def approvers(self, team: str) -> frozenset[str]:
        """Return who may approve in a team; on the local page, where nobody is named, its owner.

        Empty for the local team: whoever holds the local token is the one approver there.
        """
        return self.admins or (frozenset() if team == LOCAL_TEAM else self.page_approvers)

    def approvers_beside(self, who: Identity) -> frozenset[str]:
        """Return whom `who` must be among to approve; with a key only who is named counts."""
        return self.admins if who.key is not None else self.approvers(who.team)
