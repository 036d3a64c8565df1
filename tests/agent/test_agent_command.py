"""The command executor on real processes: what runs, in what, for how long, and what is left."""

import asyncio
import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from agent.executors.base import Ended, Job
from agent.executors.command import CommandExecutor
from agent.output import MAX_BYTES, Output
from agent.processes import Birth
from orchestrator.catalog.models import CatalogEntry
from orchestrator.domain.ids import new_id
from orchestrator.domain.value import Parameters
from orchestrator.protocol import Outcome
from tests.agent.scene import carriers, entry, python
from tests.plugins.waiting import until

TERM_SECONDS = 0.3
MIB = 2**20


class Bench:
    """Runs one job after another in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.executor = CommandExecutor(
            folder / "homelab",
            term_seconds=TERM_SECONDS,
            environment={"PATH": os.environ["PATH"], "HOME": "/here", "DOCKER_HOST": "unix:///x"}
            | {"AWS_SECRET": "s3cr3t", "TZ": "UTC", "LD_PRELOAD": "", "PYTHONPATH": "/tmp"},
        )
        self.processes: list[Birth] = []

    def job(
        self, entry: CatalogEntry, parameters: Parameters | None = None, deadline: float = 30
    ) -> Job:
        async def started(process: Birth) -> None:
            self.processes.append(process)

        work = self.folder / new_id()
        work.mkdir()
        return Job(
            attempt_id=new_id(),
            entry=entry,
            parameters=parameters or {},
            deadline_seconds=deadline,
            folder=work,
            output=Output(),
            started=started,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    for process in bench.processes:
        assert not psutil.pid_exists(process.pid), "no process may outlive its attempt"


async def run(bench: Bench, job: Job) -> tuple[Ended, str]:
    ended = await asyncio.wait_for(bench.executor.run(job), 60)
    return ended, job.output.final()


async def test_the_environment_is_an_allowlist(bench: Bench) -> None:
    job = bench.job(python("env", "import json, os; print(json.dumps(dict(os.environ)))"))
    _, output = await run(bench, job)
    environment = json.loads(output)
    for shells_own in ("PWD", "_", "SHLVL", "OLDPWD", "LC_CTYPE"):
        environment.pop(shells_own, None)
    assert environment == {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": "/here",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "TZ": "UTC",
        "DOCKER_HOST": "unix:///x",
        "CHIFFON_HOMELAB": str(bench.folder / "homelab"),
        "CHIFFON_ATTEMPT_ID": job.attempt_id,
    }


async def test_python3_is_the_agents_own(bench: Bench) -> None:
    _, output = await run(bench, bench.job(python("who", "import sys; print(sys.prefix)")))
    assert output.strip() == sys.prefix


HOSTILE = [
    "$(touch canary)",
    "`touch canary`",
    "; touch canary",
    "| touch canary",
    "&& touch canary #",
    "'; touch canary; '",
    '"; touch canary; "',
    "> canary",
    "${IFS}touch${IFS}canary",
    "{{ lookup('pipe', 'touch canary') }}",
    "*",
    "~",
    "$1",
    "\\",
    "--word=other",
    "a b  c",
    "ümläut ☂ 🙂",
]


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_parameter_is_one_argument_and_never_code(bench: Bench, value: str) -> None:
    code = "import json, sys; print(json.dumps(sys.argv[1:]))"
    echo = python("echo", code, "--word={{ word }}", "end")
    job = bench.job(echo, {"word": value})
    _, output = await run(bench, job)
    assert json.loads(output) == [f"--word={value}", "end"]
    assert list(job.folder.iterdir()) == []


@pytest.mark.parametrize("value", ["a\x00b", "a\nb", "-rf"])
async def test_an_unfit_value_is_refused(bench: Bench, value: str) -> None:
    ended, _ = await run(bench, bench.job(entry("cat", ("cat", "{{ word }}")), {"word": value}))
    assert (ended.outcome, ended.started) == (Outcome.FAILED, False)
    assert "`word`" in ended.reason


async def test_standard_input_is_empty_and_error_is_output_too(bench: Bench) -> None:
    code = "import sys; print(repr(sys.stdin.read()), file=sys.stderr)"
    _, output = await run(bench, bench.job(python("stdin", code)))
    assert output == "''\n"


async def test_exit_status_and_the_last_words_say_why_it_failed(bench: Bench) -> None:
    code = "import sys; print('trying'); sys.exit('No such service: kuma. Deploy it first.')"
    ended, output = await run(bench, bench.job(python("fails", code)))
    assert (ended.outcome, ended.started, ended.exit_code) == (Outcome.FAILED, True, 1)
    assert ended.reason == "No such service: kuma. Deploy it first. (exit status 1)"
    assert "trying" in output


@pytest.mark.parametrize(
    ("code", "exit_code", "reason"),
    [
        ("import sys; sys.exit(3)", 3, "it failed: exit status 3"),
        ("import os; os.kill(os.getpid(), 9)", -9, "it failed: ended by SIGKILL"),
        ("import os; os.kill(os.getpid(), 40)", -40, "it failed: exit status -40"),
    ],
)
async def test_a_silent_failure_is_told_by_its_status(
    bench: Bench, code: str, exit_code: int, reason: str
) -> None:
    ended, _ = await run(bench, bench.job(python("fails", code)))
    assert (ended.exit_code, ended.reason) == (exit_code, reason)


async def test_a_missing_program_is_one_sentence(bench: Bench) -> None:
    ended, _ = await run(bench, bench.job(entry("none", ("no-such-program",))))
    assert (ended.outcome, ended.started) == (Outcome.FAILED, False)
    assert ended.reason.startswith("`no-such-program` is not an executable program on this agent")
    assert bench.processes == []


async def test_a_file_that_may_not_be_executed_is_one_sentence(bench: Bench) -> None:
    script = bench.folder / "script.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(stat.S_IRUSR)
    ended, _ = await run(bench, bench.job(entry("script", (str(script),))))
    assert not ended.started
    assert "is not an executable program" in ended.reason


async def test_arguments_the_system_refuses_are_one_sentence(bench: Bench) -> None:
    ended, _ = await run(bench, bench.job(entry("long", ("echo", "x" * MIB))))
    assert (ended.outcome, ended.started) == (Outcome.FAILED, False)
    assert ended.reason == "the command could not be started: Argument list too long"


async def test_an_entry_without_command_is_not_ours(bench: Bench) -> None:
    other = entry("other", None)
    assert not bench.executor.can_run(other.capability)
    ended, _ = await run(bench, bench.job(other))
    assert not ended.started


STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = "import signal, time; signal.signal(15, 1); print('c', flush=True); time.sleep(99)"
for session in (False, True):
    subprocess.Popen([sys.executable, "-c", child], start_new_session=session)
print("p", flush=True)
time.sleep(99)
"""


async def test_at_the_deadline_all_of_it_ends_even_what_ignores_sigterm(bench: Bench) -> None:
    """Given children that ignore SIGTERM, one of them outside the group, none is left."""
    job = bench.job(python("stubborn", STUBBORN), deadline=1.5)
    ended, output = await run(bench, job)
    assert output.count("c") == 2
    assert (ended.outcome, ended.started) == (Outcome.TIMED_OUT, True)
    assert ended.exit_code == -9
    assert ended.reason == "stopped at its deadline of 1.5 s"
    assert not carriers(job.attempt_id)


async def test_a_polite_command_may_clean_up(bench: Bench) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(15, lambda *_: (print('cleaned'), sys.exit(0)))\n"
        "print('up', flush=True); time.sleep(99)"
    )
    ended, output = await run(bench, bench.job(python("polite", code), deadline=1))
    assert ended.outcome is Outcome.TIMED_OUT
    assert output == "up\ncleaned\n"


async def test_a_stop_ends_it_and_at_once_means_no_grace(bench: Bench) -> None:
    job = bench.job(python("stubborn", STUBBORN))
    bench.executor = CommandExecutor(bench.folder, term_seconds=3_600)
    running = asyncio.create_task(bench.executor.run(job))
    await until(lambda: len(carriers(job.attempt_id)) == 3, what="three processes")
    job.stop.set()
    job.at_once.set()
    ended = await asyncio.wait_for(running, 20)
    assert (ended.outcome, ended.started) == (Outcome.INTERRUPTED, True)
    assert not carriers(job.attempt_id)


async def test_what_a_command_leaves_behind_ends_with_it(bench: Bench) -> None:
    code = "import subprocess; subprocess.Popen(['sleep', '99'], start_new_session=True); print(1)"
    job = bench.job(python("daemon", code))
    ended, output = await run(bench, job)
    assert (ended.outcome, output) == (Outcome.SUCCESS, "1\n")
    assert not carriers(job.attempt_id)


async def test_a_process_that_hides_cannot_hold_the_result_back(bench: Bench) -> None:
    """Given one without our variable and outside the session, only its pipe is given up."""
    code = (
        "import subprocess; p = subprocess.Popen(['sleep', '99'], env={}, start_new_session=True);"
        "print(p.pid)"
    )
    ended, output = await run(bench, bench.job(python("hidden", code)))
    psutil.Process(int(output)).kill()
    assert ended.outcome is Outcome.SUCCESS


async def test_nothing_runs_if_the_journal_refuses(bench: Bench) -> None:
    """Given a full disk, the process at the gate ends without having run anything."""
    canary = bench.folder / "canary"
    job = bench.job(entry("touch", ("touch", str(canary))))
    seen: list[Birth] = []

    async def refuse(process: Birth) -> None:
        seen.append(process)
        raise OSError("disk full")

    object.__setattr__(job, "started", refuse)
    with pytest.raises(OSError, match="disk full"):
        await bench.executor.run(job)
    await until(lambda: not psutil.pid_exists(seen[0].pid), what="the gate's end")
    assert not canary.exists()


async def test_a_cancelled_executor_kills_what_it_runs(bench: Bench) -> None:
    job = bench.job(python("wait", "import time; time.sleep(99)"))
    running = asyncio.create_task(bench.executor.run(job))
    await until(lambda: carriers(job.attempt_id), what="the process")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not psutil.pid_exists(bench.processes[0].pid), what="its end")


async def test_a_flood_of_output_neither_grows_memory_nor_the_result(bench: Bench) -> None:
    code = "import sys\nfor _ in range(256): sys.stdout.write('y\\n' * (1 << 19))"
    before = psutil.Process().memory_info().rss
    ended, output = await run(bench, bench.job(python("flood", code)))
    grown = psutil.Process().memory_info().rss - before
    assert ended.outcome is Outcome.SUCCESS
    assert grown < 30 * MIB
    assert len(output.encode()) <= MAX_BYTES
    left_out = 256 * MIB - (MAX_BYTES - 128)
    assert f"[… {left_out:,} bytes left out …]" in output
    assert output.startswith("y\ny\n")
    assert output.endswith("y\ny\n")


async def test_one_endless_line_is_bounded_too(bench: Bench) -> None:
    code = "import sys; sys.stdout.write('x' * (100 << 20) + 'end')"
    before = psutil.Process().memory_info().rss
    _, output = await run(bench, bench.job(python("line", code)))
    assert psutil.Process().memory_info().rss - before < 30 * MIB
    assert output.endswith("xend")
    assert len(output.encode()) <= MAX_BYTES


async def test_random_bytes_become_harmless_text(bench: Bench) -> None:
    code = "import os, sys; sys.stdout.buffer.write(os.urandom(1 << 20))"
    _, output = await run(bench, bench.job(python("noise", code)))
    assert len(output.encode()) <= MAX_BYTES
    assert not set(map(chr, range(32))) - {"\n", "\t"} & set(output)


async def test_time_and_memory_used_are_measured(bench: Bench) -> None:
    code = (
        "import time; x = bytearray(150 << 20); end = time.process_time() + 0.3\n"
        "while time.process_time() < end: pass\ntime.sleep(0.4)"
    )
    ended, _ = await run(bench, bench.job(python("work", code)))
    assert ended.use.cpu_seconds >= 0.3
    assert ended.use.wall_seconds >= 0.7
    assert 150 <= ended.use.peak_memory_mb < 300


async def test_called_off_at_the_gate_it_never_runs(bench: Bench) -> None:
    canary = bench.folder / "canary"
    job = bench.job(entry("touch", ("touch", str(canary))))
    job.stop.set()
    ended, _ = await run(bench, job)
    assert (ended.outcome, ended.started) == (Outcome.INTERRUPTED, False)
    await until(lambda: not psutil.pid_exists(bench.processes[0].pid), what="the gate's end")
    assert not canary.exists()
