"""Who came in through the door, and as whom they may speak."""

from dataclasses import dataclass

from fastapi.exceptions import RequestValidationError

from orchestrator.domain.views import Identity
from orchestrator.errors import ErrorCode, Refused


@dataclass(frozen=True)
class Caller:
    """The holder of a key, bound to one person; or, where `holder` is None, of the local token."""

    holder: Identity | None = None

    def speaking_as(self, named: str | None) -> Identity:
        """Return who speaks, where a body names `named`.

        Raises:
            Refused: a key's holder names somebody else.
            RequestValidationError: the local token's holder names nobody.
        """
        if self.holder is None:
            if named is None:
                raise _missing()
            return Identity(person=named)
        if named not in {None, self.holder.person}:
            raise Refused(
                ErrorCode.FORBIDDEN,
                f"This key acts as {self.holder.person} only, and user_id names somebody else.",
                "Leave user_id out, or use that person's own key.",
            )
        return self.holder


def _missing() -> RequestValidationError:
    """Return what is raised for any other field that is missing."""
    return RequestValidationError(
        [{"type": "missing", "loc": ("body", "user_id"), "msg": "Field required", "input": None}]
    )
