"""check_status, tail_logs, disk_report and the command line: real sockets, real files."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from agent.homelab import network
from agent.homelab.failure import size, visible
from agent.homelab.places import Homelab
from tests.homelab.scene import FakeDocker, Run, Site


@pytest.mark.parametrize(
    ("status", "expected", "up"),
    [
        (200, None, True),
        (302, None, True),
        (401, None, True),
        (404, None, False),
        (500, None, False),
        (404, 404, True),
        (200, 204, False),
    ],
)
def test_a_url_is_up_or_down_by_what_it_answers(
    status: int, expected: int | None, up: bool, run: Run, home: Homelab, site: Site
) -> None:
    site.status = status
    options = {} if expected is None else {"expect_status": expected}

    result = run("check-status", url=site.url, **options)

    assert result.status == (0 if up else 1)
    assert str(status) in (result.out if up else result.err)
    assert f"{site.url} is {'up' if up else 'down'}" in (result.out if up else result.err)


def test_a_port_that_listens_and_one_that_does_not(run: Run, home: Homelab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert "takes connections" in run("check-status", host="127.0.0.1", port=port).out
        assert run("check-status", port=port).status == 0

    result = run("check-status", host="127.0.0.1", port=port)

    assert result.status == 1
    assert result.err == f"127.0.0.1 port {port} is down: Connection refused.\n"


def test_one_that_is_silent_is_down_in_time(run: Run, home: Homelab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        result = run("check-status", url=url, timeout=0.2)

    assert result.status == 1
    assert "no answer within 0.2 s" in result.err


def test_a_tcp_connection_that_is_never_taken_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", late)

    assert network.tcp("nowhere", 1).sentence == "nowhere port 1 is down: no answer within 5 s."


@pytest.mark.parametrize("url", ["http://", "http://a b/", "ftp://x/", "http://[", "nonsense"])
def test_a_url_that_is_none_is_one_sentence(url: str, run: Run, home: Homelab) -> None:
    result = run("check-status", url=url)

    assert result.status == 1
    assert result.err.count("\n") == 1


def test_redirects_are_not_followed(home: Homelab, run: Run, site: Site) -> None:
    site.status = 301

    assert "it answers 301" in run("check-status", url=site.url).out


def test_a_service_and_all_services(home: Homelab, run: Run, demo: Path, site: Site) -> None:
    assert "nothing to check" in run("check-status").out
    run("deploy", service="demo")
    assert "demo: http://127.0.0.1" in run("check-status", service="Demo App").out
    own = home.services / "own"
    own.mkdir()
    (own / "compose.yaml").write_text("services: {}\n")

    result = run("check-status")

    assert result.status == 1
    assert "demo: " in result.out
    assert "own: nobody has said where it answers" in result.err


def test_a_service_is_asked_where_env_binds_it(home: Homelab, run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        folder = home.services / "own"
        folder.mkdir(parents=True)
        port = server.getsockname()[1]
        check = f"{{scheme: tcp, port: {port}}}"
        (folder / "compose.yaml").write_text(f"x-chiffon: {{title: Own, check: {check}}}\n")
        (folder / ".env").write_text("BIND_ADDRESS=0.0.0.0\n")
        assert f"127.0.0.1 port {port} is up" in run("check-status", service="own").out
        (folder / ".env").write_text("BIND_ADDRESS='127.0.0.2'\n")
        result = run("check-status", service="own")
        assert f"127.0.0.2 port {port} is " in result.out + result.err


def test_waiting_ends_as_soon_as_it_answers(site: Site) -> None:
    site.status = 503
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        site.status = 200

    assert network.wait_for(site.url, 30, pause).up
    assert len(pauses) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"host": "a"}, "Say which port of a"),
        ({"url": "http://a", "service": "b"}, "not both"),
        ({"port": 1, "service": "b"}, "not both"),
        ({"port": 0}, "is no number from 1 to 65535"),
        ({"port": "１"}, "is no number"),  # noqa: RUF001 - a full-width digit
    ],
)
def test_wrong_usage_is_a_sentence_and_status_2(
    options: dict[str, object], words: str, run: Run, home: Homelab
) -> None:
    result = run("check-status", **options)

    assert result.status == 2
    assert words in result.err
    assert result.err.count("\n") == 1


def test_other_wrong_usage(run: Run, home: Homelab) -> None:
    assert "neither true nor false" in run("remove", service="a", delete_data="yes").err
    assert "Unrecognized arguments" in run("list", serv="a").err
    assert "required: --service" in run("deploy").err


def test_logs_of_containers_without_secrets_and_escapes(
    home: Homelab, run: Run, demo: Path, docker: FakeDocker
) -> None:
    run("deploy", service="demo")
    secret = (home.service("demo") / ".env").read_text().rpartition("DEMO_PASSWORD=")[2].strip()
    docker.answer("logs", f"demo-1 | login {secret}\ndemo-1 | \x1b[31mred\x07\u202e\n")

    result = run("logs", service="demo", lines=7)

    assert result.status == 0
    assert "demo: 2 lines from its containers." in result.out
    assert "login [DEMO_PASSWORD]" in result.out
    assert secret not in result.out
    assert "| red��" in result.out
    assert docker.calls[-1].endswith("logs --no-color --tail 7")
    docker.answer("logs", "")
    assert "demo has no logs." in run("logs", service="demo").out
    docker.fail("logs")
    assert "boom" in run("logs", service="demo").err


def test_without_an_engine_log_files_are_shown_and_called_that(
    home: Homelab, run: Run, demo: Path
) -> None:
    run("deploy", service="demo")
    assert "has no logs to show" in run("logs", service="demo").err
    path = home.service("demo") / "data" / "app.log"
    path.write_text("".join(f"line {number}\n" for number in range(100)))

    result = run("logs", service="demo", lines=3)

    assert result.status == 0
    assert "Not the containers' logs" in result.out
    assert result.out.splitlines()[-4:] == ["data/app.log:", "line 97", "line 98", "line 99"]


def test_disk_names_real_mounts_and_the_largest_folders(home: Homelab, run: Run) -> None:
    assert "is empty" in run("disk").out
    for name, length in (("small", 10), ("large", 5_000)):
        (home.services / name).mkdir(parents=True)
        (home.services / name / "file").write_bytes(b"x" * length)
    home.backups.mkdir()
    (home.services / "large" / "dead").symlink_to("nowhere")

    result = run("disk", largest=1)

    assert "% used, " in result.out
    assert "services/large: 5.0 kB." in result.out
    assert "small" not in result.out
    assert "backups: 0 B." in run("disk").out


def test_a_mount_that_cannot_be_read_is_passed_over(
    home: Homelab, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Part:
        mountpoint = "/gone/away"

    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: [Part()])

    assert run("disk").status == 0


def test_sizes_and_lines_as_people_read_them() -> None:
    assert [size(10), size(1_500), size(2_000_000), size(10**12)] == [
        "10 B",
        "1.5 kB",
        "2.0 MB",
        "1.0 TB",
    ]
    assert visible("a\nb\tc\x1b]0;title\x07d") == "a b cd"


def program(home: Homelab, *arguments: str) -> subprocess.Popen[str]:
    """Start the program as an agent does: its own process, a clean environment."""
    environment = {
        "PATH": os.environ["PATH"],
        "CHIFFON_HOMELAB": str(home.root),
        "FAKE_DOCKER": os.environ.get("FAKE_DOCKER", ""),
        "PYTHONIOENCODING": "ascii",  # as a bare LANG may make it
    }
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-m", "agent.homelab", *arguments],
        cwd=root,
        env=environment,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_it_runs_as_a_module_and_its_status_is_the_processs(home: Homelab) -> None:
    out, err = (process := program(home, "list")).communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "The homelab has no service yet." in out
    _, err = (process := program(home, "start", "--service=nothing")).communicate(timeout=60)
    assert process.returncode == 1
    assert err.startswith("No service is called “nothing”.")


def test_a_step_that_is_stopped_lets_paused_containers_go(
    home: Homelab, run: Run, demo: Path, docker: FakeDocker
) -> None:
    """Given a backup that hangs with its containers paused, when the agent ends it."""
    folder = home.services / "own"
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text("services: {}\n")
    (docker.folder / "state-own").write_text("running\n")
    docker.hang("pause")
    process = program(home, "backup", "--service=own")
    while not any(call.endswith("pause") for call in docker.calls):
        assert process.poll() is None
    (docker.folder / "state-own").write_text("paused\n")

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)

    assert process.returncode == 143
    assert docker.state("own") == "running"
