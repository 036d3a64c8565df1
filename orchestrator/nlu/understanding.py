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
