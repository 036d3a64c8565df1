"""The application over the service in memory, and what it logs."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from orchestrator.logs import configure_logging
from orchestrator.settings import Settings


@pytest.fixture(autouse=True)
def logged(tmp_path: Path) -> Iterator[io.StringIO]:
    """The JSON log lines of this test; the set-up before is restored."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    configure_logging(Settings(home=tmp_path, log_format="json"), stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
