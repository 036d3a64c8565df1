"""Every name that travels to Slack and comes back, named once, and what buttons carry.

Slack's limits: action_id and block_id 255 characters, callback_id 255, a button's value 2,000.
Several buttons of one kind in one block need different action ids: a number follows (`answer:3`).
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

COMMAND = "/chiffon"
ASK_SHORTCUT = "ask_chiffon"

APPROVE = "plan_approve"
REJECT = "plan_reject"
CANCEL = "plan_cancel"
RESUME = "plan_resume"
ANSWER = "answer"
ANSWER_MENU = "answer_menu"
HOW_TO_ANSWER = "how_to_answer"  # the block that says so, below the last open question
RETRY = "task_retry"
MARK_DONE = "task_done"
MARK_FAILED = "task_failed"
SHOW_LOGS = "show_logs"
NOT_MEANT = "not_meant"
REMEMBER = "remember_phrase"

REJECT_VIEW = "plan_reject_reason"
REASON_BLOCK = "reason"
REASON_INPUT = "reason_text"

PART_VIEW = "correct_part"
CHOICE_VIEW = "correct_choice"
FORM_VIEW = "correct_form"
PART_BLOCK = "part"
NEAREST_BLOCK = "nearest"
OTHER_BLOCK = "other"
GIVEN_BLOCK = "given:"  # the parameter's name follows
PICKED = "picked"


class ButtonValue(BaseModel):
    """Base of what a button carries. It came back through a client: believe nothing of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def encoded(self) -> str:
        """Return it as a button's value."""
        return self.model_dump_json(exclude_none=True)

    @classmethod
    def decoded(cls, value: str) -> Self | None:
        """Return what a button carried; None where it is nothing of ours."""
        try:
            return cls.model_validate_json(value)
        except ValidationError:
            return None


class PlanButton(ButtonValue):
    """Approve, Reject, Cancel, Resume: which plan, and the digest of what was shown."""

    plan: str
    digest: str


class AnswerButton(ButtonValue):
    """One likely answer to one question; the text is option number `option`, from 0."""

    request: str
    ambiguity: str
    option: int


class RequestButton(ButtonValue):
    """Not what I meant: which request."""

    request: str


class CorrectionState(ButtonValue):
    """How far a correction is: what it is of, and what was chosen so far."""

    request: str
    plan: str | None = None  # that was shown; None: nothing could be planned
    order: int | None = None  # of the part; None: all of it
    capability: str | None = None


class TaskButton(ButtonValue):
    """Retry, Mark done, Mark failed, Show logs: a step by its task id."""

    plan: str
    task: str
