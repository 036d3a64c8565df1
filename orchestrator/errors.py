"""What can be expected to go wrong, as values and as the exceptions that carry them.

ChiffonError
├── Refused             a person asked for what cannot be done now; carries an Error
│   └── Conflict        somebody or something else was first
├── CatalogError        a catalogue file is not usable: file, line, reason
├── SettingsError       a setting is not usable
├── EvaluationError     an evaluation set is not usable: file, case, reason
├── StoreError          the database, or a copy of it, is not as it must be
│   └── OutcomeUnknown  the connection was lost during a commit (`orchestrator.store`)
├── TransportError
│   ├── Unroutable      the queue does not exist: nobody would ever read the message
│   └── BrokerUnavailable   the broker did not take responsibility in time
├── TryLater            what a message needs is away for now; that is not the message's fault
└── ModelError          a language model gave no usable answer
"""

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class ErrorCode(StrEnum):
    """Every expected failure; `orchestrator.api` maps each to an HTTP status, once."""

    INVALID_REQUEST = "invalid_request"
    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    PLAN_NOT_READY = "plan_not_ready"
    CONFLICT = "conflict"
    DIGEST_MISMATCH = "digest_mismatch"
    TOO_LARGE = "too_large"
    TOO_MANY_REQUESTS = "too_many_requests"
    DISPATCH_FAILED = "dispatch_failed"
    UNAVAILABLE = "unavailable"
    INTERNAL_ERROR = "internal_error"


class Error(BaseModel):
    """What went wrong, in one sentence, and what to do next."""

    model_config = ConfigDict(frozen=True)

    code: ErrorCode
    message: str
    hint: str = ""
    fault_id: str | None = None  # where the log tells more; only for internal errors

    @property
    def is_ours(self) -> bool:
        """Whether Chiffon could not do it, so that the same call may succeed later."""
        return self.code in {ErrorCode.INTERNAL_ERROR, ErrorCode.UNAVAILABLE}


class ChiffonError(Exception):
    """Base of every error that Chiffon raises on purpose."""


class Refused(ChiffonError):
    """The call cannot be carried out; `error` says why and what to do next."""

    def __init__(self, code: ErrorCode, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.error = Error(code=code, message=message, hint=hint)


class Conflict(Refused):
    """The row was no longer in the state that the move starts from."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(ErrorCode.CONFLICT, message, hint)

    @classmethod
    def of_move(cls, sources: Iterable[str], target: str) -> "Conflict":
        """Say that a row is in none of the states from which a move to `target` starts."""
        return cls(
            f"It is no longer {' or '.join(sorted(sources))}, so it cannot become {target}.",
            "Look again where it stands.",
        )


class CatalogError(ChiffonError):
    """A catalogue file is not usable; the text gives file, line and reason."""


class SettingsError(ChiffonError):
    """A setting is not usable; the text names it and says what to do."""


class EvaluationError(ChiffonError):
    """An evaluation set is not usable; the text names file, case and reason."""


class StoreError(ChiffonError):
    """The database, or a copy of it, is not as it must be; the text says what to do."""


class TransportError(ChiffonError):
    """Base of what can go wrong on the way to or from the broker."""


class Unroutable(TransportError):
    """The queue does not exist, so nobody would ever read the message."""


class BrokerUnavailable(TransportError):
    """The broker did not take responsibility for the message in time."""


class ModelError(ChiffonError):
    """A language model did not give a usable answer (time limit, quota, fault)."""


class TryLater(ChiffonError):
    """What is needed to handle a message is away: hold it and try again, however often."""
