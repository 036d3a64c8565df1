"""The HTTP client under the SDKs: a body is read up to a bound, and no redirect is followed."""

from collections.abc import AsyncIterator

import httpx2
from typing_extensions import override

MAX_ANSWER_BYTES = 1_000_000
_CONNECT_SECONDS = 5.0


class AnswerTooLongError(Exception):
    """The body went on beyond what is read."""


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for chunk in self._stream:
            seen += len(chunk)
            if seen > MAX_ANSWER_BYTES:
                raise AnswerTooLongError
            yield chunk

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound(response: httpx2.Response) -> None:
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Bounded(response.stream)


def bounded_client(base_url: str) -> httpx2.AsyncClient:
    """Return a client without a time limit for the answer: who asks a model holds the time.

    It keeps no connection: a call takes seconds, and nobody has to close what is not open.
    Where `base_url` is plain HTTP, as on this machine, no certificates are loaded.
    """
    return httpx2.AsyncClient(
        verify=not base_url.startswith("http:"),
        event_hooks={"response": [_bound]},
        limits=httpx2.Limits(max_keepalive_connections=0),
        timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
    )
