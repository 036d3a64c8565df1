"""WorkPlanner: order, dependencies, what can run now first, notes, tiers and digests."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from orchestrator.catalog.loader import entry_hash
from orchestrator.catalog.models import Capability, Catalog, CatalogEntry, Resources, Risk
from orchestrator.domain.agents import AgentProfile, AvailableResources, available
from orchestrator.domain.digest import ModelTier
from orchestrator.domain.ids import is_id
from orchestrator.domain.lifecycle import PlanStatus, TaskStatus
from orchestrator.domain.plan import ResourceNeed, WorkPlan, ready_tasks
from orchestrator.domain.request import Complexity, DecomposedRequest, Subtask
from orchestrator.errors import ErrorCode, Refused
from orchestrator.planner import WorkPlanner
from tests.domain.make import NOON, make_agent

_STRINGS: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"service": {"type": "string"}, "host": {"type": "string"}},
}


def _capability(name: str, **fields: object) -> Capability:
    plain: dict[str, object] = {
        "name": name,
        "description": name,
        "title": f"{name} {{{{ service }}}}",
        "agent_type": "infra",
        "risk": Risk.LOW,
        "parameters": _STRINGS,
        "resources": Resources(cpu_cores=1, memory_mb=100, duration_seconds=30),
        "timeout_seconds": 77,
    }
    return Capability.model_validate({**plain, **fields})


def _entry(capability: Capability) -> CatalogEntry:
    return CatalogEntry(
        capability=capability, source="test:1", folder="/", entry_hash=entry_hash(capability)
    )


_CAPABILITIES = [
    _capability("deploy", risk=Risk.MEDIUM, idempotent=True),
    _capability("look", independent=True, risk=Risk.NONE),
    _capability("restart", runs_on="{{ host }}"),
    _capability("start", without={"docker": "Docker does not answer here: files only."}),
    _capability("research", agent_type="research", reasoning=True),
    _capability("code", agent_type="code"),
]
_CATALOG = Catalog(entries={each.name: _entry(each) for each in _CAPABILITIES})
_DIGESTS = {name: entry.digest for name, entry in _CATALOG.entries.items()}
_INFRA = make_agent("infra-1", capabilities=_DIGESTS)
_CODER = make_agent("coder-1", agent_type="code", capabilities=_DIGESTS)


def _subtask(order: int, intent: str, **fields: object) -> Subtask:
    plain: dict[str, object] = {
        "order": order,
        "name": f"{intent} it",
        "intent": intent,
        "confidence": 0.5,
        "parameters": {"service": f"s{order}"},
        "source_words": f"{intent} words",
    }
    return Subtask.model_validate({**plain, **fields})


def _plan(
    *subtasks: Subtask, agents: Sequence[AgentProfile] = (_INFRA,), revision: int = 1
) -> WorkPlan:
    decomposed = DecomposedRequest(
        original_request="words",
        subtasks=subtasks,
        complexity_level=Complexity.MEDIUM,
        decomposer_model="test",
    )
    planner = WorkPlanner(lambda: _CATALOG)
    found = available(agents)
    return planner.generate_plan(decomposed, found, request_id="r", now=NOON, revision=revision)


def _shape(plan: WorkPlan) -> list[tuple[str, tuple[int, ...]]]:
    return [(str(task.parameters["service"]), task.depends_on) for task in plan.tasks]


def test_a_task_says_all_that_the_subtask_and_the_catalogue_say() -> None:
    [task] = _plan(_subtask(1, "deploy")).tasks
    assert is_id(task.task_id)
    assert (task.step_number, task.name, task.capability) == (1, "deploy s1", "deploy")
    assert (task.agent_type, task.risk, task.timeout_seconds) == ("infra", "medium", 77)
    assert (task.reasoning, task.idempotent, task.model_tier) == (False, True, ModelTier.NONE)
    assert (task.parameters, task.target) == ({"service": "s1"}, None)
    need = ResourceNeed(cpu_cores=1, memory_mb=100, gpu_vram_mb=0, duration_seconds=30)
    assert task.resources == need
    assert (task.source_words, task.confidence) == ("deploy words", 0.5)
    assert (task.status, task.round, task.notes) == (TaskStatus.PENDING, 1, ())
    assert task.entry_digest == _CATALOG.entries["deploy"].digest
    assert task.digest == task.computed_digest()


def test_a_plan_waits_for_approval_and_gets_its_number_when_it_is_stored() -> None:
    plan = _plan(_subtask(1, "deploy"), _subtask(2, "look"), revision=3)
    assert is_id(plan.plan_id)
    assert (plan.request_id, plan.number, plan.revision) == ("r", 0, 3)
    assert (plan.status, plan.created_at) == (PlanStatus.PENDING_APPROVAL, NOON)
    assert plan.complexity_level is Complexity.MEDIUM
    assert plan.digest == plan.computed_digest()
    assert plan.human_readable_summary == ("2 steps, highest risk medium: 1. deploy s1; 2. look s2")


def test_one_step_is_one_step() -> None:
    assert _plan(_subtask(1, "look")).human_readable_summary.startswith("1 step, highest risk none")


def test_each_step_waits_for_the_one_before_it() -> None:
    plan = _plan(*(_subtask(n, "deploy") for n in (1, 2, 3)))
    assert _shape(plan) == [("s1", ()), ("s2", (1,)), ("s3", (2,))]


def test_the_order_is_that_of_the_text_not_of_the_list() -> None:
    plan = _plan(*(_subtask(n, "deploy") for n in (3, 1, 2)))
    assert _shape(plan) == [("s1", ()), ("s2", (1,)), ("s3", (2,))]


def test_a_step_meant_to_go_beside_waits_for_the_same_and_the_next_for_both() -> None:
    beside = _subtask(3, "deploy", concurrent=True)
    plan = _plan(_subtask(1, "deploy"), _subtask(2, "deploy"), beside, _subtask(4, "deploy"))
    assert _shape(plan) == [("s1", ()), ("s2", (1,)), ("s3", (1,)), ("s4", (2, 3))]


def test_a_capability_that_is_independent_waits_for_nobody_before_it() -> None:
    plan = _plan(_subtask(1, "deploy"), _subtask(2, "look"), _subtask(3, "look"))
    assert _shape(plan) == [("s1", ()), ("s2", ()), ("s3", ())]


def test_a_first_step_that_may_go_beside_has_nothing_to_wait_for() -> None:
    plan = _plan(_subtask(1, "look"), _subtask(2, "deploy"), _subtask(3, "deploy", concurrent=True))
    assert _shape(plan) == [("s1", ()), ("s2", (1,)), ("s3", (1,))]


def test_what_can_run_now_comes_before_what_must_wait() -> None:
    """Only the code agent is online, so the second step can run and the first cannot."""
    plan = _plan(_subtask(1, "look"), _subtask(2, "code", concurrent=True), agents=[_CODER])
    assert _shape(plan) == [("s2", ()), ("s1", ())]
    assert [task.step_number for task in plan.tasks] == [1, 2]
    assert plan.digest == plan.computed_digest()


def test_dependencies_come_before_what_could_run_now() -> None:
    plan = _plan(_subtask(1, "deploy"), _subtask(2, "code"), agents=[_CODER])
    assert _shape(plan) == [("s1", ()), ("s2", (1,))]


def test_what_is_moved_takes_its_dependencies_with_it() -> None:
    parts = [_subtask(1, "look"), _subtask(2, "code", concurrent=True), _subtask(3, "deploy")]
    plan = _plan(*parts, agents=[_CODER])
    assert _shape(plan) == [("s2", ()), ("s1", ()), ("s3", (1, 2))]


def test_a_target_is_filled_in_from_the_parameters() -> None:
    agent = make_agent("infra-1", capabilities=_DIGESTS, labels={"host": "node2"})
    step = _subtask(1, "restart", parameters={"service": "nginx", "host": "node2"})
    [task] = _plan(step, agents=[agent]).tasks
    assert (task.target, task.notes) == ("node2", ())


def test_what_nobody_can_run_is_said_at_plan_time() -> None:
    [task] = _plan(_subtask(1, "deploy"), agents=[]).tasks
    expected = "No infra agent is registered. As things are, this step would fail."
    assert task.notes == (expected,)


def test_a_pool_that_is_offline_is_said_at_plan_time() -> None:
    offline = make_agent("infra-1", capabilities=_DIGESTS, online=False)
    [task] = _plan(_subtask(1, "deploy"), agents=[offline]).tasks
    assert task.notes == (
        "No infra agent can run deploy: offline. As things are, this step would fail.",
    )


def test_what_must_wait_for_a_busy_agent_is_said_at_plan_time() -> None:
    busy = make_agent("infra-1", capabilities=_DIGESTS, reserved=ResourceNeed(cpu_cores=4))
    [task] = _plan(_subtask(1, "deploy"), agents=[busy]).tasks
    assert task.notes == (
        "Waiting for a free infra agent (infra-1: 1 cores needed, 0 free). It will wait.",
    )


def test_what_a_pool_without_a_label_cannot_do_is_said() -> None:
    [task] = _plan(_subtask(1, "start")).tasks
    assert task.notes == ("Docker does not answer here: files only.",)


@pytest.mark.parametrize(
    ("labels", "fields", "said"),
    [
        ({"docker": ""}, {}, False),
        ({"docker": ""}, {"online": False}, True),
        ({"docker": ""}, {"agent_type": "code"}, True),
        ({"other": "docker"}, {}, True),
    ],
)
def test_only_the_labels_of_the_online_pool_count(
    labels: dict[str, str], fields: dict[str, object], *, said: bool
) -> None:
    other = make_agent("other", capabilities=_DIGESTS, labels=labels, **fields)
    [task] = _plan(_subtask(1, "start"), agents=[_INFRA, other]).tasks
    assert ("Docker does not answer here: files only." in task.notes) == said


def test_what_the_catalogue_does_not_know_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        _plan(_subtask(1, "deploy"), _subtask(2, "make_coffee"))
    assert refused.value.error.code is ErrorCode.INVALID_REQUEST
    assert refused.value.error.message == "The catalogue has no capability 'make_coffee'."
    assert refused.value.error.hint == "`chiffon catalog list` shows what there is."


@pytest.mark.parametrize("parameters", [{"service": 7}, {"service": "s", "unknown": "x"}])
def test_a_parameter_that_does_not_fit_is_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(Refused):
        _plan(_subtask(1, "deploy", parameters=parameters))


@pytest.mark.parametrize(
    ("external", "tier"), [(True, ModelTier.EXTERNAL), (False, ModelTier.LOCAL)]
)
def test_open_ended_steps_get_the_tier_and_with_it_new_digests(
    *, external: bool, tier: ModelTier
) -> None:
    plan = _plan(_subtask(1, "deploy"), _subtask(2, "research"))
    assert [task.model_tier for task in plan.tasks] == [ModelTier.NONE, ModelTier.LOCAL]
    changed = WorkPlanner.with_models(plan, external=external, notes=["No external model."])
    assert [task.model_tier for task in changed.tasks] == [ModelTier.NONE, tier]
    assert changed.will_use_external_ai == external
    assert changed.notes == ("No external model.",)
    assert changed.digest == changed.computed_digest()
    assert [task.digest for task in changed.tasks] == [t.computed_digest() for t in changed.tasks]
    assert (changed.digest != plan.digest) == external
    assert changed.tasks[0] == plan.tasks[0]


def test_the_same_understanding_gives_the_same_digest_and_a_new_revision_another() -> None:
    parts = [_subtask(1, "deploy"), _subtask(2, "look")]
    assert _plan(*parts).digest == _plan(*parts).digest
    assert _plan(*parts).digest != _plan(*parts, revision=2).digest


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["deploy", "look", "code"]), st.booleans()), max_size=7
    ),
    online=st.sets(st.sampled_from([_INFRA.name, _CODER.name])),
)
def test_any_plan_is_numbered_through_and_can_be_carried_out(
    steps: list[tuple[str, bool]], online: set[str]
) -> None:
    subtasks = [
        _subtask(order, intent, concurrent=beside)
        for order, (intent, beside) in enumerate(steps, start=1)
    ]
    plan = _plan(*subtasks, agents=[each for each in (_INFRA, _CODER) if each.name in online])
    assert [task.step_number for task in plan.tasks] == list(range(1, len(steps) + 1))
    assert {str(task.parameters["service"]) for task in plan.tasks} == {
        f"s{order}" for order in range(1, len(steps) + 1)
    }
    assert all(before < task.step_number for task in plan.tasks for before in task.depends_on)
    tasks = list(plan.tasks)
    while ready := ready_tasks(tasks):
        done = {task.step_number for task in ready}
        tasks = [
            task.model_copy(update={"status": TaskStatus.COMPLETED})
            if task.step_number in done
            else task
            for task in tasks
        ]
    assert {task.status for task in tasks} <= {TaskStatus.COMPLETED}


def test_nothing_available_is_nothing_online() -> None:
    assert available([]) == AvailableResources()
