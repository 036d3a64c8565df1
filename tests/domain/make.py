"""Values for tests: whole and plain, each field replaceable by keyword."""

from datetime import UTC, datetime

from orchestrator.domain.agents import AgentProfile
from orchestrator.domain.attempt import Attempt
from orchestrator.domain.ids import new_id
from orchestrator.domain.lifecycle import AttemptStatus, RequestStatus
from orchestrator.domain.plan import ResourceNeed, WorkPlan, WorkTask, digest_of
from orchestrator.domain.request import Complexity, Request

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ENTRY = "e" * 64


def make_request(**fields: object) -> Request:
    """Return a pending request."""
    plain: dict[str, object] = {
        "request_id": new_id(),
        "team": "local",
        "requester": "ana",
        "request_text": "Deploy Kuma",
        "correlation_id": "correlation",
        "status": RequestStatus.PENDING,
        "created_at": NOON,
    }
    return Request.model_validate({**plain, **fields})


def make_task(step: int = 1, /, **fields: object) -> WorkTask:
    """Return a pending task whose digest is right."""
    plain: dict[str, object] = {
        "task_id": new_id(),
        "step_number": step,
        "name": f"Step {step}",
        "capability": "deploy_service",
        "agent_type": "infra",
        "parameters": {"service": "kuma"},
        "risk": "medium",
        "resources": ResourceNeed(cpu_cores=1, memory_mb=100, duration_seconds=30),
        "entry_digest": ENTRY,
        "digest": "",
    }
    task = WorkTask.model_validate({**plain, **fields})
    return task if task.digest else task.model_copy(update={"digest": task.computed_digest()})


def make_plan(*tasks: WorkTask, **fields: object) -> WorkPlan:
    """Return a plan of these tasks (of one if none is given), waiting for approval."""
    steps = tasks or (make_task(),)
    plain: dict[str, object] = {
        "plan_id": new_id(),
        "request_id": new_id(),
        "number": 1,
        "tasks": steps,
        "human_readable_summary": "A plan",
        "complexity_level": Complexity.SIMPLE,
        "digest": "",
        "created_at": NOON,
    }
    plan = WorkPlan.model_validate({**plain, **fields})
    return plan.model_copy(update={"digest": plan.digest or digest_of(steps, plan.revision)})


def make_attempt(task: WorkTask, plan_id: str, /, **fields: object) -> Attempt:
    """Return the first, queued attempt of a task by `agent-1`."""
    plain: dict[str, object] = {
        "attempt_id": new_id(),
        "task_id": task.task_id,
        "plan_id": plan_id,
        "number": 1,
        "round": task.round,
        "agent_id": "agent-1",
        "incarnation": "first",
        "status": AttemptStatus.QUEUED,
    }
    return Attempt.model_validate({**plain, **fields})


def make_agent(name: str = "agent-1", /, **fields: object) -> AgentProfile:
    """Return an online infra agent that can run what `make_task` makes."""
    plain: dict[str, object] = {
        "agent_id": name,
        "name": name,
        "agent_type": "infra",
        "incarnation": "first",
        "online": True,
        "capabilities": {"deploy_service": ENTRY},
        "free": ResourceNeed(cpu_cores=4, memory_mb=4000, gpu_vram_mb=0),
        "last_seen_at": NOON,
    }
    return AgentProfile.model_validate({**plain, **fields})
