"""What a log line may hold, and how it is written."""

import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import structlog

from orchestrator.domain.text import visible
from orchestrator.logs import configure_logging
from orchestrator.settings import Settings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_object_with_level_time_and_correlation(logged: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(correlation_id="c-1"):
        structlog.stdlib.get_logger("orchestrator.x").info("step done", plan=1, step=2)
    (line,) = lines(logged)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "step done",
        "level": "info",
        "logger": "orchestrator.x",
        "correlation_id": "c-1",
        "plan": 1,
        "step": 2,
    }


def test_the_standard_library_s_loggers_come_out_the_same_way(logged: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(correlation_id="c-2"):
        logging.getLogger("uvicorn.error").info(
            "Started %s", "server", extra={"color_message": "\x1b[1mStarted"}
        )
        logging.getLogger("uvicorn.access").info("GET /?token=abc")
        logging.getLogger("sqlalchemy.engine").info("INSERT …")
        logging.getLogger("sqlalchemy.pool").warning("slow")
    assert [line["event"] for line in lines(logged)] == ["Started server", "slow"]
    assert {line["correlation_id"] for line in lines(logged)} == {"c-2"}


def test_what_people_wrote_and_secrets_are_left_out(logged: io.StringIO) -> None:
    structlog.stdlib.get_logger().info(
        "x", token="t0p", request_text="private", nested={"Output": "private", "fine": ["kept"]}
    )
    assert "t0p" not in logged.getvalue()
    assert "private" not in logged.getvalue()
    assert lines(logged)[0]["nested"]["fine"] == ["kept"]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_nothing_forges_a_line_or_moves_the_cursor(tmp_path: Path, log_format: str) -> None:
    stream = io.StringIO()
    configure_logging(Settings(home=tmp_path, log_format=log_format), stream)
    evil = "a\nlevel=error forged\r\x1b[2J\u202e\u2028\ud800"
    structlog.stdlib.get_logger().info(evil, **{"k\n": evil}, deep=[{"k\x1b": evil}])
    logging.getLogger("foreign").info("%s", evil)
    text = stream.getvalue()
    assert len(text.splitlines()) == 2
    assert not {"\r", "\x1b", "\u202e", "\u2028", "\ud800"}.intersection(text)
    assert "<U+202E>" in text


def _break() -> None:
    raise ValueError("bad value\ninput was: private")


def test_a_fault_is_its_type_first_line_and_places(logged: io.StringIO) -> None:
    """Drivers and validators quote what they were given from the second line on."""
    log = structlog.stdlib.get_logger()
    try:
        _break()
    except ValueError as fault:
        log.exception("one")
        log.error("two", exc_info=fault)  # noqa: TRY400 - the form with the exception itself
        logging.getLogger("foreign").exception("three")
    log.info("four", exc_info=True)  # noqa: LOG014 - outside a handler there is nothing to tell
    found = lines(logged)
    assert [line.get("fault") for line in found] == ["ValueError: bad value"] * 3 + [None]
    assert all("test_logs.py" in line["where"][-1] for line in found[:3])
    assert "private" not in logged.getvalue()


def test_a_fault_without_a_message_is_named(logged: io.StringIO) -> None:
    structlog.stdlib.get_logger().error("x", exc_info=RuntimeError())
    assert lines(logged)[0]["fault"] == "RuntimeError()"


def test_values_are_bounded(logged: io.StringIO) -> None:
    deep: object = "end"
    for _ in range(100):
        deep = {"k": deep}
    structlog.stdlib.get_logger().info("x", long="a" * 100_000, many=list(range(10_000)), deep=deep)
    assert len(logged.getvalue()) < 5_000
    assert "(100000 characters)" in logged.getvalue()
    assert "nested too deeply" in logged.getvalue()


def test_people_read_lines_on_a_terminal_and_programs_json(tmp_path: Path) -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        configure_logging(Settings(home=tmp_path), stream)
        structlog.stdlib.get_logger().info("hello")
    assert "hello" in terminal.getvalue()
    assert "\x1b[" in terminal.getvalue()
    assert json.loads(pipe.getvalue())["event"] == "hello"


def test_configuring_twice_writes_each_line_once(tmp_path: Path, logged: io.StringIO) -> None:
    stream = io.StringIO()
    for _ in range(2):
        configure_logging(Settings(home=tmp_path, log_format="json"), stream)
    structlog.stdlib.get_logger().info("once")
    assert len(lines(stream)) == 1
    assert logged.getvalue() == ""


def test_a_stream_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    stream = io.StringIO()
    configure_logging(Settings(home=tmp_path), stream)
    stream.close()
    structlog.stdlib.get_logger().info("into the void")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_under_the_c_locale_any_text_is_written(log_format: str, tmp_path: Path) -> None:
    program = (
        "import sys, structlog, logging\n"
        "from orchestrator.logs import configure_logging\n"
        "from orchestrator.settings import Settings\n"
        f"configure_logging(Settings(log_format={log_format!r}), sys.stdout)\n"
        "structlog.stdlib.get_logger().info('k\\xe4se \\ud800 \\x1b[0m \\n')\n"
        "logging.getLogger('x').warning('k\\xe4se \\ud800')\n"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "LANG": "C",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "CHIFFON_HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True
    )
    assert done.stderr == b""
    assert len(done.stdout.splitlines()) == 2
    assert done.stdout.isascii()


def test_visible_shows_what_hides() -> None:
    assert visible("plain\ttext\n") == "plain\ttext\n"
    assert (
        visible("\x1b[31m\u202e\u200b\ufe0f\x85") == "<U+001B>[31m<U+202E><U+200B><U+FE0F><U+0085>"
    )
