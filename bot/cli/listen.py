"""The door to the outside: the socket that Chiffon listens on."""

import asyncio
import errno
import socket

from bot.cli.loading import loaded
from orchestrator.errors import SettingsError
from orchestrator.offhost import is_loopback
from orchestrator.settings import Settings

_TRIES = 50
_FROM_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to knock, not to listen


def listening_socket(settings: Settings) -> socket.socket:
    """Bind the address; a port that nobody chose may move to the next free one.

    Raises:
        SettingsError: the port is taken or not allowed, the host is not this machine's own, or
            the network would come in and nobody holds a key.
    """
    if not is_loopback(settings.host):
        asyncio.run(loaded("bot.cli.open_door").require_key(settings))
    tries = 1 if settings.port_is_chosen else _TRIES
    for port in range(settings.port, settings.port + tries):
        try:
            return _bound(settings.host, port)
        except OSError as fault:
            if fault.errno != errno.EADDRINUSE:
                message = f"{settings.host}:{port} cannot be used: {fault.strerror}."
                raise SettingsError(f"{message} Set CHIFFON_PORT to another port.") from fault
    raise SettingsError(
        f"Port {settings.port} is taken. Stop what uses it, or set CHIFFON_PORT to another port."
    )


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the base URL under which `listener` is reached from this machine."""
    host, port = listener.getsockname()[:2]
    host = _FROM_HERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
