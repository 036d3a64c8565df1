"""What the walk leaves in the database, as the table of docs/orchestrator.md."""

import sqlite3
from pathlib import Path

START, END = "<!-- rows: start -->", "<!-- rows: end -->"

# One statement a table; each row of its answer is said in the table's last column.
_TOLD = {
    "agents": "SELECT name || ', of the pool ' || agent_type FROM agents ORDER BY 1",
    "agent_performance": (
        "SELECT work_type || ': ' || runs || ' run, ' || successes || ' success' "
        "FROM agent_performance ORDER BY 1"
    ),
    "approvals": (
        "SELECT decision || ' by ' || person || ', policy `' || policy || '`, revision ' "
        "|| revision || ', with the digest' FROM approvals"
    ),
    "attempts": (
        "SELECT 'step ' || step_number || ', attempt ' || a.number || ': ' || a.status "
        "FROM attempts a JOIN tasks t ON t.id = a.task_id ORDER BY step_number"
    ),
    "audit_events": (
        "SELECT '`' || kind || '` by ' || CASE WHEN actor LIKE 'agent:%' THEN 'the agent' "
        "ELSE actor END FROM audit_events WHERE kind != 'task_dispatched' "
        "GROUP BY kind ORDER BY min(id)"
    ),
    "catalogue_entries": "SELECT name || ' as it was planned with' FROM catalogue_entries",
    "counters": (
        "SELECT CASE name WHEN 'listened' THEN 'when agents were last listened to' "
        "ELSE name || ' numbers given: ' || value END FROM counters ORDER BY name DESC"
    ),
    "execution_logs": (
        "SELECT 'step ' || step_number || ': ' || status || ', exit code ' || exit_code "
        "|| ', its output' FROM execution_logs ORDER BY step_number"
    ),
    "fallback_decisions": (
        "SELECT '`' || decision || '`, `' || reason || '`' FROM fallback_decisions"
    ),
    "inbox": "SELECT source || ' taken once' FROM inbox",
    "outbox": (
        "SELECT '`' || message_type || '`, sent' FROM outbox WHERE sent_at IS NOT NULL ORDER BY id"
    ),
    "people": "SELECT person || ' of team ' || team FROM people",
    "plans": (
        "SELECT '#' || number || ' r' || revision || ', ' || status || ', ' || complexity "
        "FROM plans"
    ),
    "requests": "SELECT status || ', the words as typed, what was understood' FROM requests",
    "routing_decisions": (
        "SELECT 'step ' || step_number || ': to ' || a.name || ', with the points of each agent' "
        "FROM routing_decisions r JOIN tasks t ON t.id = r.task_id "
        "JOIN agents a ON a.id = r.agent_id ORDER BY step_number"
    ),
    "schema_versions": (
        "SELECT revision || ', for programs from ' || oldest_program || ' on' FROM schema_versions"
    ),
    "tasks": (
        "SELECT step_number || ' ' || capability || ', risk ' || risk || ', ' || t.status "
        "FROM tasks t ORDER BY step_number"
    ),
}
_NOT_OURS = {"alembic_version"}


def table_of_rows(database: Path) -> str:
    """Return the table; the relay's note on a step is not counted, the agent may be faster."""
    lines = ["| table | rows | what they say |", "|---|---|---|"]
    connection = sqlite3.connect(database)
    try:
        names = [
            str(name)
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            )
        ]
        lines += [_line(connection, name) for name in names if name not in _NOT_OURS]
    finally:
        connection.close()
    return "\n".join(lines)


def _line(connection: sqlite3.Connection, name: str) -> str:
    if name == "audit_events":
        kept = "FROM audit_events WHERE kind != 'task_dispatched'"
    else:
        kept = f"FROM {name}"
    (count,) = connection.execute(f"SELECT count(*) {kept}").fetchone()
    said = [str(text) for (text,) in connection.execute(_TOLD[name])] if name in _TOLD else []
    told = "; ".join(dict.fromkeys(said))
    if name == "audit_events":
        told += "; besides, `task_dispatched` by the relay for each step"
    return f"| `{name}` | {count} | {told or '–'} |"
