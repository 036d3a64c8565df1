"""What an interaction leaves in the app's hands for a while: trigger ids and response URLs."""

import secrets
import time
from dataclasses import dataclass, field

from bot.local_slack.faults import Faults

RESPONSE_USES = 5


class ApiError(Exception):
    """An error code of the Web API, with what `response_metadata.messages` says."""

    def __init__(self, code: str, messages: tuple[str, ...] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.messages = messages


@dataclass
class ResponseUrl:
    """Where an answer to an interaction goes."""

    channel: str
    person: str
    thread: str | None = None
    made: float = field(default_factory=time.monotonic)
    uses: int = RESPONSE_USES


@dataclass
class _Trigger:
    person: str
    made: float = field(default_factory=time.monotonic)
    used: bool = False


class Hooks:
    """All that are out; `address` is where the app reaches this server."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._triggers: dict[str, _Trigger] = {}
        self._responses: dict[str, ResponseUrl] = {}
        self.address = "http://127.0.0.1"

    def trigger(self, person: str) -> str:
        """Return a new trigger id of a person."""
        trigger_id = f"{time.time_ns()}.{secrets.token_hex(8)}"
        self._triggers[trigger_id] = _Trigger(person)
        return trigger_id

    def pull(self, trigger_id: object) -> str:
        """Use a trigger id up and return whose it was.

        Raises:
            ApiError: it is unknown, was used before, or is too old.
        """
        trigger = self._triggers.get(str(trigger_id))
        if trigger is None:
            raise ApiError("invalid_trigger_id" if trigger_id else "invalid_arguments")
        if trigger.used:
            raise ApiError("exchanged_trigger_id")
        if time.monotonic() - trigger.made > self._faults.trigger_seconds:
            raise ApiError("expired_trigger_id")
        trigger.used = True
        return trigger.person

    def response_url(self, target: ResponseUrl) -> str:
        """Return a new address at which the app may answer."""
        name = secrets.token_urlsafe(16)
        self._responses[name] = target
        return f"{self.address}/slack/response/{name}"

    def response(self, name: str) -> ResponseUrl:
        """Return where an answer goes, and count it.

        Raises:
            ApiError: the address is unknown, too old, or used up.
        """
        target = self._responses.get(name)
        if target is None:
            raise ApiError("expired_url")
        age = time.monotonic() - target.made
        if target.uses < 1 or age > self._faults.response_url_seconds:
            raise ApiError("used_url" if target.uses < 1 else "expired_url")
        target.uses -= 1
        return target
