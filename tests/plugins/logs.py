"""What is logged in tests: rich's traces take a second each, and nobody reads them."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from orchestrator.logs import configure_logging
from orchestrator.settings import Settings


def plain() -> None:
    """Log as structlog does unless told otherwise, with plain traces."""
    structlog.reset_defaults()
    structlog.configure(
        processors=[
            *structlog.get_config()["processors"][:-1],
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    )


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[io.StringIO]:
    """The JSON log lines of this test, as `chiffon` writes them."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    configure_logging(Settings.model_construct(home=tmp_path, log_format="json"), stream)
    yield stream
    root.handlers, root.level = handlers, level
    plain()


plain()
