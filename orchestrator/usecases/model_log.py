"""Keep model decisions and use in the database, and read the quota from them."""

from datetime import timedelta

from orchestrator.domain.fallback import FallbackDecision
from orchestrator.llm.port import ModelAnswer
from orchestrator.store.repositories.decisions import ModelUse
from orchestrator.store.unit_of_work import Store, UnitOfWork

_HOUR = timedelta(hours=1)


class StoredDecisionLog:
    """The `DecisionLog` of the fallback, in tables; the quota is calls per hour."""

    def __init__(self, store: Store, local_quota: int | None) -> None:
        self._store = store
        self._local_quota = local_quota

    async def local_quota_left(self) -> float | None:
        """Return the fraction of this hour's calls that is left; None: no limit is set."""
        quota = self._local_quota
        if quota is None:
            return None

        async def count(uow: UnitOfWork) -> int:
            return await uow.decisions.calls_within("local", _HOUR)

        return max(0, quota - await self._store.read(count)) / quota

    async def keep(
        self, decision: FallbackDecision, use: ModelAnswer | None, plan_id: str | None
    ) -> None:
        """Keep one decision and, where a model was called, what it used."""

        async def write(uow: UnitOfWork) -> None:
            await uow.decisions.fell_back(decision, plan_id=plan_id)
            if use is not None:
                await uow.decisions.used(
                    ModelUse(
                        tier=decision.tier.value,
                        model=decision.model or "",
                        tokens_in=use.tokens_in,
                        tokens_out=use.tokens_out,
                        cost=use.cost,
                        plan_id=plan_id,
                    )
                )

        await self._store.transact(write)
