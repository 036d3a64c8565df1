"""Writes what `training/ranker/learn.py` learns from: `make ranker`.

    python scripts/learn_ranker.py value|intent CHOICES.jsonl [--without SET]

For each name that a step of a labelled request wants, the words that it may be; or, for each
request of one step at most, the capabilities that it may mean; with their clues, and which of them
is right. The held-out thirds stay out, and what is measured: see the sets below.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TypedDict

from orchestrator.catalog.loader import load_catalog
from orchestrator.nlu.decomposer import engine_for
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.engine import Engine
from orchestrator.nlu.evaluation.cases import Case, ExpectedStep, Part, read_cases

SETS = Path(__file__).parents[1] / "evaluation"
UNSEEN = frozenset({"basement", "library", "startup"})
"""Nothing is learnt of these, so that they can tell how good the ranker is."""
UNREAD = frozenset({"charity", "colo", "hoster", "project", "rack", "retail"})
"""Nobody has read a request of these, so that rules err on them as they do on anything new: what is
meant is learnt of them too, which word is a value is not."""
HELD_OUT = frozenset({"platform", "operations"})
"""Of these a third is not learnt of."""
_UNREAD, _READ, _UNDERSTOOD = 3.0, 1.0, 0.5
"""What a request weighs, if nobody has read it; if rules understand nothing of it; if they do."""


class Group(TypedDict):
    """What may be meant."""

    options: list[list[str]]  # the clues of each, of none of them last
    right: list[int]  # numbers of options
    weight: float


def main() -> None:
    """Write the groups, one a line, in JSON."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("what", choices=["value", "intent"])
    arguments.add_argument("target", type=Path)
    arguments.add_argument("--without", default=[], nargs="+", help="sets to learn nothing of")
    given = arguments.parse_args()
    left_out = UNSEEN | {*given.without} | (UNREAD if given.what == "value" else frozenset())
    names = sorted(folder.name for folder in SETS.iterdir() if folder.name not in left_out)
    read = names_of if given.what == "value" else intents_of
    groups = [*chain.from_iterable(map(read, names))]
    given.target.write_text("\n".join(map(json.dumps, groups)), "utf-8")
    sys.stdout.write(f"{len(groups)} choices in {len(names)} sets\n")


def intents_of(name: str) -> Iterator[Group]:
    """Yield what the requests of a set may mean."""
    engine, cases = _read(name)
    for case in cases:
        clauses, found = engine.read(case.text)
        request = engine.judge.request(clauses, found)
        if request is None or len(case.expected) > 1:
            continue
        options = engine.judge.options(request)
        wanted = {step.intent for step in case.expected}
        rights = [n for n, option in enumerate(options) if option.profile.name in wanted]
        if request.is_open and case.ambiguous and not wanted:
            rights = [len(options)]
        read = _READ if not found.says_something else _UNDERSTOOD
        clues = engine.judge.clues(request, options)
        yield Group(
            options=clues,
            right=rights or [len(clues) - 1],
            weight=_UNREAD if name in UNREAD else read,
        )


def names_of(name: str) -> Iterator[Group]:
    """Yield the names that the steps of a set want."""
    engine, cases = _read(name)
    settler = engine.settler
    for case in cases:
        clauses, found = engine.read(case.text)
        steps = _paired(case.expected, [draft for draft in found.drafts if draft.profile])
        for vacancy in settler.vacancies(clauses, found):
            if vacancy.draft in steps:
                wanted = steps[vacancy.draft].parameters.get(vacancy.slot.name)
                unlisted = wanted is None and not case.ambiguous
                if unlisted and (vacancy.slot.required or vacancy.given is not None):
                    continue  # the set says nothing of it
                options = settler.options(vacancy, clauses)
                values = [*(str(word.value).casefold() for word in options), None]
                right = str(wanted).casefold() if wanted is not None else None
                if right not in values:
                    right = None
                yield Group(
                    options=settler.clues(vacancy, options),
                    right=[place for place, value in enumerate(values) if value == right],
                    weight=1.0,
                )


def _read(name: str) -> tuple[Engine, Sequence[Case]]:
    """Return the engine over a set's catalogue, and its requests that follow no other."""
    part = Part.VISIBLE if name in HELD_OUT else Part.ALL
    cases = read_cases(SETS / name / "requests.yaml", part)
    engine = engine_for(load_catalog([SETS / name / "catalog.yaml"]))
    return engine, [case for case in cases if case.follows is None]


def _paired(
    expected: Sequence[ExpectedStep], found: Sequence[Draft]
) -> Mapping[Draft, ExpectedStep]:
    """Return the expected step of each found one of the same intent, most alike first."""
    free, pairs = [*found], {}
    for step in expected:
        alike = [one for one in free if one.profile and one.profile.name == step.intent]
        if alike:
            best = max(alike, key=lambda one: _agreeing(one, step))
            free.remove(best)
            pairs[best] = step
    return pairs


def _agreeing(draft: Draft, step: ExpectedStep) -> int:
    given = draft.parameters
    return sum(
        str(given.get(n)).casefold() == str(v).casefold() for n, v in step.parameters.items()
    )


if __name__ == "__main__":
    main()
