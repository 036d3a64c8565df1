"""Dockerfile and the compose files say what the checkout has, and open nothing by mistake."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from typer.core import TyperGroup

from agent.cli import app as agent_app
from agent.settings import AgentSettings
from bot.cli.commands import COMMANDS, program

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OPT_INS = ("compose.docker.yaml", "compose.slack.yaml")
OWN = {name: each for name, each in SERVICES.items() if "build" in each}


def dockerfile() -> list[tuple[str, str]]:
    """Return each instruction with its words, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    split = [line.split(None, 1) for line in lines if line.strip()]
    return [(words[0], re.sub(r"\s+", " ", words[1])) for words in split]


def last(instruction: str) -> str:
    return [words for name, words in dockerfile() if name == instruction][-1]


def images() -> Iterator[str]:
    """Yield every image of other people."""
    stages = {words.split(" AS ")[1] for name, words in dockerfile() if name == "FROM"}
    named = [words.split(" AS ")[0] for name, words in dockerfile() if name == "FROM"]
    yield from (name for name in named if name not in stages)
    yield from (each["image"] for each in SERVICES.values() if "build" not in each)


def chiffon_commands() -> Iterator[tuple[str, ...]]:
    """Yield what the image is told to run: by compose, by health checks, by the smoke test."""
    yield from (tuple(each["command"]) for each in OWN.values())
    checks = [each.get("healthcheck", {}).get("test", []) for each in OWN.values()]
    yield from (tuple(test[2:]) for test in checks if test[:2] == ["CMD", "chiffon"])
    yield tuple(json.loads(last("HEALTHCHECK").partition("CMD ")[2])[1:])
    yield tuple(json.loads(last("CMD")))
    smoke = (ROOT / "scripts/compose-smoke.sh").read_text(encoding="utf-8")
    found = re.findall(r"(?:run --rm -T serve|exec -T agent chiffon) ([\w -]+)", smoke)
    yield from (tuple(words.split()) for words in found)


@pytest.mark.parametrize("words", sorted(set(chiffon_commands())), ids=" ".join)
def test_what_the_image_is_told_to_run_is_a_command(words: tuple[str, ...]) -> None:
    command: Any = typer.main.get_command(agent_app if words[0] == "agent" else program(COMMANDS))
    rest = list(words)
    while isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"`chiffon {' '.join(words)}`: no such command"
        command = command.commands[rest.pop(0)]

    known = {option for each in command.params for option in each.opts}
    given = {word for word in rest if word.startswith("--")}
    assert given <= known | {"--help"}


def test_images_are_pinned_by_a_tag_and_name_no_host() -> None:
    found = list(images())

    assert found
    assert [image for image in found if not re.fullmatch(r"[a-z]+:\d[\w.-]*", image)] == []


def test_the_image_runs_as_a_numbered_nobody_and_every_command_is_its() -> None:
    assert re.fullmatch(r"[1-9]\d{4}:[1-9]\d{4}", last("USER"))
    assert json.loads(last("ENTRYPOINT")) == ["chiffon"]
    assert last("STOPSIGNAL") == "SIGTERM"
    assert last("FROM") == "runtime AS chiffon"
    assert [words for name, words in dockerfile() if name == "ADD" or "://" in words] == []


def test_the_builder_gets_what_the_wheel_is_made_of() -> None:
    copied = [words for name, words in dockerfile() if name == "COPY" and "--from" not in words]
    sources = {source for words in copied for source in words.split()[:-1]}
    project = PROJECT["project"]
    packages = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]

    wanted = {"constraints.txt", "pyproject.toml", project["readme"], *project["license-files"]}
    assert sources == wanted | {name for name in packages if "*" not in name}
    let_through = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in let_through if line.startswith("!")} == sources
    assert "*" in let_through


def test_the_project_has_one_version() -> None:
    version = PROJECT["project"]["version"]
    told = [words for name, words in dockerfile() if words.startswith("VERSION=")]

    assert told == [f"VERSION={version}"]
    assert {each["image"] for each in OWN.values()} == {f"chiffon:{version}"}


def test_no_port_is_open_beyond_the_loopback() -> None:
    ports = [port for each in SERVICES.values() for port in each.get("ports", [])]

    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    for file in OPT_INS:
        assert "ports:" not in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_uses_only_what_is_declared(name: str) -> None:
    service = SERVICES[name]
    mounts = [mount.split(":")[0] for mount in service.get("volumes", [])]

    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    assert [m for m in mounts if not m.startswith(".") and m not in COMPOSE["volumes"]] == []
    assert [m for m in mounts if m.startswith(".") and not (ROOT / m).is_file()] == []
    read = re.findall(r"/run/secrets/([\w.]+)", json.dumps(service.get("environment", {})))
    assert set(read) <= set(service.get("secrets", []))


def test_every_volume_and_every_secret_is_of_use() -> None:
    mounts = [mount for each in SERVICES.values() for mount in each.get("volumes", [])]
    secrets = [secret for each in SERVICES.values() for secret in each.get("secrets", [])]

    assert {mount.split(":")[0] for mount in mounts if mount[0] != "."} == set(COMPOSE["volumes"])
    assert set(secrets) == set(COMPOSE["secrets"])


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_waited_for_can_come_about(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "test" in SERVICES[other]["healthcheck"]
        else:
            assert how["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] == "no"


def test_two_replicas_start_after_the_migration_and_the_agent_needs_no_database() -> None:
    serve, agent = SERVICES["serve"], SERVICES["agent"]

    assert serve["deploy"]["replicas"] == 2
    assert serve["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert serve["environment"]["CHIFFON_ALLOWED_HOSTS"]
    assert "database" not in json.dumps(agent)


@pytest.mark.parametrize("name", OWN)
def test_our_containers_have_no_privilege_and_a_root_that_nobody_writes(name: str) -> None:
    service = OWN[name]

    assert service["read_only"] is True
    assert service["init"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "docker.sock" not in json.dumps(service)
    assert any("/tmp" in place for place in service["tmpfs"])


def test_a_stopped_agent_has_the_time_that_its_work_may_take() -> None:
    allowed = AgentSettings(home=Path(), name="a", agent_type="a").stop_seconds

    assert int(SERVICES["agent"]["stop_grace_period"].removesuffix("s")) >= allowed + 10


@pytest.mark.parametrize("file", OPT_INS)
def test_an_opt_in_changes_services_that_exist(file: str) -> None:
    extra = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))

    assert set(extra["services"]) <= set(SERVICES)
    for service in extra["services"].values():
        target = service.get("build", {}).get("target", "runtime")
        assert f" AS {target}" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
        assert set(service.get("secrets", [])) == set(extra.get("secrets", {}))


def test_the_workflow_runs_the_smoke_test() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/image.yml").read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]

    assert "scripts/compose-smoke.sh" in [step.get("run") for step in steps]
    assert workflow["permissions"] == {"contents": "read"}
    assert "/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
