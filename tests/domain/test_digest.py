"""Digests: stable, moved by everything that changes what runs, by nothing else."""

import hashlib
from collections.abc import Callable

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.digest import (
    ModelTier,
    canonical_hash,
    entry_digest,
    plan_digest,
    task_digest,
)
from orchestrator.domain.plan import WorkTask
from orchestrator.domain.value import Parameters
from tests.domain.make import make_plan, make_task


def test_the_digests_of_version_1_never_change() -> None:
    """Golden values: approvals in databases out there are bound to them."""
    entry = entry_digest("a" * 64, {"run.py": "b" * 64, "lib.py": "c" * 64})
    assert entry == "a5d3e67f07782806b529a2fc29e595a430354e6ac26fda6d7dc2c5b6ff848948"
    task = task_digest(
        entry=entry,
        parameters={"service": "kuma", "ports": [80, 443], "tls": True, "note": "é"},
        target="node2",
        agent_type="infra",
        model_tier=ModelTier.NONE,
    )
    assert task == "9d4b8b16374b94c9a4da7ba64474c35d921dbf164d6dfdff0ee77f9247f4c1b7"
    assert (
        plan_digest([(task, ()), ("d" * 64, (1,))], 1)
        == "0224ab036b36e4d3fe7a44e32d37985f70fac1a2f75d182ab97d738cd7af1af1"
    )


def test_a_task_digest_is_the_sha_256_of_the_canonical_form_of_its_five_parts() -> None:
    text = (
        '{"agent_type":"infra","entry":"e","model_tier":"local",'
        '"parameters":{"a":1,"b":[true,null]},"target":null}'
    )
    found = task_digest(
        entry="e",
        parameters={"b": [True, None], "a": 1},
        target=None,
        agent_type="infra",
        model_tier="local",
    )
    assert found == hashlib.sha256(text.encode()).hexdigest()


_CHANGES: dict[str, Callable[[WorkTask], WorkTask]] = {
    "a parameter's value": lambda task: _with(task, parameters={"service": "Kuma"}),
    "a further parameter": lambda task: _with(task, parameters={**task.parameters, "host": ""}),
    "no parameter": lambda task: _with(task, parameters={}),
    "a parameter's type": lambda task: _with(task, parameters={"service": ["kuma"]}),
    "the target": lambda task: _with(task, target="node2"),
    "the empty target": lambda task: _with(task, target=""),
    "the pool": lambda task: _with(task, agent_type="code"),
    "the model tier": lambda task: _with(task, model_tier=ModelTier.EXTERNAL),
    "the catalogue entry": lambda task: _with(task, entry_digest="f" * 64),
}
_WORDING: dict[str, object] = {
    "name": "Another name",
    "source_words": "other words",
    "confidence": 0.1,
    "notes": ("a note",),
    "risk": "high",
    "timeout_seconds": 5,
    "status": "completed",
    "round": 2,
    "task_id": "another",
    "capability": "same_entry_by_digest",
}


@pytest.mark.parametrize("change", _CHANGES.values(), ids=_CHANGES)
def test_what_changes_the_run_changes_both_digests(
    change: Callable[[WorkTask], WorkTask],
) -> None:
    task = make_task(2)
    first = make_task(1)
    changed = change(task)
    assert changed.computed_digest() != task.computed_digest()
    plan = make_plan(first, task)
    assert _with_tasks(plan.tasks[0], changed) != plan.computed_digest()


@pytest.mark.parametrize("field", _WORDING)
def test_wording_and_progress_change_no_digest(field: str) -> None:
    task = make_task()
    changed = task.model_copy(update={field: _WORDING[field]})
    assert changed.computed_digest() == task.computed_digest()
    assert make_plan(changed).computed_digest() == make_plan(task).computed_digest()


def test_the_entry_given_by_the_agent_counts_instead_of_the_planned_one() -> None:
    task = make_task()
    assert task.computed_digest(task.entry_digest) == task.digest
    assert task.computed_digest("f" * 64) != task.digest


@pytest.mark.parametrize(
    ("steps", "revision"),
    [
        pytest.param([("b", ()), ("a", (1,))], 1, id="order"),
        pytest.param([("a", ()), ("b", ())], 1, id="dependency"),
        pytest.param([("a", ()), ("b", (1,)), ("c", ())], 1, id="a further step"),
        pytest.param([("a", ())], 1, id="a step less"),
        pytest.param([("a", ()), ("b", (1,))], 2, id="revision"),
    ],
)
def test_order_dependencies_and_revision_are_in_a_plans_digest(
    steps: list[tuple[str, tuple[int, ...]]], revision: int
) -> None:
    assert plan_digest(steps, revision) != plan_digest([("a", ()), ("b", (1,))], 1)


def test_dependencies_are_a_set() -> None:
    one = plan_digest([("a", ()), ("b", ()), ("c", (2, 1))], 1)
    assert one == plan_digest([("a", ()), ("b", ()), ("c", (1, 2))], 1)


def test_a_plans_digest_follows_step_numbers_not_the_order_of_rows() -> None:
    first, second = make_task(1), make_task(2, depends_on=(1,), parameters={"service": "redis"})
    assert make_plan(first, second).digest == make_plan(second, first).digest
    swapped = make_plan(
        first.model_copy(update={"step_number": 2}), second.model_copy(update={"step_number": 1})
    )
    assert swapped.digest != make_plan(first, second).digest


def test_the_files_that_an_entry_runs_are_in_its_digest() -> None:
    base = entry_digest("a", {"run.py": "1"})
    assert base != entry_digest("a", {"run.py": "2"})
    assert base != entry_digest("a", {"other.py": "1"})
    assert base != entry_digest("a", {})
    assert base != entry_digest("b", {"run.py": "1"})


def test_the_order_of_keys_does_not_matter() -> None:
    assert canonical_hash({"a": 1, "b": 2}) == canonical_hash({"b": 2, "a": 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53 + 1])
def test_what_has_no_canonical_form_has_no_digest(value: float) -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical_hash({"value": value})
    with pytest.raises(ValueError, match=r"."):
        make_task(parameters={"value": value})


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(
    left=st.dictionaries(st.text(max_size=3), _json, max_size=3),
    right=st.dictionaries(st.text(max_size=3), _json, max_size=3),
)
def test_parameters_have_equal_digests_exactly_when_they_are_equal_json(
    left: Parameters, right: Parameters
) -> None:
    same = rfc8785.dumps(left) == rfc8785.dumps(right)
    equal = _of(left) == _of(right)
    assert same == equal


def _of(parameters: Parameters) -> str:
    return task_digest(
        entry="e", parameters=parameters, target=None, agent_type="infra", model_tier="none"
    )


def _with(task: WorkTask, **fields: object) -> WorkTask:
    return task.model_copy(update=fields)


def _with_tasks(*tasks: WorkTask) -> str:
    return make_plan(*tasks).computed_digest()
