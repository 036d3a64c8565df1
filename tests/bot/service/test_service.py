"""`chiffon service` writes units that systemd takes, and never over a person's own changes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli import service as commands
from bot.cli.commands import program
from bot.cli.unit import Service, is_untouched
from bot.cli.unit_file import Units
from orchestrator.errors import SettingsError
from tests.plugins.missing import require

AGENT = ("agent", "--name", "nas", "--type", "infra", "--label", 'room=the "attic" $HOME 100%')
CHIFFON = Path(sys.executable).with_name("chiffon")


def unit(*words: str, home: str = "/var/lib/chiffon", account: str | None = "root") -> Service:
    settings = Path("/etc/chiffon/x.env")
    return Service(words[0], words, CHIFFON, Path(home), settings, account)


def chiffon(*words: str) -> Result:
    return CliRunner().invoke(program(["service"]), ["service", *words])


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Units:
    """A folder of units on a machine that systemd runs."""
    units = Units(tmp_path / "units", system=True)
    monkeypatch.setattr(commands, "_units", lambda: units)
    monkeypatch.setattr(commands, "_BOOTED", tmp_path)
    return units


@pytest.mark.parametrize("account", ["root", None], ids=["system", "own"])
@pytest.mark.parametrize("words", [("up",), ("serve",), AGENT], ids=lambda words: words[0])
def test_systemd_takes_the_unit(
    words: tuple[str, ...], account: str | None, tmp_path: Path
) -> None:
    found = shutil.which("systemd-analyze")
    require("systemd-analyze", answered=found is not None, why="no such command in PATH")
    service = unit(*words, account=account)
    file = tmp_path / service.unit
    file.write_text(service.text())

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", file],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert [line for line in done.stderr.splitlines() if service.unit in line] == []
    assert done.returncode == 0


def test_words_come_through_as_they_are() -> None:
    line = re.search(r"^ExecStart=(.*)$", unit(*AGENT).text(), re.MULTILINE)

    assert line is not None
    assert line[1].endswith(r'--label "room=the \"attic\" $$HOME 100%%"')


def test_what_runs_may_finish_and_the_home_can_be_written() -> None:
    for words in (("up",), ("serve",), AGENT):
        text = unit(*words).text()
        assert "KillMode=mixed\nTimeoutStopSec=45\n" in text
        assert "Restart=on-failure\n" in text
        assert "StateDirectory=chiffon\n" in text
    assert "ReadWritePaths=/srv/chiffon\n" in unit("serve", home="/srv/chiffon").text()


def test_only_serve_is_fenced_in_for_good() -> None:
    """A step of an agent may need sudo; most fences forbid it with User= set."""
    assert "NoNewPrivileges=yes\n" in unit("serve").text()
    for words in (("up",), AGENT):
        assert not re.search(r"NoNew|Kernel|Lock|Realtime|SUID|Namesp", unit(*words).text())


def test_control_characters_stay_out() -> None:
    with pytest.raises(SettingsError, match="control characters"):
        unit("agent", "--label", "a=b\nExecStartPre=x").text()


def test_install_writes_it_and_says_what_is_next(units: Units) -> None:
    done = chiffon("install", "up", "--account", "root")

    assert done.exit_code == 0
    assert is_untouched((units.folder / "chiffon-up.service").read_text())
    assert "systemctl daemon-reload && systemctl enable --now chiffon-up.service" in done.output


def test_again_changes_nothing_and_another_unit_of_ours_is_replaced(units: Units) -> None:
    chiffon("install", "up", "--account", "root")

    assert chiffon("install", "up", "--account", "root").output.startswith("As it was: ")
    done = chiffon("install", "up", "--account", "root", "--home", "/srv/other")
    assert done.output.startswith("Replaced: ")
    assert "systemctl restart chiffon-up.service" in done.output


def test_a_unit_that_was_changed_by_hand_stays(units: Units) -> None:
    chiffon("install", "up", "--account", "root")
    file = units.folder / "chiffon-up.service"
    mine = file.read_text().replace("RestartSec=5", "RestartSec=60")
    file.write_text(mine)

    for words in (("install", "up", "--account", "root"), ("uninstall", "up")):
        done = chiffon(*words)
        assert done.exit_code == 1
        assert "was changed by hand" in done.output
        assert file.read_text() == mine

    assert chiffon("install", "up", "--account", "root", "--replace").exit_code == 0
    assert is_untouched(file.read_text())


def test_uninstall_wants_it_disabled_first(units: Units) -> None:
    chiffon("install", *AGENT[:5])
    wants = units.folder / "multi-user.target.wants"
    wants.mkdir()
    link = wants / "chiffon-agent-nas.service"
    link.symlink_to(units.folder / "chiffon-agent-nas.service")

    done = chiffon("uninstall", "agent", "--name", "nas")
    assert done.exit_code == 1
    assert "systemctl disable --now chiffon-agent-nas.service" in done.output

    link.unlink()
    assert chiffon("uninstall", "agent", "--name", "nas").exit_code == 0
    assert list(units.folder.glob("*.service")) == []


def test_show_writes_nothing(units: Units) -> None:
    done = chiffon("show", "serve")

    assert done.exit_code == 0
    assert "[Service]\n" in done.output
    assert not units.folder.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "agent"), "An agent needs --name NAME and --type TYPE."),
        (("show", "agent", "--name", "NAS", "--type", "infra"), "--name: use small letters"),
        (("show", *AGENT[:5], "--label", "attic"), "--label attic: give it as KEY=VALUE."),
        (("show", "up", "--name", "nas"), "are an agent's."),
        (("show", "up", "--home", "/srv/my home"), "a path without spaces"),
        (("uninstall", "up"), "nothing to remove."),
        (("uninstall", "agent"), "Which agent? Say --name NAME."),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_what_cannot_be_is_one_sentence(
    units: Units, words: tuple[str, ...], sentence: str
) -> None:
    done = chiffon(*words)

    assert done.exit_code == 1
    assert sentence in done.output
    assert done.output.count("\n") == 1


def test_without_systemd_nothing_is_written(
    units: Units, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_BOOTED", tmp_path / "no")

    done = chiffon("install", "up")

    assert done.exit_code == 1
    assert done.output.startswith("systemd does not run this machine")
    assert not units.folder.exists()
