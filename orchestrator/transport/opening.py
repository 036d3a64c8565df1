"""From a setting to an open transport: a broker where one is named, else queues in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

from orchestrator.transport.local import LocalTransport
from orchestrator.transport.port import Transport


@asynccontextmanager
async def open_transport(broker_url: str | None, name: str) -> AsyncIterator[Transport]:
    """Open the transport that `broker_url` names; it is closed at the end of the block.

    Args:
        broker_url: CHIFFON_BROKER_URL; None for the queues in this process.
        name: what the broker's own pages call this program.

    Raises:
        BrokerUnavailable: no broker answers there, or it does not let this program in.
    """
    if broker_url is None:
        local = LocalTransport()
        try:
            yield local
        finally:
            await local.close()
        return
    # A program without a broker does not pay for loading what speaks to one.
    rabbitmq = import_module("orchestrator.transport.rabbitmq")
    rabbit = rabbitmq.RabbitTransport(broker_url, name=name)
    try:
        await rabbit.open()
        yield rabbit
    finally:
        await rabbit.close()
