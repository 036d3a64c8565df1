"""Chiffon's own waiting times, divided by five: the same code, and a run of minutes, not hours."""

import sys
from datetime import timedelta

from agent import desk, reporter, run
from agent.settings import AgentSettings
from orchestrator.domain import agents
from orchestrator.keeper import Keeper
from orchestrator.relay import Relay
from orchestrator.store import dialects
from orchestrator.store.repositories import conversation, mail, requests
from orchestrator.transport import delivery
from orchestrator.transport.rabbitmq import RabbitTransport
from orchestrator.usecases import time_out

FASTER = 5
LEASE_SECONDS = agents.LEASE.total_seconds() / FASTER
_AGENT = (
    "heartbeat_seconds",
    "introduction_seconds",
    "claim_seconds",
    "status_seconds",
    "report_seconds",
    "stop_seconds",
)


def shorten_times() -> None:
    """Divide what leases, claims, polls and pauses last, wherever a module keeps it."""
    known: tuple[object, ...] = (
        agents.LEASE,
        time_out.GAP,
        requests.THINKING,
        mail.CLAIM,
        mail.CLAIM_AT_ONCE,
        conversation.CLAIM,
    )
    shorter = {id(long): long / FASTER for long in known if isinstance(long, timedelta)}
    for module in [each for name, each in sys.modules.items() if name.startswith("orchestrator")]:
        for name, value in list(vars(module).items()):
            if id(value) in shorter:
                setattr(module, name, shorter[id(value)])
    desk._LONGEST_PAUSE /= FASTER
    reporter._LONGEST_PAUSE /= FASTER
    run._LEAVE_SECONDS /= FASTER
    delivery.LONGEST_PAUSE /= FASTER
    for function in (Relay.__init__, Keeper.__init__, RabbitTransport.__init__):
        defaults: dict[str, float] = function.__kwdefaults__ or {}
        for name, value in list(defaults.items()):
            if name in {"poll_seconds", "tick_seconds", "watch_seconds"}:
                defaults[name] = value / FASTER
            if name == "confirm_seconds":
                defaults[name] = value / 2
    idle = "idle_in_transaction_session_timeout"
    settings = dialects._SERVER_SETTINGS
    settings[idle] = str(int(settings[idle]) // FASTER)
    for name in _AGENT:
        AgentSettings.model_fields[name].default /= FASTER
    AgentSettings.model_rebuild(force=True)
