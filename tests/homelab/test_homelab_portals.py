"""add_portals: portals.yaml in, AutoKuma's static monitor files out, nobody else's touched."""

import json
from pathlib import Path

import pytest
import yaml

from agent.homelab import monitors
from agent.homelab.files import write_atomic
from agent.homelab.places import Homelab
from tests.homelab.scene import FakeDocker, Run, TakeSnapshot

TWO = """portals:
  - name: Router
    url: http://192.168.1.1
  - name: Mail Server
    url: tcp://mail.lan:25
    interval: 300
"""


@pytest.fixture
def kuma(home: Homelab, run: Run) -> Homelab:
    """A homelab with uptime-kuma prepared and two portals."""
    run("deploy", service="uptime-kuma")
    home.portals.write_text(TWO)
    return home


def monitor_files(home: Homelab) -> dict[str, object]:
    folder = home.service("uptime-kuma") / "monitors"
    return {path.name: json.loads(path.read_bytes()) for path in folder.iterdir()}


def test_each_portal_becomes_one_file_in_autokumas_form(kuma: Homelab, run: Run) -> None:
    result = run("add-portals")

    assert result.status == 0
    assert "Portals: 2 added, 0 changed, 0 unchanged, 0 removed." in result.out
    assert monitor_files(kuma) == {
        "router.json": {
            "name": "Router",
            "type": "http",
            "url": "http://192.168.1.1",
            "interval": 60,
        },
        "mail-server.json": {
            "name": "Mail Server",
            "type": "port",
            "hostname": "mail.lan",
            "port": 25,
            "interval": 300,
        },
    }


def test_the_seeded_portals_are_all_added(home: Homelab, run: Run) -> None:
    run("deploy", service="uptime-kuma")
    seeded = yaml.safe_load(home.portals.read_text())["portals"]

    result = run("add-portals")

    assert f"{len(seeded)} added" in result.out
    assert len(monitor_files(home)) == len(seeded) >= 3


def test_portals_are_seeded_once_and_never_overwritten(kuma: Homelab, run: Run) -> None:
    run("deploy", service="uptime-kuma")
    run("add-portals")

    assert kuma.portals.read_text() == TWO


def test_deleted_portals_yaml_is_seeded_again_and_said(kuma: Homelab, run: Run) -> None:
    kuma.portals.unlink()

    assert "was written with examples" in run("add-portals").out


def test_again_writes_no_byte(kuma: Homelab, run: Run, snapshot: TakeSnapshot) -> None:
    run("add-portals")
    before = snapshot()

    result = run("add-portals")

    assert "0 added, 0 changed, 2 unchanged, 0 removed" in result.out
    assert "Nothing had to be written." in result.out
    assert snapshot() == before


def test_a_portal_taken_out_takes_out_our_file_and_no_other(kuma: Homelab, run: Run) -> None:
    run("add-portals")
    mine = kuma.service("uptime-kuma") / "monitors" / "mine.json"
    mine.write_text('{"name": "Mine"}')
    kuma.portals.write_text("portals:\n  - {name: Router, url: 'http://192.168.1.254'}\n")

    result = run("add-portals")

    assert "0 added, 1 changed, 0 unchanged, 1 removed" in result.out
    assert sorted(monitor_files(kuma)) == ["mine.json", "router.json"]


def test_no_portals_at_all_removes_all_of_ours(kuma: Homelab, run: Run) -> None:
    run("add-portals")
    kuma.portals.write_text("portals:\n")

    assert "2 removed" in run("add-portals").out
    assert monitor_files(kuma) == {}
    kuma.portals.write_text("# nothing\n")
    assert run("add-portals").status == 0


@pytest.mark.parametrize("portals", [TWO, "portals: []\n"])
def test_a_monitor_edited_by_hand_is_kept_and_said(portals: str, kuma: Homelab, run: Run) -> None:
    run("add-portals")
    path = kuma.service("uptime-kuma") / "monitors" / "router.json"
    path.write_text('{"name": "Router", "type": "ping"}')
    kuma.portals.write_text(portals)

    for _ in range(2):
        result = run("add-portals")
        assert "router.json was edited by hand" in result.out
        assert path.read_text() == '{"name": "Router", "type": "ping"}'


@pytest.mark.parametrize("name", ["router.json", "router.toml"])
def test_a_file_that_is_not_ours_is_never_overwritten(name: str, kuma: Homelab, run: Run) -> None:
    folder = kuma.service("uptime-kuma") / "monitors"
    (folder / name).write_text("{}")

    result = run("add-portals")

    assert result.status == 1
    assert name in result.err
    assert "nothing was written" in result.err
    assert [path.name for path in folder.iterdir()] == [name]


def test_without_uptime_kuma_nothing_is_written(home: Homelab, run: Run) -> None:
    result = run("add-portals")

    assert result.status == 1
    assert "Deploy uptime-kuma first." in result.err
    assert not home.root.exists()


def test_a_crash_in_between_is_finished_by_the_next_run(
    kuma: Homelab, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given three changes, when the second write dies, then running again makes it whole."""
    run("add-portals")
    kuma.portals.write_text(
        "portals:\n  - {name: Router, url: 'http://10.0.0.1'}\n  - {name: B, url: 'http://b'}\n"
    )
    written: list[Path] = []

    def dies(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) > 1:
            raise OSError(5, "Input/output error")
        write_atomic(path, content)

    monkeypatch.setattr(monitors, "write_atomic", dies)
    assert run("add-portals").status == 1
    monkeypatch.setattr(monitors, "write_atomic", write_atomic)

    result = run("add-portals")

    assert result.status == 0
    assert "edited by hand" not in result.out
    assert sorted(monitor_files(kuma)) == ["b.json", "router.json"]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("portals:\n  - name: [\n", 3, ""),
        ("portals:\n  - name: A\n   url: b\n", 3, ""),
        ("portals: 3\n", 1, "must be a list"),
        ("- name: A\n", 1, "must begin with “portals:”"),
        ("other: []\n", 1, "“other” is unknown"),
        ("portals: []\nmore: 1\n", 2, "“more” is unknown"),
        ("{}\n", 1, "must begin with “portals:”"),
        ("portals:\n  - A\n", 2, "an entry must be"),
        ("portals:\n  - name: A\n", 2, "url: Field required"),
        ("portals:\n\n  - name: A\n    url: ftp://a\n", 3, "url must begin with http://"),
        ("portals:\n  - {name: A, url: 'tcp://a'}\n", 2, "needs a port"),
        ("portals:\n  - {name: A, url: 'tcp://a:999999'}\n", 2, "url: "),
        ("portals:\n  - {name: A, url: 'http://a', hue: 1}\n", 2, "hue: Extra inputs"),
        ("portals:\n  - {name: A, url: 'http://a', interval: 5}\n", 2, "interval: "),
        ("portals:\n  - {name: '..', url: 'http://a'}\n", 2, "no letter or digit"),
        ("portals:\n  - {name: A, url: 'http://a'}\n  - {name: a, url: 'http://b'}\n", 3, "line 2"),
        ("portals:\n  - {name: !!python/name:os.system A, url: 'http://a'}\n", 2, ""),
        ("\tportals: []\n", 1, ""),
        ("portals: \x01\n", 1, ""),
        ("portals: " + "[" * 5000, 1, ""),
    ],
)
def test_a_broken_file_is_one_sentence_with_the_line(
    text: str, line: int, reason: str, kuma: Homelab, run: Run
) -> None:
    run("add-portals")
    before = monitor_files(kuma)
    kuma.portals.write_text(text)

    result = run("add-portals")

    assert result.status == 1
    assert f"portals.yaml, line {line}: " in result.err
    assert reason in result.err
    assert result.err.count("\n") == 1
    assert monitor_files(kuma) == before


def test_bombs_and_bytes_are_refused(kuma: Homelab, run: Run) -> None:
    kuma.portals.write_text("portals: &a [*a, *a]\n")
    assert "alias" in run("add-portals").err
    kuma.portals.write_bytes(b"portals: \xff\xfe\n")
    assert "no UTF-8" in run("add-portals").err
    kuma.portals.write_bytes(b"#" * 1_000_001)
    assert "make it shorter" in run("add-portals").err
    kuma.portals.write_text("portals:\n" + "- {name: a, url: 'http://a'}\n" * 1_001)
    assert "more than 1000" in run("add-portals").err


def test_it_says_whether_autokuma_reads_them_now(
    kuma: Homelab, run: Run, docker: FakeDocker
) -> None:
    assert "not seen running" in run("add-portals").out
    docker.answer("ps", '[{"Service": "autokuma", "State": "running"}]\n')
    assert "AutoKuma is running" in run("add-portals").out
    docker.fail("ps")
    assert "not seen running" in run("add-portals").out
