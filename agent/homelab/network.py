"""Is it there: one HTTP request or one TCP connection, on a real socket."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from agent.homelab import environment
from agent.homelab.template import About

SECONDS = 5.0
POLL_SECONDS = 0.5
LOGIN = frozenset({401, 403})


@dataclass(frozen=True)
class Answer:
    """Whether it answers, and the sentence that says so."""

    up: bool
    sentence: str


def http(url: str, *, expect_status: int | None = None, seconds: float = SECONDS) -> Answer:
    """Send one GET, following no redirect; up is `expect_status`, else below 400 or a login."""
    begun = time.monotonic()
    certificates = url.lower().startswith("https:")  # they take longer to load than most answers
    try:
        with (
            httpx.Client(verify=certificates, timeout=seconds, trust_env=False) as client,
            client.stream("GET", url) as reply,
        ):
            status = reply.status_code
    except httpx.TimeoutException:
        return Answer(up=False, sentence=f"{url} is down: no answer within {seconds:g} s.")
    except httpx.InvalidURL:
        return Answer(up=False, sentence=f"{url} is no address that can be asked; correct it.")
    except httpx.HTTPError as error:
        return Answer(up=False, sentence=f"{url} is down: {str(error) or type(error).__name__}.")
    took = f"{(time.monotonic() - begun) * 1000:.0f} ms"
    if expect_status is not None:
        up = status == expect_status
        wanted = "" if up else f", not {expect_status}"
        return Answer(
            up, f"{url} is {'up' if up else 'down'}: it answers {status}{wanted} ({took})."
        )
    if status in LOGIN:
        return Answer(up=True, sentence=f"{url} is up: it asks for a login ({status}, {took}).")
    up = status < httpx.codes.BAD_REQUEST
    return Answer(up, f"{url} is {'up' if up else 'down'}: it answers {status} ({took}).")


def tcp(host: str, port: int, *, seconds: float = SECONDS) -> Answer:
    """Open one TCP connection and close it."""
    begun = time.monotonic()
    where = f"{host} port {port}"
    try:
        socket.create_connection((host, port), timeout=seconds).close()
    except TimeoutError:
        return Answer(up=False, sentence=f"{where} is down: no answer within {seconds:g} s.")
    except OSError as error:
        return Answer(up=False, sentence=f"{where} is down: {error.strerror or error}.")
    took = (time.monotonic() - begun) * 1000
    return Answer(up=True, sentence=f"{where} is up: it takes connections ({took:.0f} ms).")


def address(folder: Path, about: About) -> str | None:
    """Return where an installed service answers, `http://…` or `tcp://…`; None if unsaid."""
    check = about.check
    if check is None:
        return None
    path = "" if check.scheme == "tcp" else check.path
    return f"{check.scheme}://{environment.host(folder)}:{check.port}{path}"


def ask(where: str, *, seconds: float = SECONDS) -> Answer:
    """Ask an `http://`, `https://` or `tcp://HOST:PORT` address once."""
    if not where.startswith("tcp://"):
        return http(where, seconds=seconds)
    host, _, port = where.removeprefix("tcp://").rpartition(":")
    return tcp(host, int(port), seconds=seconds)


def wait_for(where: str, seconds: float, pause: Callable[[float], None] = time.sleep) -> Answer:
    """Ask until it answers or the seconds are over; return the last answer."""
    deadline = time.monotonic() + seconds
    while not (answer := ask(where)).up and time.monotonic() < deadline:
        pause(POLL_SECONDS)
    return answer
