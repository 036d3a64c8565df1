"""What the API takes: strict bodies, plain references, idempotency keys."""

import hashlib
import re
from typing import Annotated, Literal, TypeAlias

from fastapi import Header
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from orchestrator.domain.approval import LOCAL_TEAM
from orchestrator.domain.request import Answer, Correction
from orchestrator.domain.text import hidden_character, normalise
from orchestrator.domain.views import Identity
from orchestrator.errors import ErrorCode, Refused

_PLAN = re.compile(r"#?[0-9A-Za-z][0-9A-Za-z-]{0,63}( r[0-9]{1,6})?")
_STEP = re.compile(r"#?[0-9A-Za-z][0-9A-Za-z-]{0,63}\.[0-9]{1,6}")
_LONGEST_NAME = 200
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


def _without_hidden(text: str) -> str:
    found = hidden_character(text, allow_emoji_joiners=True)
    if found is not None:
        message = f"holds a hidden character ({found}); remove it"
        raise ValueError(message)
    return normalise(text)


def _whole(text: str) -> str:
    """Refuse half a surrogate pair: no database and no terminal can write it."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds half a character (a lone surrogate)")
    return text


def _named(parameters: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Refuse names that cannot be shown: what is refused later names the parameter."""
    if any(len(name) > _LONGEST_NAME or hidden_character(name) for name in parameters):
        message = f"holds a name above {_LONGEST_NAME} characters or with a hidden one"
        raise ValueError(message)
    return parameters


WholeText: TypeAlias = Annotated[str, AfterValidator(_whole)]
PlainText = AfterValidator(_without_hidden)
Person = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    PlainText,
]
Notes = Annotated[str, StringConstraints(max_length=2_000), PlainText]


class Body(BaseModel):
    """Base of every body: no unknown fields, no conversions (`"yes"` is no approval)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    user_id: Person | None = Field(
        default=None,
        description="Who speaks. Needed with the local token, which may act for anyone; a key "
        "acts as its own person, and 403 where somebody else is named",
    )


class RequestBody(Body):
    """A sentence to turn into a plan."""

    request: WholeText = Field(description="1 to 9,999 characters after trimming")


class AnswerItem(BaseModel):
    """An answer to one question."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ambiguity_id: Annotated[WholeText, StringConstraints(min_length=1, max_length=200)]
    text: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000), PlainText
    ]


class AnswerBody(Body):
    """Answers to the questions a request left open."""

    answers: list[AnswerItem] = Field(min_length=1, max_length=50)

    def as_answers(self) -> list[Answer]:
        """Return them as the domain knows them."""
        return [Answer(ambiguity_id=each.ambiguity_id, text=each.text) for each in self.answers]


class CorrectionBody(Body):
    """What was meant in the place of what was understood."""

    capability: Annotated[WholeText, StringConstraints(min_length=1, max_length=200)] = Field(
        description="The name of one of the options"
    )
    parameters: Annotated[dict[str, JsonValue], AfterValidator(_named)] = Field(
        default_factory=dict,
        description="Values for it; a text may stand for a value of any type",
    )
    order: Annotated[int, Field(ge=1, le=999_999)] | None = Field(
        default=None, description="The part it takes the place of; without one, of all of them"
    )
    plan_id: Annotated[WholeText, StringConstraints(max_length=200)] | None = Field(
        default=None,
        description="The plan that was shown; 409 where it is over, or is there and not named",
    )

    def as_correction(self) -> Correction:
        """Return it as the domain knows it."""
        return Correction(**self.model_dump(exclude={"user_id"}))


class PhraseBody(Body):
    """Who has the words of a plan remembered."""


class DecisionBody(Body):
    """One person's decision on one plan."""

    approved: bool
    notes: Notes | None = Field(default=None, description="For a rejection: why")
    digest: Annotated[WholeText, StringConstraints(max_length=200)] | None = Field(
        default=None, description="The digest of the plan that was shown; 409 where it differs"
    )


class NotesBody(Body):
    """Who wants it, and why."""

    notes: Notes | None = None


class RetryBody(NotesBody):
    """Which step to try again, or what became of one whose outcome is unknown."""

    step: Annotated[int, Field(ge=1)] | Annotated[str, StringConstraints(max_length=100)] | None = (
        Field(default=None, description='2 or "1.2"; not needed where the address names a step')
    )
    decision: Literal["retry", "done", "failed"] | None = Field(
        default=None, description="Only for an unknown outcome: what a person found out"
    )


IdempotencyKey: TypeAlias = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="1 to 200 printable ASCII characters; the same key again gets the first answer",
    ),
]


def source_key(who: Identity, key: str | None) -> str | None:
    """Return what makes a repeated call the same call: the key, kept apart per person.

    Raises:
        Refused: the key is not usable.
    """
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            "Idempotency-Key: must be 1 to 200 printable ASCII characters without blanks.",
            "A fresh UUID for each thing you want done is a good key.",
        )
    person = who.person if who.team == LOCAL_TEAM else f"{who.team}\0{who.person}"
    return "rest:" + hashlib.sha256(f"{person}\0{key}".encode()).hexdigest()


def plain_reference(text: str, *, or_step: bool = False) -> str:
    """Return `text` if it can name a plan or a request at all, or a step where one may stand.

    Raises:
        Refused: nothing is ever called that (404).
    """
    if not (_PLAN.fullmatch(text) or (or_step and _STEP.fullmatch(text))):
        raise Refused(
            ErrorCode.NOT_FOUND,
            "Nothing is called that.",
            "Name a plan as 12, #12, by its id, or by the first characters of its id.",
        )
    return text
