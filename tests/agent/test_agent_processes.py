"""Finding and ending the processes of an attempt, without harming any other."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from agent import processes
from agent.processes import ATTEMPT_VARIABLE, Birth, birth_of, boot_id, end, is_alive, of_attempt
from orchestrator.domain.ids import new_id
from tests.plugins.waiting import until

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Python code; returns once it has printed a line."""
    started: list[subprocess.Popen[str]] = []

    def start_(code: str, attempt_id: str = "", *, session: bool = True) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", f"{code}\nprint('up', flush=True); import time; time.sleep(99)"],
            env={ATTEMPT_VARIABLE: attempt_id} if attempt_id else {},
            start_new_session=session,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield start_
    for process in started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def test_a_birth_names_one_process(start: Start) -> None:
    one, other = start("pass"), start("pass")
    born = birth_of(one.pid)
    assert born is not None
    assert born == birth_of(one.pid)
    assert born != birth_of(other.pid)
    assert is_alive(born)
    assert not is_alive(Birth(one.pid, born.birth + "0", born.boot_id))
    assert not is_alive(Birth(one.pid, born.birth, "another boot"))
    one.kill()
    os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(born), "a zombie does nothing any more"
    one.wait()
    assert birth_of(one.pid) is None
    assert not is_alive(born)


def test_without_proc_psutil_tells_the_birth(monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    process = start("pass")

    def missing(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    boot_id.cache_clear()
    born = birth_of(process.pid)
    boot_id.cache_clear()
    assert born is not None
    assert float(born.birth) == pytest.approx(psutil.Process(process.pid).create_time(), abs=0.01)
    assert int(born.boot_id) == pytest.approx(psutil.boot_time(), abs=2)


def test_processes_are_found_by_variable_and_by_group(start: Start) -> None:
    attempt = new_id()
    carrier, leader, stranger = start("pass", attempt), start("pass"), start("pass", new_id())
    found = {process.pid for process in of_attempt(attempt, leader.pid)}
    assert found == {carrier.pid, leader.pid}
    assert stranger.poll() is None


def test_the_one_that_asks_is_never_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert os.getpid() not in {each.pid for each in of_attempt(new_id(), os.getpgid(0))}


async def test_end_waits_for_the_polite_and_kills_the_stubborn(start: Start) -> None:
    attempt = new_id()
    start("import signal; signal.signal(15, signal.SIG_IGN)", attempt)
    start("pass", attempt)
    bystander = start("pass", new_id())
    assert await end(attempt, None, grace_seconds=0.2)  # zombies count as gone
    assert of_attempt(attempt, None) == []
    assert bystander.poll() is None


@pytest.mark.parametrize("grace_seconds", [0, 0.1])
async def test_one_that_keeps_forking_cannot_outrun_the_end(
    start: Start, grace_seconds: float
) -> None:
    attempt = new_id()
    code = (
        "import os, signal; signal.signal(15, signal.SIG_IGN); signal.signal(17, signal.SIG_IGN)\n"
        "print('up', flush=True)\n"
        "for _ in range(20_000):\n  if os.fork(): os._exit(0)"
    )  # bounded: a test that fails must not leave a machine that forks for ever
    leader = start(code, attempt)
    assert await end(attempt, leader.pid, grace_seconds=grace_seconds)
    for _ in range(20):
        assert of_attempt(attempt, leader.pid) == []


async def test_a_paused_process_ends_too(start: Start) -> None:
    attempt = new_id()
    process = start("pass", attempt)
    process.send_signal(signal.SIGSTOP)
    await until(lambda: _status(process.pid) == psutil.STATUS_STOPPED, what="the pause")
    assert await end(attempt, None, grace_seconds=0.1)
    assert process.wait() == -signal.SIGKILL


def _status(pid: int) -> str:
    return psutil.Process(pid).status()


async def test_what_survives_is_said(monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    """Given a process that no signal ends (as one that waits for a dead disk)."""
    attempt = new_id()
    start("pass", attempt)
    monkeypatch.setattr(processes, "_send", lambda *_: None)
    monkeypatch.setattr(processes, "_KILL_SECONDS", 0.05)
    assert not await end(attempt, None, grace_seconds=0)


def test_memory_of_a_group_is_added_up(start: Start) -> None:
    code = "import subprocess, sys; x = bytearray(64 << 20)"
    leader = start(code)
    assert 64 <= processes.memory_mib(leader.pid) < 200
