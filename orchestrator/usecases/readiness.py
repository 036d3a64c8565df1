"""Say whether Chiffon can do its work."""

from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context


async def readiness(ctx: Context) -> dict[str, str]:
    """Return for database, broker and agents `ok`, or a sentence that says what is off."""
    broker = "ok" if ctx.broker_answers() else "The broker cannot be reached; work waits for it."
    if not await ctx.store.answers():
        return {"database": "The database does not answer.", "broker": broker}

    async def count(uow: UnitOfWork) -> int:
        return await uow.agents.count_online()

    online = await ctx.store.read(count)
    agents = "ok" if online else "No agent has given a sign of life for 30 s."
    return {"database": "ok", "broker": broker, "agents": agents}
