"""Structured logs: lines for people on a terminal, JSON otherwise, one correlation id throughout.

Everything, the standard library's loggers included, goes through one chain. What a person or a
task wrote never belongs in a log; `_NEVER_LOGGED` is the second net, not the first.
"""

import logging
import sys
import traceback
from itertools import islice
from types import TracebackType
from typing import TextIO

import structlog
from pydantic import JsonValue
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger
from typing_extensions import override

from orchestrator.domain.text import visible
from orchestrator.settings import Settings

_NEVER_LOGGED = frozenset(
    {
        "answers",
        "api_key",
        "authorization",
        "body",
        "notes",
        "output",
        "parameters",
        "password",
        "prompt",
        "request_text",
        "secret",
        "text",
        "token",
    }
)
_LONGEST_VALUE = 2_000
_DEEPEST_VALUE = 6
_MOST_ITEMS = 50
_FRAMES = 12

# The access log would show query strings; the API writes its own line without them.
_QUIETER = {
    "alembic": logging.WARNING,
    "asyncio": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "uvicorn.access": logging.WARNING,
}


def configure_logging(settings: Settings, stream: TextIO) -> None:
    """Send every log event to `stream`, once; calling it again replaces the earlier set-up.

    Args:
        settings: `log_format` is `console`, `json`, or `auto` (console on a terminal).
        stream: Where the lines go. Characters that its encoding lacks are written as escapes.
    """
    people_read = settings.log_format == "console" or (
        settings.log_format == "auto" and stream.isatty()
    )
    handler = _EscapingHandler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=_shared_chain(),
            processors=[
                ProcessorFormatter.remove_processors_meta,
                _console(colours=stream.isatty()) if people_read else _json(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    _route_libraries()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared_chain(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _shared_chain() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_the_fault,
        _drop_doubles,
        _clean,
    ]


def _console(*, colours: bool) -> Processor:
    return structlog.dev.ConsoleRenderer(colors=colours, sort_keys=False, pad_event_to=32)


def _json() -> Processor:
    return structlog.processors.JSONRenderer(default=repr, ensure_ascii=True)


def _route_libraries() -> None:
    """Let libraries that install handlers of their own speak through ours."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "sqlalchemy", "alembic"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    for name, level in _QUIETER.items():
        logging.getLogger(name).setLevel(level)


def _name_the_fault(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Turn `exc_info` into the fault's type, first line and places.

    The whole message stays out: drivers and validators quote what they were given from the
    second line on.
    """
    fault = _exception_in(event.pop("exc_info", None))
    if fault is not None:
        first_line = str(fault).partition("\n")[0]
        event["fault"] = f"{type(fault).__name__}: {first_line}" if first_line else repr(fault)
        event["where"] = _places(fault.__traceback__)
    return event


def _exception_in(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exception() if exc_info else None


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _drop_doubles(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Uvicorn repeats each message with colour codes."""
    event.pop("color_message", None)
    return event


def _clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Keep each event on one line, plain, bounded, and without what is never logged."""
    for key, value in list(event.items()):
        if key.startswith("_"):  # structlog's own, taken out before rendering
            continue
        name = _one_line(key)
        if name != key:
            del event[key]
        event[name] = "(not logged)" if key.lower() in _NEVER_LOGGED else _plain(value, 0)
    return event


def _plain(value: object, depth: int) -> JsonValue:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _one_line(value)
    if depth >= _DEEPEST_VALUE:
        return "(nested too deeply)"
    if isinstance(value, dict):
        return {
            _one_line(str(key)): "(not logged)"
            if str(key).lower() in _NEVER_LOGGED
            else _plain(inner, depth + 1)
            for key, inner in islice(value.items(), _MOST_ITEMS)
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner, depth + 1) for inner in islice(value, _MOST_ITEMS)]
    return _one_line(str(value))


def _one_line(text: str) -> str:
    if len(text) > _LONGEST_VALUE:
        text = f"{text[:_LONGEST_VALUE]} ({len(text)} characters)"
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


class _EscapingHandler(logging.StreamHandler[TextIO]):
    """Writes what the stream's encoding lacks as escapes, and never logs about logging."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        encoding = self.stream.encoding or "utf-8"
        return line.encode(encoding, "backslashreplace").decode(encoding)

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        """Drop a line that cannot be written: complaining would come back here."""
