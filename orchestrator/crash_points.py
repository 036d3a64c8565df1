"""Named places at which a program can be told to die: at each commit, publish and acknowledgement.

A crash there is what the promises are about, so a test can ask for it: `CHIFFON_CRASH_AT=NAME`
ends the program with SIGKILL when it gets there, `NAME:3` at the third time. Off by default.
"""

import os
import signal
from collections.abc import Mapping
from typing import ClassVar, Final

CRASH_POINTS: Final[Mapping[str, str]] = {
    # a person's word
    "request.before_commit": "a request is written, not committed",
    "request.after_commit": "a request is kept, its plan is not made",
    "understanding.before_commit": "a request is understood and planned, not committed",
    "understanding.after_commit": "a plan is kept, nobody was told of it",
    "answer.before_commit": "answers to questions are written, not committed",
    "answer.after_commit": "answers are kept, and the plan that they led to",
    "correction.before_commit": "what was meant is written and planned, not committed",
    "correction.after_commit": "what was meant is kept, the plan that was shown is over",
    "phrase.before_commit": "words are in the catalogue, that is not committed to the story",
    "phrase.after_commit": "words are in the catalogue, and in the story",
    "approval.before_commit": "a plan is approved and routed, not committed",
    "approval.after_commit": "a plan is approved, nothing was handed over",
    "control.before_commit": "a cancel or a retry is written, not committed",
    "control.after_commit": "a cancel or a retry is kept, nobody was told of it",
    # the relay
    "relay.claimed": "messages that another left are claimed, not sent",
    "relay.before_publish": "a message is committed, not handed to the broker",
    "relay.after_publish": "the broker has confirmed a message, that is not recorded",
    "relay.before_commit": "what was confirmed is written, not committed",
    "relay.after_commit": "what was confirmed is recorded",
    # what agents say
    "registration.before_commit": "an agent's registration is written, not committed",
    "registration.after_commit": "an agent is known, its message is not acknowledged",
    "heartbeat.before_commit": "a sign of life is written, not committed",
    "heartbeat.after_commit": "a sign of life is kept, its message is not acknowledged",
    "claim.before_commit": "leave to start is written, not committed",
    "claim.after_commit": "leave to start is given, the claim is not acknowledged",
    "status.before_commit": "how an attempt gets on is written, not committed",
    "status.after_commit": "how an attempt gets on is kept, the message is not acknowledged",
    "result.before_commit": "a result is written, not committed",
    "result.after_commit": "a result is kept, its message is not acknowledged",
    # the broker, where there is one
    "broker.before_ack": "a message was handled, not acknowledged",
    "broker.after_ack": "a message was handled and acknowledged",
    # the keeper
    "keeper.before_take_up": "requests that nobody works on are claimed, not understood",
    "expiry.before_commit": "a plan's expiry is written, not committed",
    "expiry.after_commit": "a plan has expired",
    "overdue.before_commit": "the end of a silent attempt is written, not committed",
    "overdue.after_commit": "a silent attempt was ended",
    "move_on.before_commit": "waiting work is handed over, not committed",
    "move_on.after_commit": "waiting work was handed over",
    "renewal.before_commit": "leases are renewed after a gap, not committed",
    "renewal.after_commit": "leases were renewed after a gap",
    # the notifier
    "notifier.card_posted": "Slack has a card, that is not noted",
    "notifier.reply_posted": "Slack has a reply, that is not noted",
    # an agent
    "agent.received": "work has come, it is not in the journal",
    "agent.journalled": "work is in the journal, not acknowledged",
    "agent.before_claim": "an agent is about to ask for leave",
    "agent.after_claim": "an agent has asked for leave",
    "agent.has_leave": "leave was given, nothing is started",
    "agent.started": "a start is in the journal, the command waits behind its gate",
    "agent.let_go": "the command may run",
    "agent.after_effect": "the command has ended, its result is not in the journal",
    "agent.finished": "a result is in the journal, not sent",
    "agent.result_confirmed": "the broker has confirmed a result, that is not noted",
    "agent.result_noted": "a result was sent, and that is noted",
    "agent.recovered": "an earlier life's attempts are ended, nobody was told",
}
"""Every name, and what is true there."""


class _Armed:
    """The place at which this program dies, and how often it is passed before."""

    name: ClassVar[str] = ""
    passes: ClassVar[int] = 0


def check(place: str) -> str:
    """Return `place` if it can be armed.

    Raises:
        ValueError: it is neither NAME nor NAME:NUMBER, or there is no such name.
    """
    name, _, count = place.partition(":")
    if name not in CRASH_POINTS:
        raise ValueError(f"there is no crash point {name!r}; orchestrator/crash_points.py has them")
    if count and not (count.isascii() and count.isdecimal() and int(count) > 0):
        raise ValueError(f"{count!r} is no number of times; say {name} or {name}:2")
    return place


def arm(place: str | None) -> None:
    """Have this program end itself at `place`; None: nowhere.

    Raises:
        ValueError: as `check`.
    """
    name, _, count = check(place).partition(":") if place else ("", "", "")
    _Armed.name = name
    _Armed.passes = int(count or 1) - 1


def crash_point(name: str) -> None:
    """Die here, as by a power cut, if this is the place and the time."""
    if _Armed.name == name:
        _reached()


def _reached() -> None:
    if _Armed.passes > 0:
        _Armed.passes -= 1
        return
    os.kill(os.getpid(), signal.SIGKILL)
