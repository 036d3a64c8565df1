"""`.env` keeps what it does not understand, and its owner's secrets."""

import os
import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values

from bot.cli.env_file import EnvFile
from orchestrator.errors import SettingsError


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        EnvFile(tmp_path / ".env").write("A", "1")
    finally:
        os.umask(old)
    assert mode(tmp_path / ".env") == 0o600


def test_every_other_line_stays_and_the_mode_becomes_strict(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# remark\nexport B='two words'\nA=old\nno line of a kind", encoding="utf-8")
    file.chmod(0o644)
    EnvFile(file).write("A", "new")
    EnvFile(file).write("C", "x")
    text = file.read_text("utf-8")
    assert text == "# remark\nexport B='two words'\nA=new\nno line of a kind\nC=x\n"
    assert mode(file) == 0o600


@pytest.mark.parametrize("value", ["xoxb-1", "it's # one $HOME", 'say "so"', "a\\b"])
def test_a_value_comes_back_as_it_was_written(tmp_path: Path, value: str) -> None:
    env = EnvFile(tmp_path / ".env")
    env.write("A", value)
    assert dotenv_values(env.path, interpolate=False)["A"] == value
    assert env.path.read_text("utf-8").count("A=") == 1


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("A=1\n", encoding="utf-8")
    (tmp_path / ".env").symlink_to("real")
    EnvFile(tmp_path / ".env").write("A", "2")
    assert (tmp_path / ".env").is_symlink()
    assert (tmp_path / "real").read_text("utf-8") == "A=2\n"


def test_the_environment_wins_and_an_empty_one_counts_as_unset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = EnvFile(tmp_path / ".env")
    env.write("CHIFFON_ADMINS", "U1")
    monkeypatch.setenv("CHIFFON_ADMINS", "")
    assert (env.value("CHIFFON_ADMINS"), env.overridden("CHIFFON_ADMINS")) == ("U1", False)
    monkeypatch.setenv("CHIFFON_ADMINS", "U2")
    assert (env.value("CHIFFON_ADMINS"), env.overridden("CHIFFON_ADMINS")) == ("U2", True)


def test_what_cannot_be_read_or_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe\n")
    with pytest.raises(SettingsError, match="cannot be read"):
        EnvFile(tmp_path / ".env").values()
    with pytest.raises(SettingsError, match="cannot be written"):
        EnvFile(tmp_path / "missing" / ".env").write("A", "1")
