"""What the service in memory tells: plans, questions, logs, reasons."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import JsonValue

from orchestrator.domain.ids import new_id
from orchestrator.domain.lifecycle import PlanStatus, TaskStatus
from orchestrator.domain.plan import ResourceNeed, WorkTask
from orchestrator.domain.request import Ambiguity, AmbiguityKind
from orchestrator.domain.views import (
    CandidateView,
    CapabilityForm,
    CapabilityOption,
    ExecutionLog,
    PlanResult,
    RoutingView,
    TaskState,
)
from orchestrator.errors import Error, ErrorCode

NOW = datetime(2026, 11, 22, 10, 2, tzinfo=UTC)
HOSTILE = "[red]not red[/red] \x1b[31mESC\x1b[0m \u202eflip"
OPTIONS = ("nginx", "traefik")


@dataclass
class StoredPlan:
    """A plan and how its steps will go."""

    shown: PlanResult
    ends: dict[int, TaskStatus]
    looks: int = 0
    status: PlanStatus = PlanStatus.PENDING_APPROVAL
    states: dict[int, TaskStatus] = field(default_factory=dict)


def task(step: int, *, risk: str = "low", after: tuple[int, ...] = ()) -> WorkTask:
    """Return a step that restarts something."""
    return WorkTask(
        task_id=new_id(),
        step_number=step,
        name=f"Restart nginx on node{step}",
        capability="restart_service",
        agent_type="infra",
        parameters={"service": "nginx", "port": 80 + step, "tags": ["a", "b"]},
        target=f"node{step}",
        risk=risk,
        resources=ResourceNeed(cpu_cores=1, memory_mb=64, gpu_vram_mb=8, duration_seconds=20),
        depends_on=after,
        entry_digest="e" * 64,
        digest="d" * 64,
        source_words=f"restart nginx {HOSTILE}",
        confidence=0.93,
        notes=("no Docker engine here: files only, nothing will be started",),
    )


def absent() -> Error:
    return Error(
        code=ErrorCode.NOT_FOUND,
        message="There is no such plan.",
        hint="`chiffon status` lists the plans.",
    )


def open_questions() -> tuple[Ambiguity, ...]:
    return (
        Ambiguity(
            id="service",
            kind=AmbiguityKind.MISSING_PARAMETER,
            question="Which service?",
            options=OPTIONS,
        ),
        Ambiguity(
            id="host", kind=AmbiguityKind.UNCLEAR_REFERENCE, question=f"On which host? {HOSTILE}"
        ),
    )


def capabilities() -> tuple[CapabilityOption, ...]:
    """Return what may have been meant; the first is what was understood."""
    names = ("restart_service", "stop_service", *(f"other_{number}" for number in range(1, 7)))
    return tuple(
        CapabilityOption(
            name=name,
            description=f"Do {name.replace('_', ' ')} {HOSTILE}",
            risk="low",
            understood=name == "restart_service",
        )
        for name in names
    )


def form_of(capability: str) -> CapabilityForm:
    """Return a form with a field of each kind."""
    properties: dict[str, JsonValue] = {
        "tags": {"type": "array", "items": {"type": "string"}},
        "service": {"type": "string", "description": "Name of the service."},
        "host": {"enum": ["node1", "node2"], "default": "node1"},
        "force": {"type": "boolean"},
        "note": {"type": "string"},
    }
    return CapabilityForm(
        capability=capability,
        description="Stop a service",
        risk="low",
        parameters_schema={"type": "object", "required": ["service"], "properties": properties},
        suggested={"service": "nginx", "tags": ["a", "b"]},
    )


def walk_on(plan: StoredPlan) -> None:
    """Move the plan on by one step each time it is looked at."""
    if plan.status not in {PlanStatus.APPROVED, PlanStatus.EXECUTING}:
        return
    plan.status = PlanStatus.EXECUTING
    order = [TaskStatus.DISPATCHED, TaskStatus.EXECUTING]
    for step, end in plan.ends.items():
        if plan.states[step] is end:
            continue
        at = order.index(plan.states[step]) + 1 if plan.states[step] in order else 0
        plan.states[step] = order[at] if at < len(order) else end
        break
    if plan.states == plan.ends:
        plan.status = {
            TaskStatus.FAILED: PlanStatus.FAILED,
            TaskStatus.OUTCOME_UNKNOWN: PlanStatus.WAITING,
        }.get(plan.ends[2], PlanStatus.COMPLETED)


def has_run(plan: StoredPlan, step: int) -> bool:
    return plan.states[step] is plan.ends[step]


def state_of(of: WorkTask, states: dict[int, TaskStatus]) -> TaskState:
    status = states[of.step_number]
    begun = status is not TaskStatus.PENDING
    return TaskState(
        task_id=of.task_id,
        step_number=of.step_number,
        name=of.name,
        status=status,
        agent_id="a1" if begun else None,
        agent_name="embedded" if begun else None,
        attempts=int(begun),
        progress=40 if status is TaskStatus.EXECUTING else None,
        reason="the unit is masked" if status is TaskStatus.FAILED else None,
        duration_seconds=0.8 if status in {TaskStatus.COMPLETED, TaskStatus.FAILED} else None,
    )


def log_of(of: WorkTask) -> ExecutionLog:
    lines = "\n".join(f"line {number} {HOSTILE}" for number in range(1, 31))
    return ExecutionLog(
        step_number=of.step_number,
        task_id=of.task_id,
        attempt_id=new_id(),
        attempt_number=1,
        agent_id="a1",
        work_type=of.capability,
        status="succeeded",
        exit_code=0,
        output=lines,
        duration_seconds=0.8,
    )


def routing() -> RoutingView:
    return RoutingView(
        step_number=1,
        task_id=new_id(),
        attempt_number=1,
        agent_id="a1",
        agent_name="embedded",
        score=57.5,
        sentence="embedded is free and has done this before.",
        candidates=(
            CandidateView(
                agent_id="a1",
                name="embedded",
                score=57.5,
                parts={"success": 20, "recent": 30, "specialization": 0, "load": 7.5},
            ),
            CandidateView(agent_id="a2", name="other", excluded="it is offline"),
        ),
        at=NOW,
    )
