"""What the engine hands over before names and questions are put into words."""

from dataclasses import dataclass, field

from orchestrator.nlu.drafts import Draft


@dataclass(slots=True)
class Understanding:
    """Steps in the order they are to run, and what could not be made a step."""

    drafts: list[Draft] = field(default_factory=list)
    out_of_scope: list[str] = field(default_factory=list)
    deferred: list[str] = field(default_factory=list)  # of these, what was to wait for a time
    others: bool = False  # somebody else speaks in it: "omar: reboot node1"

    @property
    def says_something(self) -> bool:
        """Whether there is a step or a question, or nothing may be made of it on purpose."""
        return bool(self.drafts or self.deferred or self.others)
