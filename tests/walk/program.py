"""The real `chiffon` program with a home of its own, as a person at a shell has it."""

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import httpx

from tests.plugins.waiting import until_blocking
from tests.plugins.warm import Process, Streams, chiffon, cold

KUMA = "Deploy Kuma Uptime and add existing portals to config"
# What an environment of tests or of CI says about the looks of output.
_LOOKS = frozenset({"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS"})
_START_SECONDS = 30.0
_STOP_SECONDS = 45.0
_COMMAND_SECONDS = 60.0


@dataclass(frozen=True)
class Said:
    """What one command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


_SERVERS = frozenset({"up", "serve", "agent"})


class Up:
    """A running `chiffon up`, `serve` or `agent`."""

    def __init__(self, process: Process, out: Path, err: Path) -> None:
        self.process = process
        self._out, self._err = out, err

    @property
    def out(self) -> str:
        return self._out.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text(encoding="utf-8")

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def until_ready(self) -> None:
        """Wait until it says that it works."""
        until_blocking(
            lambda: self.ended or "Ctrl-C stops it" in self.out,
            what="chiffon says that it works",
            seconds=_START_SECONDS,
        )
        assert not self.ended, self.err

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end and return the exit status; it must not show a trace."""
        status = self.process.wait(timeout=_STOP_SECONDS)
        without_trace(self.out + self.err)
        return status

    def stop(self) -> None:
        """End it as Ctrl-C does; nothing but a clean end will do."""
        self.signal(signal.SIGINT)
        assert self.wait() == 0, self.err

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()
        self.process.wait(timeout=_STOP_SECONDS)
        without_trace(self.out + self.err)


class Program:
    """`chiffon`, or what stands at `command`, with `CHIFFON_HOME` set.

    Without a command it is started warm; `CHIFFON` is the one of this environment, from cold.
    """

    def __init__(self, room: Path, command: Sequence[str] = (), **settings: str) -> None:
        self.room = room
        self.home = room / "home"
        self.settings = settings
        self._command = tuple(command)
        self._started: list[Up] = []

    @property
    def homelab(self) -> Path:
        return self.home / "homelab"

    @property
    def environment(self) -> dict[str, str]:
        """This process's, with settings of its own and no Docker engine in reach.

        Its coverage is not measured, which takes twice the time: other rooms test the commands.
        """
        clean = {
            name: value
            for name, value in os.environ.items()
            if "CHIFFON" not in name and not name.startswith("COVERAGE") and name not in _LOOKS
        }
        return clean | {
            "CHIFFON_HOME": str(self.home),
            "CHIFFON_PORT": "0",
            "DOCKER_HOST": "unix:///nonexistent/docker.sock",
            "LOGNAME": "newcomer",
            **self.settings,
        }

    @property
    def measured(self) -> dict[str, str]:
        """The environment for the programs that stay, which nothing else tests."""
        of_coverage = {name: os.environ[name] for name in os.environ if name.startswith("COVERAGE")}
        return self.environment | of_coverage

    def start(
        self, words: Sequence[str], streams: Streams, environment: Mapping[str, str]
    ) -> Process:
        """Start it in a session of its own; a terminal on standard input is then its own."""
        if self._command:
            return cold([*self._command, *words], environment, self.room, streams)
        return chiffon(words, environment, self.room, streams)

    def run(self, *words: str, stdin: str = "", **settings: str) -> Said:
        """Run a command to its end; it must not show a trace."""
        environment = (self.measured if words[0] in _SERVERS else self.environment) | settings
        with ExitStack() as stack:
            typed, out, err = (stack.enter_context(TemporaryFile("w+")) for _ in range(3))
            typed.write(stdin)
            typed.seek(0)
            started = self.start(words, Streams.of(typed, out, err), environment)
            status = started.wait(timeout=_COMMAND_SECONDS)
            out.seek(0)
            err.seek(0)
            said = Said(status, out.read(), err.read())
        without_trace(said.text)
        return said

    def ok(self, *words: str) -> str:
        """Run a command that must succeed and return what it printed."""
        said = self.run(*words)
        assert said.status == 0, said.text
        return said.out

    def launch(self, *words: str, **settings: str) -> Up:
        """Start `chiffon up` (or what `words` say) and return at once."""
        number = len(self._started) + 1
        out, err = self.room / f"up-{number}.out", self.room / f"up-{number}.err"
        with Path(os.devnull).open() as nothing, out.open("w") as to, err.open("w") as to_err:
            streams = Streams.of(nothing, to, to_err)
            process = self.start(words or ("up",), streams, self.measured | settings)
        self._started.append(Up(process, out, err))
        return self._started[-1]

    def up(self, *words: str, **settings: str) -> Up:
        """Start `chiffon up` (or what `words` say) and wait until it says that it works."""
        started = self.launch(*words, **settings)
        started.until_ready()
        return started

    def end_all(self) -> None:
        """Let nothing of this program run any more, whatever the test did."""
        for each in self._started:
            if not each.ended:
                each.kill()

    @contextmanager
    def api(self) -> Iterator[httpx.Client]:
        """Give a client of the running one that holds the local token."""
        address = (self.home / "address").read_text(encoding="utf-8").strip()
        token = (self.home / "token").read_text(encoding="utf-8").strip()
        with httpx.Client(
            base_url=f"{address}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            trust_env=False,
        ) as client:
            yield client


def running_in(program: Program) -> Iterator[Program]:
    """Have `chiffon up` at work meanwhile; nothing but a clean end will do."""
    try:
        up = program.up()
        yield program
        up.stop()
    finally:
        program.end_all()


def without_trace(text: str) -> None:
    """Fail where a person would see a trace."""
    assert "Traceback" not in text, text


def approved(client: httpx.Client, request: str) -> int:
    """Ask and approve over REST; return the plan's number."""
    asked = client.post("/request", json={"request": request, "user_id": "newcomer"})
    assert asked.status_code == 200, asked.text
    plan: int | None = asked.json()["plan_number"]
    assert plan is not None, asked.text
    decision = {"approved": True, "user_id": "newcomer"}
    decided = client.post(f"/plan/{plan}/approve", json=decision)
    assert decided.status_code == 200, decided.text
    return plan


def plan_status(client: httpx.Client, plan: int) -> Mapping[str, object]:
    """Return where a plan stands."""
    answer = client.get(f"/plan/{plan}/status")
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def wait_until(client: httpx.Client, plan: int, *wanted: str, seconds: float = 30) -> str:
    """Wait until a plan has one of the statuses; return it. In vain, tell how it stands."""
    deadline = time.monotonic() + seconds
    until_blocking(
        lambda: status_of(client, plan) in wanted or time.monotonic() > deadline,
        what="the plan can be looked up",
        seconds=seconds + 10,
    )
    found = status_of(client, plan)
    assert found in wanted, client.get(f"/plan/{plan}/audit").text
    return found


def status_of(client: httpx.Client, plan: int) -> str:
    """Return the plan's status alone."""
    return str(plan_status(client, plan)["status"])
