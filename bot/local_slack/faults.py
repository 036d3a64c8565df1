"""How the local Slack misbehaves when told to, as the real one does on bad days."""

import asyncio
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class CallFault(BaseModel):
    """What the next calls of a method meet; `*` is every method.

    `rate_limited` answers 429 with Retry-After, `error` 500, `silent` nothing until the caller
    gives up. `after_effect`: the call is carried out first, so that only its answer is lost.
    """

    model_config = ConfigDict(extra="forbid")

    method: str = "*"
    kind: Literal["rate_limited", "error", "silent"] = "error"
    times: int = Field(default=1, ge=1)
    retry_after: int = Field(default=1, ge=0)
    after_effect: bool = False


class Faults(BaseModel):
    """All of it; the defaults are a healthy Slack.

    Attributes:
        calls: faults of Web API calls, used up in order.
        deliveries: how often each event is delivered at least, as redeliveries.
        both_kinds: a mention in a channel arrives as `app_mention` and as `message` too.
        lose_first: the first delivery of each event never arrives.
        refresh_seconds: each socket is told to reconnect after this long; 0: never.
        ack_seconds: how long the app may take to acknowledge.
        retry_seconds: pauses before each redelivery of an event.
        trigger_seconds: how long a trigger_id can be used.
        response_url_seconds: how long a response_url can be used.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    calls: list[CallFault] = Field(default_factory=list)
    deliveries: int = Field(default=1, ge=1, le=10)
    both_kinds: bool = False
    lose_first: bool = False
    refresh_seconds: float = Field(default=0, ge=0)
    ack_seconds: float = Field(default=3, gt=0)
    retry_seconds: tuple[float, ...] = (0, 60, 300)
    trigger_seconds: float = Field(default=3, ge=0)
    response_url_seconds: float = Field(default=1800, ge=0)
    silent_until: float = 0  # by the loop's clock; see `silence`

    def silence(self, seconds: float) -> None:
        """Answer no Web API call for so long: callers hang until they give up."""
        self.silent_until = asyncio.get_running_loop().time() + seconds

    def next_call(self, method: str) -> CallFault | None:
        """Return what this call meets, and use it up."""
        if asyncio.get_running_loop().time() < self.silent_until:
            return CallFault(method=method, kind="silent")
        for fault in self.calls:
            if fault.method in {"*", method}:
                fault.times -= 1
                self.calls = [one for one in self.calls if one.times > 0]
                return fault
        return None


async def cancel_all(tasks: set[asyncio.Task[None]]) -> None:
    """End background tasks and wait until they have ended."""
    for task in tuple(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
