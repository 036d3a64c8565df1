"""Who can run a task, and who does it best: hard filters first, then a score from 0 to 100."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from pydantic import Field

from orchestrator.domain.plan import ResourceNeed, WorkTask
from orchestrator.domain.value import Value
from orchestrator.domain.views import CandidateView

LEASE = timedelta(seconds=30)
"""An agent that gave no sign of life for this long counts as silent."""

_SUCCESS_POINTS = 40.0
_RECENT_POINTS = 30.0
_SPECIALIZATION_POINTS = 20.0
_LOAD_POINTS = 10.0
_ENOUGH_RUNS = 10  # up to here a success rate says little and counts as one half
_RECENT = timedelta(hours=4)
_MIB_NAMES = {
    "cpu_cores": "cores",
    "memory_mb": "MiB of memory",
    "gpu_vram_mb": "MiB of GPU memory",
}


class Performance(Value):
    """How an agent did on one kind of work."""

    runs: int = 0
    successes: int = 0
    last_done_at: datetime | None = None


class AgentProfile(Value):
    """A registered agent as routing sees it."""

    agent_id: str
    name: str
    agent_type: str
    incarnation: str
    online: bool
    status: str = "ready"
    labels: dict[str, str] = Field(default_factory=dict)
    specializations: tuple[str, ...] = ()
    capabilities: dict[str, str] = Field(
        default_factory=dict, description="Capability to entry digest"
    )
    load: float = 0
    free: ResourceNeed = ResourceNeed()
    reserved: ResourceNeed = Field(
        default=ResourceNeed(), description="What its open attempts will need"
    )
    last_seen_at: datetime
    performance: dict[str, Performance] = Field(default_factory=dict)

    def serves(self, target: str | None) -> bool:
        """Say whether a label (`key`, `key=value`, or a value) names `target`."""
        if target is None:
            return True
        return (
            target in self.labels
            or target in self.labels.values()
            or any(target == f"{key}={value}" for key, value in self.labels.items())
        )

    def lacks(self, need: ResourceNeed, *, when_idle: bool = False) -> str | None:
        """Return the first resource of which it has too little, in words; None if all fit.

        `when_idle` asks what it could do were it done with its open attempts: what they take is
        missing from what it says is free, and comes back.
        """
        for name, unit in _MIB_NAMES.items():
            needed = getattr(need, name)
            booked = getattr(self.reserved, name)
            left = getattr(self.free, name) + (booked if when_idle else -booked)
            if needed > left:
                return f"{needed:g} {unit} needed, {max(left, 0):g} free"
        return None


class AvailableResources(Value):
    """What the online agents have free together, and each of them."""

    cpu_cores: float = 0
    memory_mb: int = 0
    gpu_vram_mb: int = 0
    agents: tuple[AgentProfile, ...] = ()


def available(agents: Iterable[AgentProfile]) -> AvailableResources:
    """Add up what online agents have free beyond what their open attempts need."""
    found = tuple(agents)
    online = [agent for agent in found if agent.online]
    return AvailableResources(
        cpu_cores=sum(max(agent.free.cpu_cores - agent.reserved.cpu_cores, 0) for agent in online),
        memory_mb=sum(max(agent.free.memory_mb - agent.reserved.memory_mb, 0) for agent in online),
        gpu_vram_mb=sum(
            max(agent.free.gpu_vram_mb - agent.reserved.gpu_vram_mb, 0) for agent in online
        ),
        agents=found,
    )


def exclusion(agent: AgentProfile, task: WorkTask, tried: Iterable[tuple[str, str]]) -> str | None:
    """Return why `agent` cannot run `task` however long one waits; None if it can.

    `tried` holds (agent id, incarnation) of the attempts of this round.
    """
    known = agent.capabilities.get(task.capability)
    lacking = agent.lacks(task.resources, when_idle=True)
    filters = (
        (agent.agent_type != task.agent_type, f"of type {agent.agent_type}"),
        (not agent.online, "offline"),
        (agent.status != "ready", "stopping"),
        (known is None, f"cannot do {task.capability}"),
        (known != task.entry_digest, f"has another version of {task.capability}"),
        (not agent.serves(task.target), f"does not serve {task.target}"),
        ((agent.agent_id, agent.incarnation) in set(tried), "has tried it already"),
        (lacking is not None, f"too small: {lacking}"),
    )
    return next((reason for applies, reason in filters if applies), None)


def score_parts(agent: AgentProfile, work_type: str, now: datetime) -> dict[str, float]:
    """Return the points by reason: success, recent, specialization, load."""
    record = agent.performance.get(work_type, Performance())
    known = record.runs > _ENOUGH_RUNS
    rate = record.successes / record.runs if known else 0.5
    recent = record.last_done_at is not None and now - record.last_done_at <= _RECENT
    special = work_type in agent.specializations
    return {
        "success": round(rate * _SUCCESS_POINTS, 2),
        "recent": _RECENT_POINTS if recent else 0.0,
        "specialization": _SPECIALIZATION_POINTS if special else 0.0,
        "load": round((1 - min(max(agent.load, 0), 1)) * _LOAD_POINTS, 2),
    }


class AgentSelection(Value):
    """Which agent was picked, out of whom, and why."""

    agent: AgentProfile | None = None
    score: float | None = None
    sentence: str
    must_wait: bool = Field(
        default=False,
        description="Somebody can run it, but all who can are busy now or about to start again",
    )
    candidates: tuple[CandidateView, ...] = ()


def select(
    agents: Iterable[AgentProfile],
    task: WorkTask,
    now: datetime,
    tried: Iterable[tuple[str, str]] = (),
) -> AgentSelection:
    """Pick the best agent for `task`; on equal scores the one with the lowest load, then name."""
    seen = list(agents)
    done = list(tried)
    leaving = [agent for agent in seen if _may_come_back(agent, task)]
    excluded = {agent.agent_id: exclusion(agent, task, done) for agent in seen}
    able = [agent for agent in seen if excluded[agent.agent_id] is None]
    busy = {agent.agent_id: agent.lacks(task.resources) for agent in able}
    free = [agent for agent in able if busy[agent.agent_id] is None]
    parts = {agent.agent_id: score_parts(agent, task.capability, now) for agent in free}
    views = tuple(
        CandidateView(
            agent_id=agent.agent_id,
            name=agent.name,
            excluded=excluded[agent.agent_id] or busy.get(agent.agent_id),
            score=_total(parts.get(agent.agent_id)),
            parts=parts.get(agent.agent_id, {}),
        )
        for agent in seen
    )
    if not free:
        return AgentSelection(
            sentence=_nobody(task, able, busy, excluded),
            must_wait=bool(able or leaving),
            candidates=views,
        )
    best = min(
        free, key=lambda agent: (-sum(parts[agent.agent_id].values()), agent.load, agent.name)
    )
    score = round(sum(parts[best.agent_id].values()), 2)
    sentence = _chosen(best, score, parts[best.agent_id], rivals=len(free) - 1)
    return AgentSelection(agent=best, score=score, sentence=sentence, candidates=views)


def _may_come_back(agent: AgentProfile, task: WorkTask) -> bool:
    """Say whether an agent that is stopping could run `task` once it has started again.

    Until then the task waits; if the agent stays away, it counts as offline before long.
    """
    again = agent.model_copy(update={"status": "ready"})
    return agent.status != "ready" and exclusion(again, task, ()) is None


def _total(parts: Mapping[str, float] | None) -> float | None:
    return None if parts is None else round(sum(parts.values()), 2)


def _chosen(agent: AgentProfile, score: float, parts: Mapping[str, float], rivals: int) -> str:
    reasons = ", ".join(f"{name} {points:g}" for name, points in parts.items())
    others = f"best of {rivals + 1}" if rivals else "the only one that can"
    return f"{agent.name}: {others}, {score:g} of 100 points ({reasons})."


def _nobody(
    task: WorkTask,
    able: list[AgentProfile],
    busy: Mapping[str, str | None],
    excluded: Mapping[str, str | None],
) -> str:
    if able:
        waits = "; ".join(f"{agent.name}: {busy[agent.agent_id]}" for agent in able)
        return f"Waiting for a free {task.agent_type} agent ({waits})."
    if not excluded:
        return f"No {task.agent_type} agent is registered."
    pool = {reason for reason in excluded.values() if reason and not reason.startswith("of type")}
    if not pool:
        return f"No {task.agent_type} agent is registered."
    return f"No {task.agent_type} agent can run {task.capability}: {'; '.join(sorted(pool))}."
