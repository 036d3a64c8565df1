"""Years of finished rows, and how a database would run what the store asks of it."""

from collections.abc import Awaitable, Callable

from sqlalchemy import event, text

from orchestrator.store.unit_of_work import Store, UnitOfWork

GROWING = ("requests", "plans", "tasks", "attempts", "outbox", "inbox", "execution_logs")
"""The tables that gain rows with every plan."""


def _key(store: Store, kind: str) -> str:
    """Return SQL for keys that sort as those of ours do; `kind` keeps the tables' keys apart."""
    digits = (
        "lpad(to_hex(n), 7, '0')" if store.dialect.name == "postgresql" else "printf('%07x', n)"
    )
    return f"'{kind}' || {digits} || '-0000-7000-8000-000000000000'"


def _numbers(store: Store, count: int) -> str:
    if store.dialect.name == "postgresql":
        return f"generate_series(1, {count}) AS g(n)"
    counted = f"SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < {count}"  # noqa: S608
    return f"(WITH RECURSIVE c(n) AS ({counted}) SELECT n FROM c)"  # noqa: S608 - a test's own


async def finish_plans(store: Store, count: int) -> None:
    """Store so many finished plans of one step, with everything that they leave; the last day."""
    ago = {"postgresql": "now() - interval '1 day'"}.get(
        store.dialect.name, "datetime('now', '-1 day')"
    )
    request, plan, task, attempt = (_key(store, kind) for kind in "0123")
    rows = {
        "requests (id, team, requester, request_text, correlation_id, status, answers, created_at,"
        " updated_at)": (
            f"{request}, 'local', 'p', 'x', 'c', 'parsing_complete', '[]', {ago}, {ago}"
        ),
        "plans (id, request_id, number, revision, status, digest, summary, complexity,"
        " will_use_external_ai, notes, created_at, expires_at, ended_at)": (
            f"{plan}, {request}, n, 1, CASE WHEN n % 10 = 0 THEN 'rejected' ELSE 'completed' END,"
            f" 'd', 's', 'simple', false, '[]', {ago}, {ago}, {ago}"
        ),
        "tasks (id, plan_id, step_number, name, capability, agent_type, parameters, risk,"
        " reasoning, idempotent, model_tier, resources, timeout_seconds, depends_on,"
        " entry_digest, digest, source_words, confidence, notes, status, round, updated_at)": (
            f"{task}, {plan}, 1, 'n', 'deploy_service', 'infra', '{{}}', 'low', false, false,"
            " 'none', '{}', 60, '[]', 'e', 'd', 'w', 1.0, '[]',"
            f" CASE WHEN n % 10 = 0 THEN 'pending' ELSE 'completed' END, 1, {ago}"
        ),
        "attempts (id, task_id, plan_id, number, round, agent_id, incarnation, status, sequence,"
        " reserved, cancel_wanted, lease_until, created_at, ended_at)": (
            f"{attempt}, {task}, {plan}, 1, 1, 'agent-1', 'first', 'succeeded', 0, '{{}}', false,"
            f" {ago}, {ago}, {ago}"
        ),
        "outbox (id, queue, message_type, body, attempt_id, tries, created_at, sent_at)": (
            f"{_key(store, '4')}, 'q', 'work_request', '{{}}', {attempt}, 1, {ago}, {ago}"
        ),
        "inbox (message_id, source, received_at)": f"{_key(store, '5')}, 'agent-1', {ago}",
        "execution_logs (id, plan_id, task_id, attempt_id, attempt_number, step_number, agent_id,"
        " work_type, status, output, reason, use)": (
            f"{_key(store, '6')}, {plan}, {task}, {attempt}, 1, 1, 'agent-1', 'deploy_service',"
            " 'succeeded', 'ok', '', '{}'"
        ),
    }
    async with store.begin() as connection:
        for into, values in rows.items():
            source = _numbers(store, count)
            insert = f"INSERT INTO {into} SELECT {values} FROM {source}"  # noqa: S608
            await connection.execute(text(insert))
    async with store.begin() as connection:
        await connection.execute(text("ANALYZE"))


async def how_it_runs(store: Store, work: Callable[[UnitOfWork], Awaitable[object]]) -> list[str]:
    """Run `work`, thrown away; return the lines of the database's plan for each SELECT of it."""
    asked: list[tuple[str, object]] = []

    def note(*call: object) -> None:
        statement, parameters = str(call[2]), call[3]
        if statement.startswith("SELECT") and "clock_timestamp" not in statement:
            asked.append((statement, parameters))

    event.listen(store.engine.sync_engine, "before_cursor_execute", note)
    await store.read(work)
    event.remove(store.engine.sync_engine, "before_cursor_execute", note)
    explain = "EXPLAIN" if store.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    lines: list[str] = []
    async with store.engine.connect() as connection:
        for statement, parameters in asked:
            told = await connection.exec_driver_sql(f"{explain} {statement}", parameters)  # type: ignore[arg-type]
            lines += [str(row[-1]) for row in told]
    return lines
