"""Builds the `DecomposedRequest` from the engine's steps."""

from collections.abc import Iterable, Sequence

from orchestrator.domain.request import (
    Ambiguity,
    AmbiguityKind,
    Complexity,
    DecomposedRequest,
    Subtask,
)
from orchestrator.domain.value import Parameters
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.understanding import Understanding
from orchestrator.nlu.wording import options_of, question, step_name

MAX_STEPS = 200
"""A request for more steps is understood up to here; the rest is out of scope."""
_MEDIUM_FROM = 3


def assemble(
    text: str, understanding: Understanding, index: CatalogIndex, model: str
) -> DecomposedRequest:
    """Return the result; a place where the capability is in question has no subtask yet."""
    drafts = understanding.drafts[:MAX_STEPS]
    subtasks = [
        subtask
        for order, draft in enumerate(drafts, start=1)
        if (subtask := subtask_of(draft, order)) is not None
    ]
    beyond = [draft.words for draft in understanding.drafts[MAX_STEPS:]]
    return DecomposedRequest(
        original_request=text,
        subtasks=tuple(subtasks),
        ambiguities=tuple(
            ambiguity
            for order, draft in enumerate(drafts, start=1)
            for ambiguity in ambiguities_of(draft, order, index)
        ),
        out_of_scope=tuple(dict.fromkeys([*understanding.out_of_scope, *beyond])),
        deferred=tuple(understanding.deferred),
        complexity_level=complexity(subtasks, index),
        decomposer_model=model,
    )


def subtask_of(draft: Draft, order: int) -> Subtask | None:
    """Return the draft as a subtask, or None while its capability is in question."""
    if draft.profile is None:
        return None
    return Subtask(
        order=order,
        name=step_name(draft.profile, in_order(draft.profile, draft.parameters)),
        intent=draft.profile.name,
        confidence=draft.confidence,
        parameters=in_order(draft.profile, draft.parameters),
        source_words=draft.words,
        concurrent=draft.concurrent,
    )


def in_order(profile: Profile, parameters: Parameters) -> Parameters:
    """Return the parameters in the order of the schema, required ones first."""
    return {s.name: parameters[s.name] for s in profile.slots if s.name in parameters}


def ambiguities_of(draft: Draft, order: int, index: CatalogIndex) -> Iterable[Ambiguity]:
    """Yield the draft's questions; the id says the place and what is asked."""
    for doubt in draft.doubts:
        asked = "intent" if doubt.kind is AmbiguityKind.WHICH_CAPABILITY else doubt.parameter
        yield Ambiguity(
            id=f"{order}-{asked}",
            kind=doubt.kind,
            question=question(doubt, draft, index),
            options=options_of(doubt, draft, index),
            order=order,
            parameter=doubt.parameter or None,
            source_words=draft.words,
        )


def complexity(subtasks: Sequence[Subtask], index: CatalogIndex) -> Complexity:
    """Return the contract's level: open-ended work, else three tasks and more, else simple."""
    if any(index.by_name[subtask.intent].capability.reasoning for subtask in subtasks):
        return Complexity.COMPLEX
    return Complexity.MEDIUM if len(subtasks) >= _MEDIUM_FROM else Complexity.SIMPLE
