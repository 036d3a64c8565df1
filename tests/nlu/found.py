"""What tests look at of what was understood."""

from collections.abc import Callable

from orchestrator.domain.request import DecomposedRequest

Read = Callable[[str], DecomposedRequest]
Steps = list[tuple[str, dict[str, object]]]


def steps(found: DecomposedRequest) -> Steps:
    """Return intent and parameters of each step."""
    return [(subtask.intent, {**subtask.parameters}) for subtask in found.subtasks]


def only(found: DecomposedRequest) -> Steps:
    """Return the steps of a request that leaves nothing to ask or to tell."""
    assert not found.ambiguities
    assert not found.out_of_scope
    return steps(found)
