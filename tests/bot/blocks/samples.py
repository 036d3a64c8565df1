"""Plans, cards and replies of every size and state, friendly and hostile."""

import html
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from bot.blocks.message import Message
from bot.blocks.replies import texts_in
from orchestrator.domain.conversation import Card, Notice, NoticeKind
from orchestrator.domain.lifecycle import TASK_BUCKET, PlanStatus, TaskStatus
from orchestrator.domain.plan import WorkTask, summary_counts
from orchestrator.domain.views import PlanResult, PlanStatusResult, TaskState

NOW = datetime(2026, 11, 22, 21, 30, tzinfo=UTC)
HOSTILE = (
    "<!channel> <@U0ATTACK> <https://evil.test|good.test> ``` `x` & *bold*\n> quote\u202e\U0001f600"
)
PLAN_ID = "01938a2e-0000-7000-8000-000000000012"
DECIDED = {
    PlanStatus.APPROVED,
    PlanStatus.EXECUTING,
    PlanStatus.WAITING,
    PlanStatus.COMPLETED,
    PlanStatus.FAILED,
}


def task(number: int, **changes: object) -> WorkTask:
    values: dict[str, object] = {
        "task_id": f"task-{number}",
        "step_number": number,
        "name": f"Restart service-{number}",
        "capability": "service.restart",
        "agent_type": "infra",
        "parameters": {"service": f"service-{number}", "retries": number},
        "target": "node1",
        "risk": "medium",
        "depends_on": (number - 1,) if number > 1 else (),
        "entry_digest": "e",
        "digest": "d",
        "source_words": f"restart service-{number}",
        "confidence": 0.97,
    }
    return WorkTask.model_validate(values | changes)


def state(
    each: WorkTask, status: TaskStatus, reason: str | None = None, name: str | None = None
) -> TaskState:
    return TaskState(
        task_id=each.task_id,
        step_number=each.step_number,
        name=name or each.name,
        status=status,
        agent_name="local-infra",
        attempts=1,
        progress=40 if status is TaskStatus.EXECUTING else None,
        reason=reason,
        duration_seconds=3.0 if status in {TaskStatus.COMPLETED, TaskStatus.FAILED} else None,
    )


def card(
    tasks: tuple[WorkTask, ...],
    status: PlanStatus = PlanStatus.PENDING_APPROVAL,
    *,
    task_status: TaskStatus = TaskStatus.PENDING,
    reason: str | None = None,
    notes: str | None = None,
    policy: str | None = None,
    approvers: tuple[str, ...] = ("U0ADMIN",),
    messages: tuple[str, ...] = (),
    version: int = 1,
    channel: str = "C0OPS",
    card_id: str = "card-1",
    **plan: object,
) -> Card:
    values: dict[str, object] = {
        "plan_id": PLAN_ID,
        "request_id": "request-1",
        "number": 12,
        "request_text": "restart every service",
        "requester": "U0ROBIN",
        "tasks": tasks,
        "status": status,
        "digest": "a" * 64,
        "created_at": datetime.now(UTC),
        "approved_at": NOW if status in DECIDED else None,
        "expires_at": NOW + timedelta(days=1),
        "decided_by": None if status is PlanStatus.PENDING_APPROVAL else "U0ADMIN",
    }
    states = tuple(state(each, task_status, reason) for each in tasks)
    return Card(
        card_id=card_id,
        version=version,
        team="T0HOME",
        channel=channel,
        thread="100.1",
        messages=messages,
        plan=PlanResult.model_validate(values | plan),
        state=PlanStatusResult(
            plan_id=PLAN_ID,
            number=12,
            request_text="restart every service",
            status=status,
            tasks=states,
            summary=summary_counts((each.status for each in states), TASK_BUCKET),
        ),
        decided_at=None if status is PlanStatus.PENDING_APPROVAL else NOW,
        decision_notes=notes,
        policy=policy,
        approvers=approvers,
    )


def notice(kind: NoticeKind, content: Mapping[str, JsonValue], **changes: object) -> Notice:
    values: dict[str, object] = {
        "notice_id": "notice-1",
        "request_id": "01938a2e-0000-7000-8000-000000000001",
        "plan_id": PLAN_ID,
        "number": 12,
        "kind": kind,
        "team": "T0HOME",
        "channel": "C0OPS",
        "thread": "100.1",
        "requester": "U0ROBIN",
        "content": dict(content),
        "created_at": datetime.now(UTC),
    }
    return Notice.model_validate(values | changes)


def payload(message: Message) -> dict[str, object]:
    return {"channel": "C0OPS", "text": message.text, "blocks": list(message.blocks)}


def size(message: Message) -> int:
    return sum(len(text) for text in texts_in(list(message.blocks)))


def read(*messages: Message) -> str:
    """Return what a person reads of these messages, as Slack decodes it."""
    return "\n".join(html.unescape(text) for it in messages for text in texts_in(list(it.blocks)))


def action_ids(message: Message) -> list[str]:
    return [
        element["action_id"]
        for block in message.blocks
        for element in elements_of(block)
        if "action_id" in element
    ]


def elements_of(block: Mapping[str, object]) -> Iterator[dict[str, str]]:
    elements = block.get("elements", [])
    assert isinstance(elements, list)
    yield from elements
