"""deploy_service: what it writes, when it may say “deployed”, what it never touches."""

import os
import re
from pathlib import Path

import pytest
import yaml
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.homelab import files, places, template
from agent.homelab.failure import Failure
from agent.homelab.places import Homelab
from tests.homelab.scene import ChangeTemplate, FakeDocker, Run, Site, TakeSnapshot

NAMES = template.names()


def test_at_least_twelve_services_can_be_deployed() -> None:
    assert len(NAMES) >= 12
    assert "uptime-kuma" in NAMES


def test_without_an_engine_it_is_prepared_and_never_deployed(home: Homelab, run: Run) -> None:
    result = run("deploy", service="uptime-kuma")

    assert result.status == 0
    assert "uptime-kuma is prepared, not started: no Docker engine answers here." in result.out
    assert "deployed" not in result.out
    assert "up --detach" in result.out
    compose = yaml.safe_load((home.service("uptime-kuma") / "compose.yaml").read_text())
    assert {"uptime-kuma", "autokuma"} <= set(compose["services"])


def test_kumas_folder_of_monitors_is_mounted_where_autokuma_looks(home: Homelab, run: Run) -> None:
    run("deploy", service="uptime-kuma")

    compose = yaml.safe_load((home.service("uptime-kuma") / "compose.yaml").read_text())
    autokuma = compose["services"]["autokuma"]
    inside = autokuma["environment"]["AUTOKUMA__STATIC_MONITORS"]
    assert f"./monitors:{inside}:ro" in autokuma["volumes"]
    assert "/var/run/docker.sock" not in str(compose)


def test_it_says_that_a_person_must_make_kumas_first_account(home: Homelab, run: Run) -> None:
    result = run("deploy", service="uptime-kuma")

    assert "create its first account by hand" in result.out


@pytest.mark.parametrize("name", NAMES)
def test_every_template_is_whole(name: str, home: Homelab, run: Run) -> None:
    """Pinned images, reachable from this machine only, nothing undefined, every folder made."""
    assert run("deploy", service=name).status == 0

    folder = home.service(name)
    text = (folder / "compose.yaml").read_text()
    compose = yaml.safe_load(text)
    environment = (folder / ".env").read_text()
    assert compose["name"] == f"chiffon-{name}"
    for service in compose["services"].values():
        assert re.search(r":v?\d+[\d.]+\d(-\w+)?$", service["image"]), service["image"]
        for port in service.get("ports", []):
            assert port.startswith(("${BIND_ADDRESS:-127.0.0.1}:", "127.0.0.1:")), port
        for volume in service.get("volumes", []):
            assert (folder / volume.split(":")[0]).is_dir(), volume
    for variable, fallback in re.findall(r"\$\{(\w+)(:-)?", text):
        assert fallback or f"\n{variable}=" in environment, variable
    assert template.load(name).about.check is not None


def test_templates_do_not_claim_the_same_port_except_the_two_name_servers() -> None:
    claimed: dict[str, str] = {}
    for name in NAMES:
        compose = yaml.safe_load(template.load(name).compose)
        for service in compose["services"].values():
            for port in service.get("ports", []):
                number = port.replace("${BIND_ADDRESS:-127.0.0.1}", "").split(":")[1]
                if number != "53":
                    assert number not in claimed, (name, claimed.get(number), number)
                    claimed[number] = name
    assert "8080" not in claimed, "Chiffon's own page is there"


def test_asking_again_changes_no_byte_and_no_time(
    home: Homelab, run: Run, snapshot: TakeSnapshot
) -> None:
    run("deploy", service="uptime-kuma")
    run("add-portals")
    before = snapshot()

    again = run("deploy", service="Kuma Uptime")

    assert again.status == 0
    assert "already prepared, nothing changed" in again.out
    assert snapshot() == before


def test_secrets_are_made_once_kept_private_and_never_printed(home: Homelab, run: Run) -> None:
    first = run("deploy", service="nextcloud")
    path = home.service("nextcloud") / ".env"
    secrets = re.findall(r"PASSWORD=(\S+)", path.read_text())
    before = path.read_bytes()

    second = run("deploy", service="nextcloud")

    assert len(secrets) == len(set(secrets)) == 2
    assert all(len(secret) >= 24 for secret in secrets)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes() == before
    assert not any(secret in first.out + second.out for secret in secrets)


def test_a_line_that_a_person_wrote_into_env_stays_and_missing_ones_are_added(
    home: Homelab, run: Run
) -> None:
    folder = home.service("grafana")
    folder.mkdir(parents=True)
    (folder / ".env").write_text("# mine\nGRAFANA_PASSWORD=chosen\nBIND_ADDRESS=0.0.0.0")

    run("deploy", service="grafana")

    text = (folder / ".env").read_text()
    assert text.startswith("# mine\nGRAFANA_PASSWORD=chosen\nBIND_ADDRESS=0.0.0.0\nSERVICE_UID=")
    assert text.count("GRAFANA_PASSWORD") == 1


def test_a_compose_file_edited_by_hand_is_left_alone(
    home: Homelab, run: Run, snapshot: TakeSnapshot
) -> None:
    run("deploy", service="gitea")
    path = home.service("gitea") / "compose.yaml"
    path.write_text(path.read_text() + "# mine\n")
    before = snapshot()

    result = run("deploy", service="gitea")

    assert result.status == 1
    assert "was edited by hand" in result.err
    assert "start gitea" in result.err
    assert {p: v[0] for p, v in snapshot().items()} == {p: v[0] for p, v in before.items()}


def test_an_older_template_stays_until_update(
    home: Homelab, run: Run, demo: Path, newer_template: ChangeTemplate
) -> None:
    run("deploy", service="demo")
    newer_template(demo)

    result = run("deploy", service="demo")

    assert result.status == 0
    assert "update_service brings the newer one" in result.out
    assert "demo:1.0" in (home.service("demo") / "compose.yaml").read_text()


def test_further_files_of_a_template_are_written_once(home: Homelab, run: Run, demo: Path) -> None:
    run("deploy", service="demo")
    seed = home.service("demo") / "config" / "demo.conf"
    assert seed.read_text() == "colour = blue\n"
    seed.write_text("colour = red\n")

    run("deploy", service="demo")

    assert seed.read_text() == "colour = red\n"


def test_a_crash_after_the_compose_file_is_mended_by_the_next_run(
    home: Homelab, run: Run, demo: Path
) -> None:
    """The record of what is ours is written second; without it the same bytes are still ours."""
    run("deploy", service="demo")
    (home.service("demo") / ".chiffon.json").unlink()

    assert run("deploy", service="demo").status == 0
    assert "compose_sha256" in (home.service("demo") / ".chiffon.json").read_text()


def test_with_an_engine_it_is_started_and_what_answers_is_said(
    home: Homelab, run: Run, demo: Path, docker: FakeDocker
) -> None:
    result = run("deploy", service="demo")

    assert result.status == 0
    assert "demo is deployed on Docker 28.2.2." in result.out
    assert "demo running" in result.out
    assert "it answers 200" in result.out
    assert docker.state("demo") == "running"
    assert docker.calls[0] == "version --format {{.Server.Version}}"
    assert docker.calls[1] == "compose version"


def test_started_but_not_answering_is_not_called_deployed(
    home: Homelab, run: Run, demo: Path, docker: FakeDocker, site: Site
) -> None:
    site.status = 503

    result = run("deploy", service="demo", wait=0)

    assert result.status == 0
    assert "demo was started, but does not answer yet" in result.out
    assert "deployed" not in result.out


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    ("call", "status", "words"),
    [
        ("version", 0, "no Docker engine answers here"),
        ("compose-version", 0, "it has no Compose plugin"),
        ("up", 1, "is prepared, but could not be started"),
        ("ps", 1, "was started, but whether it runs is not known"),
    ],
)
def test_deploy_where_a_docker_call_fails(
    call: str, status: int, words: str, home: Homelab, run: Run, docker: FakeDocker
) -> None:
    """The files are there in any case and “deployed” is said in none."""
    docker.fail(call, "first\nsecond\n\nboom \x1b[31mred\x1b[0m\n")

    result = run("deploy", service="demo", wait=0)

    assert result.status == status
    assert words in result.out + result.err
    assert "is deployed" not in result.out + result.err
    assert "\x1b" not in result.out + result.err
    assert status == 0 or "boom red" in result.err
    assert (home.service("demo") / "compose.yaml").is_file()


def test_an_engine_that_hangs_is_no_engine(
    home: Homelab, run: Run, demo: Path, docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.homelab.docker.ASK_SECONDS", 0.2)
    docker.hang("version")

    result = run("deploy", service="demo")

    assert result.status == 0
    assert "no Docker engine answers here" in result.out


def test_a_client_without_a_server_version_is_no_engine(
    home: Homelab, run: Run, demo: Path, docker: FakeDocker
) -> None:
    docker.answer("version", "\n")

    assert "prepared, not started" in run("deploy", service="demo").out


@pytest.mark.parametrize(
    "name", ["../../etc", "a/b", "..", ".", "-rf", "/etc", "~", "$(id)", "", "x" * 200, "a\nb", "ü"]
)
def test_no_name_leads_out_of_the_homelab(
    name: str, home: Homelab, run: Run, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))

    for verb in ("deploy", "start", "backup", "restore", "remove", "logs"):
        result = run(verb, service=name)
        assert result.status in (1, 2)
        assert result.err.count("\n") == 1
        assert result.out == ""

    assert sorted(tmp_path.rglob("*")) == before


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(max_size=80))
def test_any_words_resolve_to_a_known_service_or_a_failure(words: str, home: Homelab) -> None:
    try:
        resolved = template.resolve(home, words, installed=False)
    except Failure:
        return
    assert resolved in NAMES


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Kuma Uptime", "uptime-kuma"),
        ("kuma", "uptime-kuma"),
        ("Home Assistant", "home-assistant"),
        ("MQTT broker", "mosquitto"),
        ("pi.hole", "pihole"),
        ("Paperless_ngx", "paperless-ngx"),
    ],
)
def test_services_go_by_the_names_people_use(words: str, name: str, home: Homelab) -> None:
    assert template.resolve(home, words, installed=False) == name


def test_a_name_that_two_services_share_is_asked_back(home: Homelab, run: Run, demo: Path) -> None:
    run("deploy", service="demo")
    folder = home.services / "other"
    folder.mkdir()
    (folder / "compose.yaml").write_text("x-chiffon: {title: Other, aliases: [the demo]}\n")

    with pytest.raises(Failure, match="may be demo or other; say which"):
        template.resolve(home, "the demo")


def test_a_known_service_that_is_not_here_is_said_so(home: Homelab, run: Run) -> None:
    result = run("stop", service="grafana")

    assert result.status == 1
    assert result.err.startswith("grafana is not in the homelab; deploy it first.")


def test_a_folder_that_is_a_link_is_left_alone(home: Homelab, run: Run, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    home.services.mkdir(parents=True)
    (home.services / "gitea").symlink_to(outside)

    result = run("deploy", service="gitea")

    assert result.status == 1
    assert "is a link to another place" in result.err
    assert list(outside.iterdir()) == []


def test_two_steps_on_one_service_do_not_mix(
    home: Homelab, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "LOCK_SECONDS", 0.05)
    (home.root / ".locks").mkdir(parents=True)

    with FileLock(home.root / ".locks" / "gitea.lock"):
        result = run("deploy", service="gitea")

    assert result.status == 1
    assert "Another step is working on gitea" in result.err


def test_a_missing_or_relative_homelab_is_refused(
    home: Homelab, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in ("", "here"):
        monkeypatch.setenv("CHIFFON_HOMELAB", value)
        result = run("list")
        assert result.status == 2
        assert "CHIFFON_HOMELAB" in result.err


def test_a_homelab_that_cannot_be_written_is_one_sentence(home: Homelab, run: Run) -> None:
    home.root.write_text("a file where the folder should be")

    result = run("deploy", service="gitea")

    assert result.status == 1
    assert result.err.startswith("Failed: ")
    assert result.err.count("\n") == 1


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    files.write_atomic(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_atomic(path, b"new")

    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_temporary_file_left_by_a_crash_is_written_over(tmp_path: Path) -> None:
    (tmp_path / ".file.part").write_text("half")

    files.write_atomic(tmp_path / "file", b"whole", files.PRIVATE)

    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
