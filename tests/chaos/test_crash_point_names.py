"""The names of crash points: all in the code, each once, off unless asked for."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from orchestrator import crash_points
from orchestrator.crash_points import CRASH_POINTS
from orchestrator.errors import SettingsError
from orchestrator.settings import load_settings

_ROOT = Path(__file__).parents[2]


def test_every_name_stands_at_one_place_in_the_code_and_no_other_does() -> None:
    found = Counter(
        call.args[0].value if isinstance(call.args[0], ast.Constant) else None
        for package in ("agent", "bot", "orchestrator")
        for file in (_ROOT / package).rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "crash_point"
    )
    assert found == Counter(list(CRASH_POINTS))


def _dies_after(place: str, times: int) -> int:
    program = (
        "import sys\n"
        "from orchestrator.crash_points import arm, crash_point\n"
        "arm(sys.argv[1] or None)\n"
        f"for _ in range({times}): crash_point('claim.before_commit')\n"
    )
    return subprocess.run([sys.executable, "-c", program, place], check=False).returncode


@pytest.mark.parametrize(
    ("place", "times", "status"),
    [
        ("", 3, 0),
        ("claim.before_commit", 1, -9),
        ("claim.before_commit:3", 2, 0),
        ("claim.before_commit:3", 3, -9),
        ("claim.after_commit", 3, 0),
    ],
)
def test_a_program_dies_there_at_that_time_and_else_lives(
    place: str, times: int, status: int
) -> None:
    assert _dies_after(place, times) == status


@pytest.mark.parametrize("place", ["nowhere", "claim.before_commit:0", "claim.before_commit:x"])
def test_what_cannot_be_armed_is_refused(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"crash point|number of times"):
        crash_points.arm(place)
    monkeypatch.setenv("CHIFFON_CRASH_AT", place)
    with pytest.raises(SettingsError, match="CHIFFON_CRASH_AT"):
        load_settings()
