"""Steps and questions while a request is being read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from orchestrator.domain.request import AmbiguityKind
from orchestrator.nlu.clauses import Clause
from orchestrator.nlu.fill import Fill
from orchestrator.nlu.profile import Profile


@dataclass(slots=True)
class Doubt:
    """Something to ask about a step."""

    kind: AmbiguityKind
    parameter: str = ""
    options: tuple[str, ...] = ()
    said: str = ""  # the value that is unknown or fits several, in the person's words
    unknown: bool = False


@dataclass(slots=True, eq=False)
class Draft:
    """A step, or a place in the plan where the person must choose between readings."""

    clause: Clause
    words: str
    profile: Profile | None  # None: which capability is the question
    sentence: int
    group: int  # steps of one list share it: "restart nginx and redis"
    parameters: dict[str, JsonValue] = field(default_factory=dict)
    confidence: float = 0.0
    fill: Fill = field(default_factory=Fill)
    doubts: list[Doubt] = field(default_factory=list)
    concurrent: bool = False
    earlier: bool = False  # of the request before: only to be referred to
    alone: bool = False  # "…, tom as admin": what it says is not for the others of its list
    last: bool = False  # "before …" at the head of its sentence: goes to its end

    @property
    def is_verb_only(self) -> bool:
        """Whether the clause names no thing at all ("stop", "check again")."""
        return not self.fill.content

    def missing(self) -> list[str]:
        """Return the required parameters without a value."""
        if self.profile is None:
            return []
        given = set(self.parameters)
        needed = [s.name for s in self.profile.slots if s.required]
        needed += needed_with(self.profile.capability.parameters, given)
        return [name for name in dict.fromkeys(needed) if name not in given]


def needed_with(schema: Mapping[str, JsonValue], given: set[str]) -> list[str]:
    """Return what a schema asks for beside `required`, given these parameters.

    Of alternatives (`anyOf`, `oneOf` with `required`) it is the one that lacks least;
    `dependentRequired` asks for what a given parameter does not go without.
    """
    needed: list[str] = []
    for keyword in ("anyOf", "oneOf"):
        parts = schema.get(keyword)
        options = [_required(part) for part in parts] if isinstance(parts, list) else []
        if options and all(options):
            needed += min(options, key=lambda n: (len({*n} - given), -len({*n} & given)))
    dependent = schema.get("dependentRequired")
    for name, names in dependent.items() if isinstance(dependent, dict) else ():
        if name in given and isinstance(names, list):
            needed += map(str, names)
    return needed


def _required(part: JsonValue) -> list[str]:
    names = part.get("required") if isinstance(part, dict) else None
    return [str(name) for name in names] if isinstance(names, list) else []
