"""Which queues there are on a RabbitMQ, and how each is declared. Plain values.

Every queue is a durable quorum queue: it is written to disk by a majority before a publish is
confirmed, and counts deliveries. Source: RabbitMQ's guide on quorum queues.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.protocol import DEAD_QUEUE

DELIVERY_LIMIT = 20
"""Deliveries of one message that end without an answer (its reader died) before it is a dead
letter. A reader that fails and lives counts for itself, in `delivery.TRIES`. Said here, because
a quorum queue had no limit at all before RabbitMQ 4."""

KEPT_DEAD_LETTERS = 10_000
UNUSED_AGENT_QUEUE = 7 * 24 * 3600 * 1000
"""Milliseconds after which the queue of an agent that never came back is removed."""


AGENT_QUEUES = "agent."
"""How the names of the queues begin that belong to one agent each."""


@dataclass(frozen=True)
class Queue:
    """One queue: its name, and the arguments it is declared with."""

    name: str
    arguments: Mapping[str, str | int] = field(default_factory=dict)


def queue(name: str, prefix: str = "") -> Queue:
    """Return how the queue `name` is declared; on the broker its name begins with `prefix`."""
    arguments: dict[str, str | int] = {"x-queue-type": "quorum"}
    if name == DEAD_QUEUE:
        arguments |= {"x-max-length": KEPT_DEAD_LETTERS, "x-overflow": "drop-head"}
        return Queue(prefix + name, arguments)
    arguments |= {
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": prefix + DEAD_QUEUE,
        # A dead letter leaves its queue only once the graveyard has confirmed it.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    if name.startswith(AGENT_QUEUES):
        arguments["x-expires"] = UNUSED_AGENT_QUEUE
    return Queue(prefix + name, arguments)
