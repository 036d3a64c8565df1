"""Labels an agent finds out by itself. A probe is any async function that returns some."""

import re
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence

from agent.machine import ask

LabelProbe = Callable[[], Awaitable[Mapping[str, str]]]

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~_-]{0,62}")


async def host() -> Mapping[str, str]:
    """Return `host`: the name of this machine."""
    return {"host": socket.gethostname()}


async def docker() -> Mapping[str, str]:
    """Return `docker`: the version of the engine, where one answers.

    The engine is asked, not the client: a client without an engine can start nothing.
    """
    answer = await ask(("docker", "version", "--format", "{{.Server.Version}}"))
    return {"docker": answer} if answer and _VERSION.fullmatch(answer) else {}


async def probed(probes: Sequence[LabelProbe], own: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of all probes; what a person gave the agent wins."""
    found: dict[str, str] = {}
    for probe in probes:
        found.update(await probe())
    return found | dict(own)


DEFAULT_PROBES: tuple[LabelProbe, ...] = (host, docker)
