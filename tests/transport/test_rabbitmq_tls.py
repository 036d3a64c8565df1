"""TLS to the broker: the right authority and name are let through, all others are refused.

The server here speaks plain AMQP, so a proxy with a certificate of its own stands before it.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from yarl import URL

from orchestrator.errors import BrokerUnavailable
from orchestrator.transport.rabbitmq import RabbitTransport
from tests.plugins.broker import SERVER, TidyTransport, own_url, remove, require_broker

pytestmark = pytest.mark.rabbitmq


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def _tls_before(server: str, certificate: trustme.LeafCert) -> AsyncIterator[int]:
    """Listen with TLS and pass on to `server`; yield the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    tasks: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = URL(server)
        to = await asyncio.open_connection(address.host, address.port)
        tasks.update({asyncio.create_task(_pipe(reader, to[1]))})
        tasks.update({asyncio.create_task(_pipe(to[0], writer))})

    listener = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    return made


@pytest.fixture
async def url(
    authority: trustme.CA, tmp_path: Path
) -> AsyncIterator[Callable[[str, Path | None], str]]:
    """Give addresses of the proxy: by a name, and with the authority's file or without."""
    require_broker()
    async with _tls_before(SERVER, authority.issue_cert("localhost")) as port:

        def made(host: str, ca: Path | None) -> str:
            secure = URL(own_url()).with_scheme("amqps").with_host(host).with_port(port)
            return str(secure if ca is None else secure.update_query(cafile=str(ca)))

        yield made


async def test_the_right_authority_and_name_are_let_through(
    url: Callable[[str, Path | None], str], tmp_path: Path
) -> None:
    transport = TidyTransport(url("localhost", tmp_path / "ca.pem"))
    await transport.open()
    await transport.declare("secret")
    await transport.publish("secret", b"hello")
    assert await transport.waiting("secret") == 1
    await transport.close()
    await remove(transport.named)


async def test_a_foreign_authority_is_refused_at_once(
    url: Callable[[str, Path | None], str],
) -> None:
    transport = RabbitTransport(url("localhost", None), connect_seconds=600)
    with pytest.raises(BrokerUnavailable, match="certificate that is not trusted"):
        await asyncio.wait_for(transport.open(), 20)


async def test_another_name_than_the_certificates_is_refused(
    url: Callable[[str, Path | None], str], tmp_path: Path
) -> None:
    transport = RabbitTransport(url("127.0.0.1", tmp_path / "ca.pem"), connect_seconds=600)
    with pytest.raises(BrokerUnavailable, match="certificate that is not trusted"):
        await asyncio.wait_for(transport.open(), 20)
