"""Every table. `docs/orchestrator.md` says which row is written when.

Statuses are text, held to the lifecycles by guarded updates and by check constraints.
"""

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
    text,
)

from orchestrator.domain.lifecycle import AttemptStatus, PlanStatus, RequestStatus, TaskStatus
from orchestrator.store.types import Id, Json, UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


OPEN_PLANS = (PlanStatus.PENDING_APPROVAL, PlanStatus.APPROVED, PlanStatus.EXECUTING)
"""What `ix_plans_open` covers: plans with a deadline."""
PLANS_UNDER_WAY = (PlanStatus.APPROVED, PlanStatus.EXECUTING, PlanStatus.WAITING)
"""What `ix_plans_under_way` covers: plans that may have work to hand out."""


def _within(statuses: Sequence[StrEnum]) -> TextClause:
    return text(f"status IN ({', '.join(repr(status.value) for status in statuses)})")


def _one_of(column: str, statuses: type[StrEnum]) -> CheckConstraint:
    allowed = ", ".join(f"'{status.value}'" for status in statuses)
    return CheckConstraint(f"{column} IN ({allowed})", name=f"{column}_known")


def _key() -> Column[str]:
    return Column("id", Id, primary_key=True)


def _points_to(name: str, target: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Id, ForeignKey(target), nullable=nullable)


people = Table(
    "people",
    metadata,
    _key(),
    Column("team", String(64), nullable=False),
    Column("person", String(100), nullable=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
    UniqueConstraint("team", "person"),
)

requests = Table(
    "requests",
    metadata,
    _key(),
    Column("team", String(64), nullable=False),
    Column("requester", String(100), nullable=False),
    Column("request_text", Text, nullable=False),
    Column("channel", String(64)),
    Column("thread", String(64)),
    Column("source_key", String(255), unique=True),
    Column("correlation_id", String(64), nullable=False),
    Column("status", String(32), nullable=False),
    Column("decomposition", Json),
    Column("answers", Json, nullable=False),
    Column("failure", Text),
    Column("thinking_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    _one_of("status", RequestStatus),
    Index(
        "ix_requests_thinking",
        "thinking_until",
        sqlite_where=text("status = 'pending'"),
        postgresql_where=text("status = 'pending'"),
    ),
    Index(
        "ix_requests_pending",
        "id",
        sqlite_where=text("status = 'pending'"),
        postgresql_where=text("status = 'pending'"),
    ),
    Index("ix_requests_thread", "team", "channel", "thread", "id"),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Integer, nullable=False),
)

plans = Table(
    "plans",
    metadata,
    _key(),
    _points_to("request_id", "requests.id"),
    Column("number", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("status", String(32), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("summary", Text, nullable=False),
    Column("complexity", String(16), nullable=False),
    Column("will_use_external_ai", Boolean, nullable=False),
    Column("notes", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("approved_at", UtcDateTime),
    Column("start_before", UtcDateTime),
    Column("ended_at", UtcDateTime),
    _one_of("status", PlanStatus),
    UniqueConstraint("request_id", "revision"),
    UniqueConstraint("number", "revision"),
    Index(
        "ix_plans_open",
        "status",
        "expires_at",
        sqlite_where=_within(OPEN_PLANS),
        postgresql_where=_within(OPEN_PLANS),
    ),
    Index(
        "ix_plans_under_way",
        "id",
        sqlite_where=_within(PLANS_UNDER_WAY),
        postgresql_where=_within(PLANS_UNDER_WAY),
    ),
)

tasks = Table(
    "tasks",
    metadata,
    _key(),
    _points_to("plan_id", "plans.id"),
    Column("step_number", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("capability", String(64), nullable=False),
    Column("agent_type", String(64), nullable=False),
    Column("parameters", Json, nullable=False),
    Column("target", Text),
    Column("risk", String(16), nullable=False),
    Column("reasoning", Boolean, nullable=False),
    Column("idempotent", Boolean, nullable=False),
    Column("model_tier", String(16), nullable=False),
    Column("resources", Json, nullable=False),
    Column("timeout_seconds", Integer, nullable=False),
    Column("depends_on", Json, nullable=False),
    Column("entry_digest", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("source_words", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("notes", Json, nullable=False),
    Column("status", String(32), nullable=False),
    Column("round", Integer, nullable=False),
    Column("reason", Text),
    Column("updated_at", UtcDateTime, nullable=False),
    _one_of("status", TaskStatus),
    UniqueConstraint("plan_id", "step_number"),
)

attempts = Table(
    "attempts",
    metadata,
    _key(),
    _points_to("task_id", "tasks.id"),
    _points_to("plan_id", "plans.id"),
    Column("number", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("agent_id", String(64), ForeignKey("agents.id"), nullable=False),
    Column("incarnation", String(64), nullable=False),
    Column("status", String(32), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("progress", Integer),
    Column("reserved", Json, nullable=False),
    Column("reason", Text),
    Column("lease_until", UtcDateTime),
    Column("cancel_wanted", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    _one_of("status", AttemptStatus),
    UniqueConstraint("task_id", "number"),
    Index("ix_attempts_plan_id", "plan_id"),
    Index(
        "ix_attempts_open",
        "agent_id",
        "lease_until",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

approvals = Table(
    "approvals",
    metadata,
    _key(),
    _points_to("plan_id", "plans.id"),
    Column("revision", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("decision", String(16), nullable=False),
    Column("team", String(64), nullable=False),
    Column("person", String(100), nullable=False),
    Column("notes", Text),
    Column("policy", String(64), nullable=False),
    Column("source_key", String(255), unique=True),
    Column("decided_at", UtcDateTime, nullable=False),
    Index("ix_approvals_plan_id", "plan_id"),
)

agents = Table(
    "agents",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("agent_type", String(64), nullable=False),
    Column("incarnation", String(64), nullable=False),
    Column("labels", Json, nullable=False),
    Column("specializations", Json, nullable=False),
    Column("capabilities", Json, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("load", Float, nullable=False),
    Column("free", Json, nullable=False),
    Column("registered_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
)

agent_performance = Table(
    "agent_performance",
    metadata,
    Column("agent_id", String(64), ForeignKey("agents.id"), primary_key=True),
    Column("work_type", String(64), primary_key=True),
    Column("runs", Integer, nullable=False),
    Column("successes", Integer, nullable=False),
    Column("tricky", Integer, nullable=False),
    Column("total_seconds", Float, nullable=False),
    Column("last_done_at", UtcDateTime, nullable=False),
)

routing_decisions = Table(
    "routing_decisions",
    metadata,
    _key(),
    _points_to("plan_id", "plans.id"),
    _points_to("task_id", "tasks.id"),
    _points_to("attempt_id", "attempts.id", nullable=True),
    Column("attempt_number", Integer, nullable=False),
    Column("agent_id", String(64)),
    Column("score", Float),
    Column("sentence", Text, nullable=False),
    Column("candidates", Json, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Index("ix_routing_decisions_plan_id", "plan_id"),
)

fallback_decisions = Table(
    "fallback_decisions",
    metadata,
    _key(),
    _points_to("plan_id", "plans.id", nullable=True),
    _points_to("task_id", "tasks.id", nullable=True),
    Column("decision", String(32), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("quota", Float),
    Column("tier", String(16), nullable=False),
    Column("model", String(100)),
    Column("tokens", Integer, nullable=False),
    Column("cost", Float, nullable=False),
    Column("error", Text),
    Column("decided_at", UtcDateTime, nullable=False),
    Index("ix_fallback_decisions_plan_id", "plan_id"),
)

execution_logs = Table(
    "execution_logs",
    metadata,
    _key(),
    _points_to("plan_id", "plans.id"),
    _points_to("task_id", "tasks.id"),
    Column("attempt_id", Id, ForeignKey("attempts.id"), nullable=False, unique=True),
    Column("attempt_number", Integer, nullable=False),
    Column("step_number", Integer, nullable=False),
    Column("agent_id", String(64), nullable=False),
    Column("work_type", String(64), nullable=False),
    Column("status", String(32), nullable=False),
    Column("exit_code", Integer),
    Column("output", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("use", Json, nullable=False),
    Column("dispatched_at", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index("ix_execution_logs_plan_id", "plan_id"),
)

audit_events = Table(
    "audit_events",
    metadata,
    _key(),
    _points_to("request_id", "requests.id"),
    _points_to("plan_id", "plans.id", nullable=True),
    Column("subject", Id, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("details", Json, nullable=False),
    Column("correlation_id", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("subject", "sequence"),
    Index("ix_audit_events_request_id", "request_id"),
)

catalogue_entries = Table(
    "catalogue_entries",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("entry", Json, nullable=False),
    Column("file_hashes", Json, nullable=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    _key(),
    Column("queue", String(128), nullable=False),
    Column("message_type", String(32), nullable=False),
    Column("body", Text, nullable=False),
    _points_to("attempt_id", "attempts.id", nullable=True),
    Column("tries", Integer, nullable=False),
    Column("error", Text),
    Column("claimed_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("failed_at", UtcDateTime),
    Index(
        "ix_outbox_unsent",
        "id",
        sqlite_where=text("sent_at IS NULL AND failed_at IS NULL"),
        postgresql_where=text("sent_at IS NULL AND failed_at IS NULL"),
    ),
    Index("ix_outbox_attempt_id", "attempt_id"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("message_id", String(255), primary_key=True),
    Column("source", String(64), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Index("ix_inbox_received_at", "received_at"),
)

cards = Table(
    "cards",
    metadata,
    _key(),
    Column("plan_id", Id, ForeignKey("plans.id"), nullable=False, unique=True),
    Column("team", String(64), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("thread", String(64)),
    Column("messages", Json, nullable=False),
    Column("version_wanted", Integer, nullable=False),
    Column("version_shown", Integer, nullable=False),
    Column("version_claimed", Integer),
    Column("claimed_until", UtcDateTime),
    Column("updated_at", UtcDateTime, nullable=False),
    Index(
        "ix_cards_due",
        "id",
        sqlite_where=text("version_wanted > version_shown"),
        postgresql_where=text("version_wanted > version_shown"),
    ),
)

notifications = Table(
    "notifications",
    metadata,
    _key(),
    _points_to("request_id", "requests.id"),
    _points_to("plan_id", "plans.id", nullable=True),
    _points_to("attempt_id", "attempts.id", nullable=True),
    Column("kind", String(32), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("team", String(64), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("thread", String(64)),
    Column("content", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("claimed_until", UtcDateTime),
    Column("posted_at", UtcDateTime),
    UniqueConstraint("request_id", "kind", "subject"),
    Index(
        "ix_notifications_due",
        *("team", "channel", "thread", "id"),
        sqlite_where=text("posted_at IS NULL"),
        postgresql_where=text("posted_at IS NULL"),
    ),
)

capability_gaps = Table(
    "capability_gaps",
    metadata,
    _key(),
    _points_to("request_id", "requests.id"),
    Column("gap_text", Text, nullable=False),
    Column("gap_key", String(255), nullable=False, index=True),
    Column("asked_at", UtcDateTime, nullable=False),
)

llm_usage = Table(
    "llm_usage",
    metadata,
    _key(),
    Column("tier", String(16), nullable=False),
    Column("model", String(100), nullable=False),
    _points_to("plan_id", "plans.id", nullable=True),
    Column("tokens_in", Integer, nullable=False),
    Column("tokens_out", Integer, nullable=False),
    Column("cost", Float, nullable=False),
    Column("used_at", UtcDateTime, nullable=False),
    Index("ix_llm_usage_tier_used_at", "tier", "used_at"),
)

api_keys = Table(
    "api_keys",
    metadata,
    _key(),
    Column("name", String(100), nullable=False, unique=True),
    Column("key_hash", String(128), nullable=False, unique=True),
    Column("team", String(64), nullable=False),
    Column("person", String(100), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
)

schema_versions = Table(
    "schema_versions",
    metadata,
    Column("revision", String(32), primary_key=True),
    Column("oldest_program", String(32), nullable=False),
    Column("migrated_at", UtcDateTime, nullable=False),
)
