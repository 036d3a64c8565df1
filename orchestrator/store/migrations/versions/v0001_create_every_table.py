"""Create every table."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from orchestrator.store.types import Json, UtcDateTime

revision = "0001"
down_revision = None
_THREAD = ["team", "channel", "thread", "id"]


def _key(table: str) -> tuple[sa.Column[str], sa.PrimaryKeyConstraint]:
    column = sa.Column("id", sa.String(length=36), nullable=False)
    return column, sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))


def _points_to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name)


def _only(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    _create_agents()
    _create_api_keys()
    _create_catalogue_entries()
    _create_counters()
    _create_inbox()
    _create_people()
    _create_requests()
    _create_agent_performance()
    _create_capability_gaps()
    _create_plans()
    _create_approvals()
    _create_audit_events()
    _create_cards()
    _create_llm_usage()
    _create_tasks()
    _create_attempts()
    _create_fallback_decisions()
    _create_execution_logs()
    _create_notifications()
    _create_outbox()
    _create_routing_decisions()
    op.execute("INSERT INTO counters (name, value) VALUES ('plan', 0)")


def downgrade() -> None:
    tables = (
        "routing_decisions outbox notifications execution_logs fallback_decisions "
        "attempts tasks llm_usage cards audit_events approvals plans capability_gaps "
        "agent_performance requests people inbox counters catalogue_entries api_keys "
        "agents"
    )
    for table in tables.split():
        op.drop_table(table)


def _create_agents() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("agent_type", sa.String(length=64), nullable=False),
        sa.Column("incarnation", sa.String(length=64), nullable=False),
        sa.Column("labels", Json, nullable=False),
        sa.Column("specializations", Json, nullable=False),
        sa.Column("capabilities", Json, nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("load", sa.Float(), nullable=False),
        sa.Column("free", Json, nullable=False),
        sa.Column("registered_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
    )


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        *_key("api_keys"),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("key_hash", sa.String(length=128), nullable=False),
        sa.Column("team", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=100), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime()),
        sa.Column("revoked_at", UtcDateTime()),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
        sa.UniqueConstraint("name", name=op.f("uq_api_keys_name")),
    )


def _create_catalogue_entries() -> None:
    op.create_table(
        "catalogue_entries",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("entry", Json, nullable=False),
        sa.Column("file_hashes", Json, nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_catalogue_entries")),
    )


def _create_counters() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )


def _create_inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_inbox")),
    )


def _create_people() -> None:
    op.create_table(
        "people",
        *_key("people"),
        sa.Column("team", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=100), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("team", "person", name=op.f("uq_people_team_person")),
    )


def _create_requests() -> None:
    op.create_table(
        "requests",
        *_key("requests"),
        sa.Column("team", sa.String(length=64), nullable=False),
        sa.Column("requester", sa.String(length=100), nullable=False),
        sa.Column("request_text", sa.Text(), nullable=False),
        sa.Column("channel", sa.String(length=64)),
        sa.Column("thread", sa.String(length=64)),
        sa.Column("source_key", sa.String(length=255)),
        sa.Column("correlation_id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("decomposition", Json),
        sa.Column("answers", Json, nullable=False),
        sa.Column("failure", sa.Text()),
        sa.Column("thinking_until", UtcDateTime()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'parsing_complete', 'requires_clarification', "
            "'out_of_scope', 'failed')",
            name=op.f("ck_requests_status_known"),
        ),
        sa.UniqueConstraint("source_key", name=op.f("uq_requests_source_key")),
    )
    op.create_index(
        "ix_requests_thinking", "requests", ["thinking_until"], **_only("status = 'pending'")
    )
    op.create_index("ix_requests_thread", "requests", _THREAD)


def _create_agent_performance() -> None:
    op.create_table(
        "agent_performance",
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("work_type", sa.String(length=64), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("successes", sa.Integer(), nullable=False),
        sa.Column("tricky", sa.Integer(), nullable=False),
        sa.Column("total_seconds", sa.Float(), nullable=False),
        sa.Column("last_done_at", UtcDateTime(), nullable=False),
        _points_to("agent_performance", "agent_id", "agents"),
        sa.PrimaryKeyConstraint("agent_id", "work_type", name=op.f("pk_agent_performance")),
    )


def _create_capability_gaps() -> None:
    op.create_table(
        "capability_gaps",
        *_key("capability_gaps"),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("gap_text", sa.Text(), nullable=False),
        sa.Column("gap_key", sa.String(length=255), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        _points_to("capability_gaps", "request_id", "requests"),
    )
    op.create_index(op.f("ix_capability_gaps_gap_key"), "capability_gaps", ["gap_key"])


def _create_plans() -> None:
    op.create_table(
        "plans",
        *_key("plans"),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("complexity", sa.String(length=16), nullable=False),
        sa.Column("will_use_external_ai", sa.Boolean(), nullable=False),
        sa.Column("notes", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("approved_at", UtcDateTime()),
        sa.Column("start_before", UtcDateTime()),
        sa.Column("ended_at", UtcDateTime()),
        sa.CheckConstraint(
            "status IN ('pending_approval', 'approved', 'executing', 'waiting', "
            "'completed', 'failed', 'rejected', 'cancelled', 'expired', 'superseded')",
            name=op.f("ck_plans_status_known"),
        ),
        _points_to("plans", "request_id", "requests"),
        sa.UniqueConstraint("number", "revision", name=op.f("uq_plans_number_revision")),
        sa.UniqueConstraint("request_id", "revision", name=op.f("uq_plans_request_id_revision")),
    )
    op.create_index(
        "ix_plans_open",
        "plans",
        ["status", "expires_at"],
        **_only("status IN ('pending_approval', 'approved', 'executing')"),
    )


def _create_approvals() -> None:
    op.create_table(
        "approvals",
        *_key("approvals"),
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("team", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=100), nullable=False),
        sa.Column("notes", sa.Text()),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("source_key", sa.String(length=255)),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        _points_to("approvals", "plan_id", "plans"),
        sa.UniqueConstraint("source_key", name=op.f("uq_approvals_source_key")),
    )
    op.create_index("ix_approvals_plan_id", "approvals", ["plan_id"])


def _create_audit_events() -> None:
    op.create_table(
        "audit_events",
        *_key("audit_events"),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("plan_id", sa.String(length=36)),
        sa.Column("subject", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.Column("correlation_id", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        _points_to("audit_events", "plan_id", "plans"),
        _points_to("audit_events", "request_id", "requests"),
        sa.UniqueConstraint("subject", "sequence", name=op.f("uq_audit_events_subject_sequence")),
    )
    op.create_index("ix_audit_events_request_id", "audit_events", ["request_id"])


def _create_cards() -> None:
    op.create_table(
        "cards",
        *_key("cards"),
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("team", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("thread", sa.String(length=64)),
        sa.Column("messages", Json, nullable=False),
        sa.Column("version_wanted", sa.Integer(), nullable=False),
        sa.Column("version_shown", sa.Integer(), nullable=False),
        sa.Column("version_claimed", sa.Integer()),
        sa.Column("claimed_until", UtcDateTime()),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        _points_to("cards", "plan_id", "plans"),
        sa.UniqueConstraint("plan_id", name=op.f("uq_cards_plan_id")),
    )
    op.create_index("ix_cards_due", "cards", ["id"], **_only("version_wanted > version_shown"))


def _create_llm_usage() -> None:
    op.create_table(
        "llm_usage",
        *_key("llm_usage"),
        sa.Column("tier", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("plan_id", sa.String(length=36)),
        sa.Column("tokens_in", sa.Integer(), nullable=False),
        sa.Column("tokens_out", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=False),
        _points_to("llm_usage", "plan_id", "plans"),
    )
    op.create_index("ix_llm_usage_tier_used_at", "llm_usage", ["tier", "used_at"])


def _create_tasks() -> None:
    op.create_table(
        "tasks",
        *_key("tasks"),
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("step_number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("capability", sa.String(length=64), nullable=False),
        sa.Column("agent_type", sa.String(length=64), nullable=False),
        sa.Column("parameters", Json, nullable=False),
        sa.Column("target", sa.Text()),
        sa.Column("risk", sa.String(length=16), nullable=False),
        sa.Column("reasoning", sa.Boolean(), nullable=False),
        sa.Column("idempotent", sa.Boolean(), nullable=False),
        sa.Column("model_tier", sa.String(length=16), nullable=False),
        sa.Column("resources", Json, nullable=False),
        sa.Column("timeout_seconds", sa.Integer(), nullable=False),
        sa.Column("depends_on", Json, nullable=False),
        sa.Column("entry_digest", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("source_words", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("notes", Json, nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'held', 'dispatched', 'executing', 'completed', "
            "'failed', 'skipped', 'cancelled', 'outcome_unknown')",
            name=op.f("ck_tasks_status_known"),
        ),
        _points_to("tasks", "plan_id", "plans"),
        sa.UniqueConstraint("plan_id", "step_number", name=op.f("uq_tasks_plan_id_step_number")),
    )


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        *_key("attempts"),
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("incarnation", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("progress", sa.Integer()),
        sa.Column("reserved", Json, nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("lease_until", UtcDateTime()),
        sa.Column("cancel_wanted", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime()),
        sa.Column("ended_at", UtcDateTime()),
        sa.CheckConstraint(
            "status IN ('queued', 'dispatched', 'claimed', 'running', 'succeeded', "
            "'failed', 'timed_out', 'interrupted', 'superseded', 'unknown')",
            name=op.f("ck_attempts_status_known"),
        ),
        _points_to("attempts", "agent_id", "agents"),
        _points_to("attempts", "plan_id", "plans"),
        _points_to("attempts", "task_id", "tasks"),
        sa.UniqueConstraint("task_id", "number", name=op.f("uq_attempts_task_id_number")),
    )
    op.create_index(
        "ix_attempts_open", "attempts", ["agent_id", "lease_until"], **_only("ended_at IS NULL")
    )
    op.create_index("ix_attempts_plan_id", "attempts", ["plan_id"])


def _create_fallback_decisions() -> None:
    op.create_table(
        "fallback_decisions",
        *_key("fallback_decisions"),
        sa.Column("plan_id", sa.String(length=36)),
        sa.Column("task_id", sa.String(length=36)),
        sa.Column("decision", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("quota", sa.Float()),
        sa.Column("tier", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(length=100)),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        _points_to("fallback_decisions", "plan_id", "plans"),
        _points_to("fallback_decisions", "task_id", "tasks"),
    )
    op.create_index("ix_fallback_decisions_plan_id", "fallback_decisions", ["plan_id"])


def _create_execution_logs() -> None:
    op.create_table(
        "execution_logs",
        *_key("execution_logs"),
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.Column("attempt_id", sa.String(length=36), nullable=False),
        sa.Column("attempt_number", sa.Integer(), nullable=False),
        sa.Column("step_number", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("work_type", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("exit_code", sa.Integer()),
        sa.Column("output", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("use", Json, nullable=False),
        sa.Column("dispatched_at", UtcDateTime()),
        sa.Column("started_at", UtcDateTime()),
        sa.Column("ended_at", UtcDateTime()),
        _points_to("execution_logs", "attempt_id", "attempts"),
        _points_to("execution_logs", "plan_id", "plans"),
        _points_to("execution_logs", "task_id", "tasks"),
        sa.UniqueConstraint("attempt_id", name=op.f("uq_execution_logs_attempt_id")),
    )
    op.create_index("ix_execution_logs_plan_id", "execution_logs", ["plan_id"])


def _create_notifications() -> None:
    op.create_table(
        "notifications",
        *_key("notifications"),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("plan_id", sa.String(length=36)),
        sa.Column("attempt_id", sa.String(length=36)),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("team", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("thread", sa.String(length=64)),
        sa.Column("content", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("claimed_until", UtcDateTime()),
        sa.Column("posted_at", UtcDateTime()),
        _points_to("notifications", "attempt_id", "attempts"),
        _points_to("notifications", "plan_id", "plans"),
        _points_to("notifications", "request_id", "requests"),
        sa.UniqueConstraint(
            "request_id", "kind", "subject", name=op.f("uq_notifications_request_id_kind_subject")
        ),
    )
    op.create_index("ix_notifications_due", "notifications", _THREAD, **_only("posted_at IS NULL"))


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        *_key("outbox"),
        sa.Column("queue", sa.String(length=128), nullable=False),
        sa.Column("message_type", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("attempt_id", sa.String(length=36)),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("claimed_until", UtcDateTime()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime()),
        sa.Column("failed_at", UtcDateTime()),
        _points_to("outbox", "attempt_id", "attempts"),
    )
    op.create_index("ix_outbox_attempt_id", "outbox", ["attempt_id"])
    op.create_index(
        "ix_outbox_unsent", "outbox", ["id"], **_only("sent_at IS NULL AND failed_at IS NULL")
    )


def _create_routing_decisions() -> None:
    op.create_table(
        "routing_decisions",
        *_key("routing_decisions"),
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.Column("attempt_id", sa.String(length=36)),
        sa.Column("attempt_number", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.String(length=64)),
        sa.Column("score", sa.Float()),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("candidates", Json, nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        _points_to("routing_decisions", "attempt_id", "attempts"),
        _points_to("routing_decisions", "plan_id", "plans"),
        _points_to("routing_decisions", "task_id", "tasks"),
    )
    op.create_index("ix_routing_decisions_plan_id", "routing_decisions", ["plan_id"])
