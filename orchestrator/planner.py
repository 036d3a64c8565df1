"""WorkPlanner: from what was understood to an ordered plan with a digest. Pure; stores nothing."""

from collections.abc import Callable, Sequence
from datetime import datetime

from orchestrator.catalog.models import Catalog, CatalogEntry
from orchestrator.catalog.parameters import check_parameters
from orchestrator.catalog.template import render_target, render_title
from orchestrator.domain.agents import AvailableResources, select
from orchestrator.domain.approval import highest
from orchestrator.domain.digest import ModelTier
from orchestrator.domain.ids import new_id
from orchestrator.domain.plan import ResourceNeed, WorkPlan, WorkTask, digest_of
from orchestrator.domain.request import DecomposedRequest, Subtask
from orchestrator.errors import ErrorCode, Refused


class WorkPlanner:
    """Proposes; decides and runs nothing."""

    def __init__(self, catalog: Callable[[], Catalog]) -> None:
        self._catalog = catalog

    def generate_plan(
        self,
        decomposed: DecomposedRequest,
        available_resources: AvailableResources,
        *,
        request_id: str,
        now: datetime,
        revision: int = 1,
    ) -> WorkPlan:
        """Make a plan of every subtask; its number is 0 until it is stored.

        Raises:
            Refused: a subtask names no capability of the catalogue, or a parameter does not
                fit its schema.
        """
        catalog = self._catalog()
        steps = sorted(decomposed.subtasks, key=lambda subtask: subtask.order)
        entries = [_entry(catalog, subtask) for subtask in steps]
        after = _dependencies(
            [
                subtask.concurrent or entry.capability.independent
                for subtask, entry in zip(steps, entries, strict=True)
            ]
        )
        drafts = [
            _task(subtask, entry, available_resources, now)
            for subtask, entry in zip(steps, entries, strict=True)
        ]
        waits = [_must_wait(task, available_resources, now) for task in drafts]
        tasks = _in_order(drafts, after, waits)
        return WorkPlan(
            plan_id=new_id(),
            request_id=request_id,
            number=0,
            revision=revision,
            tasks=tasks,
            human_readable_summary=_summary(tasks),
            complexity_level=decomposed.complexity_level,
            digest=digest_of(tasks, revision),
            created_at=now,
        )

    @staticmethod
    def with_models(plan: WorkPlan, *, external: bool, notes: Sequence[str]) -> WorkPlan:
        """Set the highest model tier of the open-ended tasks, and with it the digests."""
        tier = ModelTier.EXTERNAL if external else ModelTier.LOCAL
        tasks = tuple(
            _digested(task.model_copy(update={"model_tier": tier})) if task.reasoning else task
            for task in plan.tasks
        )
        changed = {
            "tasks": tasks,
            "will_use_external_ai": external,
            "notes": (*plan.notes, *notes),
            "digest": digest_of(tasks, plan.revision),
        }
        return plan.model_copy(update=changed)


def _entry(catalog: Catalog, subtask: Subtask) -> CatalogEntry:
    entry = catalog.get(subtask.intent)
    if entry is None:
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            f"The catalogue has no capability {subtask.intent!r}.",
            "`chiffon catalog list` shows what there is.",
        )
    return entry


def _dependencies(beside: Sequence[bool]) -> list[tuple[int, ...]]:
    """Return for each step the indices it waits for.

    A step waits for the one before it; steps that may run beside it wait for the same as it
    does, and the next plain step waits for all of them.
    """
    before: tuple[int, ...] = ()
    together: list[int] = []
    waits: list[tuple[int, ...]] = []
    for index, concurrent in enumerate(beside):
        if not concurrent:
            before, together = tuple(together), []
        together.append(index)
        waits.append(before)
    return waits


def _task(
    subtask: Subtask, entry: CatalogEntry, available: AvailableResources, now: datetime
) -> WorkTask:
    capability = entry.capability
    parameters = check_parameters(capability, subtask.parameters)
    task = _digested(
        WorkTask(
            task_id=new_id(),
            step_number=subtask.order,
            name=render_title(capability, parameters),
            capability=capability.name,
            agent_type=capability.agent_type,
            parameters=parameters,
            target=render_target(capability, parameters),
            risk=capability.risk.value,
            reasoning=capability.reasoning,
            idempotent=capability.idempotent,
            model_tier=ModelTier.LOCAL if capability.reasoning else ModelTier.NONE,
            resources=ResourceNeed(**capability.resources.model_dump()),
            timeout_seconds=capability.timeout_seconds,
            entry_digest=entry.digest,
            digest="",
            source_words=subtask.source_words,
            confidence=subtask.confidence,
        )
    )
    return task.model_copy(update={"notes": tuple(_notes(task, entry, available, now))})


def _digested(task: WorkTask) -> WorkTask:
    return task.model_copy(update={"digest": task.computed_digest()})


def _notes(
    task: WorkTask, entry: CatalogEntry, available: AvailableResources, now: datetime
) -> list[str]:
    pool = [
        agent for agent in available.agents if agent.online and agent.agent_type == task.agent_type
    ]
    carried = {label for agent in pool for label in agent.labels}
    notes = [
        sentence for label, sentence in entry.capability.without.items() if label not in carried
    ]
    choice = select(available.agents, task, now)
    if choice.agent is None:
        outlook = "It will wait." if choice.must_wait else "As things are, this step would fail."
        notes.append(f"{choice.sentence} {outlook}")
    return notes


def _must_wait(task: WorkTask, available: AvailableResources, now: datetime) -> bool:
    return select(available.agents, task, now).agent is None


def _in_order(
    drafts: Sequence[WorkTask], after: Sequence[tuple[int, ...]], waits: Sequence[bool]
) -> tuple[WorkTask, ...]:
    """Number the tasks: dependencies first, then what can run now, then the text's order."""
    left = list(range(len(drafts)))
    order: list[int] = []
    while left:
        open_now = [index for index in left if set(after[index]) <= set(order)]
        chosen = min(open_now, key=lambda index: (waits[index], index))
        order.append(chosen)
        left.remove(chosen)
    step = {index: number for number, index in enumerate(order, start=1)}
    return tuple(
        drafts[index].model_copy(
            update={
                "step_number": step[index],
                "depends_on": tuple(sorted(step[each] for each in after[index])),
            }
        )
        for index in order
    )


def _summary(tasks: Sequence[WorkTask]) -> str:
    names = [task.name for task in tasks]
    risk = highest([task.risk for task in tasks])
    steps = "1 step" if len(tasks) == 1 else f"{len(tasks)} steps"
    listed = "; ".join(f"{number}. {name}" for number, name in enumerate(names, start=1))
    return f"{steps}, highest risk {risk}: {listed}"
