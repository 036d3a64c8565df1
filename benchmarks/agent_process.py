"""The real agent with an executor that runs nothing, so that starting processes hides nothing.

It prints a line for each piece of work, as it comes in: `PLAN NANOSECONDS`.
"""

import os
import sys
import time
from pathlib import Path

import uvloop

from agent.executors.base import Ended, Job
from agent.settings import AgentSettings
from agent.worker import Agent
from orchestrator.catalog.catalogue import LiveCatalog
from orchestrator.catalog.models import Capability
from orchestrator.logs import configure_logging
from orchestrator.protocol import Outcome
from orchestrator.settings import Settings
from orchestrator.transport.port import Handler
from orchestrator.transport.rabbitmq import RabbitSubscription, RabbitTransport

CATALOG = Path(__file__).parent / "catalog"


class NoOp:
    """An executor that does nothing, at once, and says that it went well."""

    def can_run(self, capability: Capability) -> bool:
        """Take everything."""
        del capability
        return True

    async def run(self, job: Job) -> Ended:
        """Do nothing."""
        del job
        return Ended(Outcome.SUCCESS, exit_code=0)


class Stamped(RabbitTransport):
    """The real transport; says when work came in."""

    async def consume(
        self, queue: str, handler: Handler, *, prefetch: int = 1
    ) -> RabbitSubscription:
        """Read as ever, and print what is work."""

        async def stamped(body: bytes) -> None:
            moment = time.monotonic_ns()
            place = body.find(b'"plan_id":"')
            if place > 0:
                print(body[place + 11 : place + 47].decode(), moment, flush=True)
            await handler(body)

        is_work = queue.startswith("agent.") and not queue.endswith(".control")
        return await super().consume(queue, stamped if is_work else handler, prefetch=prefetch)


async def work(home: Path, broker: str, slots: int) -> None:
    """Work until somebody ends this process."""
    transport = Stamped(broker, name="benchmark agent")
    await transport.open()
    settings = AgentSettings(home=home, name="bench", agent_type="bench", slots=slots)
    catalog = LiveCatalog([CATALOG])
    await Agent(settings, transport, catalog, executors=[NoOp()], probes=()).run()


if __name__ == "__main__":
    with Path(os.devnull).open("w") as nowhere:
        configure_logging(Settings(log_format="json"), nowhere)
        uvloop.run(work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
