"""Every house rule finds its breach, tells what to do, and leaves good code alone."""

from pathlib import Path

import pytest

from scripts import house_lint

LONG_FUNCTION = "def f() -> None:\n" + "    x = 1\n" * house_lint.MAX_FUNCTION_LINES
LONGEST_FUNCTION = "def f() -> None:\n" + "    x = 1\n" * (house_lint.MAX_FUNCTION_LINES - 1)

BREACHES = [
    ("commit-outside-unit-of-work", "orchestrator/usecases/a.py", "session.commit()", 1),
    ("commit-outside-unit-of-work", "agent/a.py", "x = 1\nself.session.rollback()", 2),
    ("import-inside-function", "bot/a.py", "def f():\n    import os", 2),
    ("import-inside-function", "tests/a/test_a.py", "async def f():\n    from os import path", 2),
    ("import-inside-function", "agent/a.py", "class A:\n    def f(self):\n        import os", 3),
    ("print-in-product", "orchestrator/relay.py", "print(1)", 1),
    ("print-in-product", "bot/client.py", "print(1)", 1),
    ("package-file-not-empty", "orchestrator/nlu/__init__.py", "X = 1", 1),
    ("package-file-not-empty", "tests/__init__.py", '"""Words."""', 1),
    ("file-too-long", "bot/a.py", "x = 1\n" * 501, 501),
    ("function-too-long", "agent/a.py", LONG_FUNCTION, 1),
    ("function-too-long", "tests/a/test_a.py", "async " + LONG_FUNCTION, 1),
    ("sleep-in-test", "tests/a/test_a.py", "import time\ntime.sleep(0)", 2),
    ("sleep-in-test", "tests/a/test_a.py", "import asyncio\nawait asyncio.sleep(0.1)", 2),
    ("sleep-in-test", "tests/a/test_a.py", "import asyncio as a\nawait a.sleep(n)", 2),
    ("sleep-in-test", "tests/conftest.py", "from asyncio import sleep\nawait sleep(1)", 2),
    ("sleep-in-test", "tests/conftest.py", "from time import sleep as nap\nnap(1)", 2),
    ("forbidden-name", "orchestrator/task_manager.py", "", 1),
    ("forbidden-name", "tests/a/helpers.py", "", 1),
    ("forbidden-name", "bot/a.py", "class BlockUtils:\n    pass", 1),
    ("time-without-zone", "bot/a.py", "from datetime import datetime\ndatetime.now()", 2),
    ("time-without-zone", "bot/a.py", "import datetime as d\nd.datetime.utcnow()", 2),
    ("time-without-zone", "tests/a.py", "from datetime import date\ndate.today()", 2),
]

GOOD = [
    ("orchestrator/store/unit_of_work.py", "session.commit()\nsession.rollback()"),
    ("tests/store/test_a.py", "session.commit()"),
    ("orchestrator/llm/anthropic.py", "def f():\n    import anthropic"),
    ("bot/a.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import os"),
    ("bot/cli.py", "print(1)"),
    ("orchestrator/cli/ask.py", "print(1)"),
    ("agent/homelab/program.py", "print(1)"),
    ("scripts/a.py", "print(1)"),
    ("bot/a.py", "log.print(1)"),
    ("bot/__init__.py", "\n"),
    ("bot/a.py", "x = 1\n" * 500),
    ("bot/a.py", LONGEST_FUNCTION),
    ("tests/a/test_a.py", "import asyncio\nawait asyncio.sleep(0)"),
    ("tests/a/test_a.py", "import asyncio\nawait asyncio.wait_for(event.wait(), 1)"),
    ("tests/plugins/waiting.py", "import time\ntime.sleep(0.1)"),
    ("agent/worker.py", "import asyncio\nawait asyncio.sleep(1)"),
    ("bot/a.py", "from datetime import UTC, datetime\ndatetime.now(UTC)\ndatetime.now(tz=UTC)"),
    ("bot/a.py", "clock.now()"),
]


def lay(root: Path, path: str, text: str) -> None:
    """Write one file of a made-up checkout."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(("rule", "path", "text", "line"), BREACHES)
def test_breach_is_found_where_it_is(
    rule: str, path: str, text: str, line: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(tmp_path, path, text)

    status = house_lint.main([str(tmp_path)])

    lines = capsys.readouterr().out.splitlines()
    assert status == 1
    assert len(lines) == 2
    assert lines[0].startswith(f"{path}:{line}: {rule}: ")
    assert len(lines[0]) > len(f"{path}:{line}: {rule}: ") + 10  # the advice


@pytest.mark.parametrize(("path", "text"), GOOD)
def test_good_code_is_left_alone(
    path: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(tmp_path, path, text)

    assert house_lint.main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == "House lint: 1 files, no breaches.\n"


def test_every_rule_has_a_breach_above() -> None:
    assert {rule for rule, *_ in BREACHES} == set(house_lint.RULES)


def test_breaches_of_all_files_come_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(tmp_path, "orchestrator/b.py", "x.commit()\nprint(1)")
    lay(tmp_path, "agent/a.py", "print(1)")

    house_lint.main([str(tmp_path)])

    places = [line.split(": ")[0] for line in capsys.readouterr().out.splitlines()[:-1]]
    assert places == ["agent/a.py:1", "orchestrator/b.py:1", "orchestrator/b.py:2"]
