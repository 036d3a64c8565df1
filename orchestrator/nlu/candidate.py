"""One reading of a clause: how it is scored, compared and accepted."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.catalog.models import Risk
from orchestrator.nlu.evidence import OWN_WORD
from orchestrator.nlu.fill import Fill
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import SlotKind

NEEDED = {Risk.NONE: 0.58, Risk.LOW: 0.70, Risk.MEDIUM: 0.78, Risk.HIGH: 0.80}
"""The score that makes a step, by what a wrong one could spoil."""
_DANGER = {risk: order for order, risk in enumerate(Risk)}
MARGIN = 0.04
"""Two readings closer than this are a question, not a guess."""

_ASK = 0.58
_BACKGROUND = 0.35  # what a clause about something else gets by chance
_BEND = 2.5
_OWN = 1.0  # the verb of the capability's name or description
_ALIKE_WEIGHT, _VERY_ALIKE = 0.06, 0.4


@dataclass(frozen=True, slots=True)
class Candidate:
    """One reading of a clause."""

    profile: Profile
    score: float
    fill: Fill
    focus: float = 1.0  # how surely what it acts on was named (0–1)
    verb: float = 0.0  # how well the verb fits (0–1)
    known: bool = False  # what it acts on is a name that the catalogue, or the inventory, has
    alike: float = 0.0  # how alike the texts are, whatever the rules say (0–1)

    @property
    def confidence(self) -> float:
        """The share of steps with such a score that are right (0–1).

        The score above what any clause gets by chance, bent so that it meets the shares that
        `chiffon eval` counts.
        """
        above = min(1.0, max(0.0, (self.score - _BACKGROUND) / (1 - _BACKGROUND)))
        return round(1 - math.pow(1 - above, _BEND), 2)

    @property
    def rank(self) -> float:
        """The score by which readings are compared: the rules', and the likeness of the texts."""
        return self.score + _ALIKE_WEIGHT * min(1.0, self.alike / _VERY_ALIKE)

    @property
    def is_worded(self) -> bool:
        """Whether more is said than a number: "set it to 22" fits whatever can be set."""
        values = [*self.fill.parameters.values()]
        named = not values or any(isinstance(value, str) for value in values)
        return named or bool(set(self.fill.content) - self.fill.used)

    @property
    def is_accepted(self) -> bool:
        """Whether the score is enough for the capability's risk."""
        return self.score >= NEEDED[self.profile.capability.risk]

    @property
    def is_whole(self) -> bool:
        """Whether nothing that it needs is missing."""
        said = self.fill.values.keys() | self.fill.unclear.keys()
        needed = (s for s in self.profile.slots if s.required and s.kind is not SlotKind.TEXT)
        return all(slot.name in said for slot in needed)

    def outdoes(self, other: "Candidate") -> bool:
        """Whether a reading nearly as good is none: a mere synonym beside the catalogue's word."""
        better = self.rank > other.rank and self.focus >= other.focus - MARGIN
        return better and self.verb >= _OWN > OWN_WORD > other.verb

    def dares(self, others: Iterable["Candidate"]) -> bool:
        """Whether it could spoil more than another and has no verb of its own: patch to reboot."""
        more = any(
            _DANGER[self.profile.capability.risk] > _DANGER[o.profile.capability.risk]
            for o in others
        )
        return more and self.verb < _OWN

    @property
    def is_askable(self) -> bool:
        """Whether the reading is worth a question."""
        return self.score >= _ASK
