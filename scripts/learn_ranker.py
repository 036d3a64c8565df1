"""Writes what `training/ranker/learn.py` learns from: `make ranker`.

For each name that a step of a labelled request wants, the words that it may be, with their clues,
and which of them is right. Sets that nobody looked at stay out, so that they can tell how good
the ranker is; so does the held-out third of two others.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from orchestrator.catalog.loader import load_catalog
from orchestrator.nlu.decomposer import engine_for
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.evaluation.cases import ExpectedStep, Part, read_cases
from orchestrator.nlu.settling import Settler

SETS = Path(__file__).parents[1] / "evaluation"
UNSEEN = frozenset({"charity", "colo", "hoster", "project", "rack", "retail"})
"""Nobody has looked at a request of these."""
HELD_OUT = frozenset({"platform", "operations"})
"""Of these a third."""


class Group(TypedDict):
    """What may be a name."""

    options: list[list[str]]  # the clues of each, of none of them last
    right: list[int]  # numbers of options


def main() -> None:
    """Write the groups, one a line, in JSON."""
    if len(sys.argv) != 2:  # noqa: PLR2004
        raise SystemExit("Say where to write the groups, or run `make ranker`.")
    names = sorted(folder.name for folder in SETS.iterdir() if folder.name not in UNSEEN)
    groups: list[Group] = [group for name in names for group in of_set(name)]
    Path(sys.argv[1]).write_text("\n".join(map(json.dumps, groups)), "utf-8")
    sys.stdout.write(f"{len(groups)} names in {len(names)} sets\n")


def of_set(name: str) -> Iterator[Group]:
    """Yield the groups of a set."""
    engine = engine_for(load_catalog([SETS / name / "catalog.yaml"]))
    settler = Settler(engine.index, engine.matcher.meaning)
    part = Part.VISIBLE if name in HELD_OUT else Part.ALL
    for case in read_cases(SETS / name / "requests.yaml", part):
        if case.follows is not None:
            continue
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
                rights = [place for place, value in enumerate(values) if value == right]
                yield {"options": settler.clues(vacancy, options), "right": rights}


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
