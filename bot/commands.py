"""The words that are commands, behind `/chiffon` and behind a mention alike."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Word(StrEnum):
    """What a person may order."""

    STATUS = "status"
    PLANS = "plans"
    CANCEL = "cancel"
    RETRY = "retry"
    RESUME = "resume"
    WHY = "why"
    LOGS = "logs"
    GAPS = "gaps"
    HELP = "help"


@dataclass(frozen=True)
class Command:
    """One order; without a plan it is about the plan of the thread it was given in."""

    word: Word
    plan: str | None = None
    step: int | None = None

    @property
    def reference(self) -> str | None:
        """The plan or step as the service takes it, such as 12 or 12.2."""
        return self.plan if self.plan is None or self.step is None else f"{self.plan}.{self.step}"


# A plan's number (12, #12, #12 r3), or at least eight characters of its UUID.
_PLAN = r"(?P<plan>\#?\d{1,9}(?:\s?r\d{1,4})?|(?=[0-9a-f-]*\d)[0-9a-f]{8}[0-9a-f-]{0,28})"
_STEP = r"(?P<step>\d{1,4})"
_ARGUMENTS: dict[Word, str] = {
    Word.STATUS: rf"(?:{_PLAN})?",
    Word.PLANS: r"",
    Word.CANCEL: rf"(?:{_PLAN})?",
    Word.RETRY: rf"(?:{_PLAN}[. ])?{_STEP}",
    Word.RESUME: rf"(?:{_PLAN})?",
    Word.WHY: rf"(?:{_PLAN}(?:\.{_STEP})?)?",
    Word.LOGS: rf"(?:{_PLAN}(?:[. ]{_STEP})?)?",
    Word.GAPS: r"",
    Word.HELP: r"",
}
_FORMS = {
    word: re.compile(rf"{word.value}\s*{arguments}[.!?]?", re.IGNORECASE)
    for word, arguments in _ARGUMENTS.items()
}


def parse(said: str) -> Command | None:
    """Return the command that `said` is, from its first to its last word; else None.

    `status 12` is one; `status of the nightly backup` is not, and may well be a request.
    """
    line = " ".join(said.split())
    for word, form in _FORMS.items():
        found = form.fullmatch(line)
        if found is not None:
            parts = found.groupdict()
            step = parts.get("step")
            return Command(word, parts.get("plan"), None if step is None else int(step))
    return None
