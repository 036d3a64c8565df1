"""The starter catalogue and the program behind it stay in step."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import JsonValue

from agent.homelab import cli, template
from orchestrator.catalog.loader import load_catalog, starter_folder
from orchestrator.catalog.models import Capability, Risk
from orchestrator.catalog.parameters import check_parameters
from orchestrator.catalog.template import placeholders, render_argv, render_prompt, render_title
from orchestrator.errors import Refused

CATALOG = load_catalog([starter_folder()])
CAPABILITIES = list(CATALOG.capabilities())
RUNNABLE = [each for each in CAPABILITIES if each.run is not None and each.run.command]
VALUES: dict[str, JsonValue] = {
    "service": "uptime-kuma",
    "backup": "20260101T000000.000000Z",
    "url": "http://192.168.1.10:8123/path?a=b",
    "expect_status": 204,
    "host": "nas.local",
    "port": 22,
    "lines": 20,
    "keep": 3,
    "largest": 7,
    "delete_data": True,
    "dry_run": True,
}


def properties(capability: Capability) -> dict[str, dict[str, JsonValue]]:
    found = capability.parameters.get("properties")
    assert isinstance(found, dict)
    return found  # type: ignore[return-value]


def parameter_sets(capability: Capability) -> Iterator[dict[str, JsonValue]]:
    """Yield every subset of the parameters that the schema allows."""
    names = list(properties(capability))
    for length in range(len(names) + 1):
        for chosen in itertools.combinations(names, length):
            values = {name: VALUES[name] for name in chosen}
            try:
                check_parameters(capability, values)
            except Refused:
                continue
            yield values


def test_it_has_the_capabilities_that_the_readme_promises() -> None:
    assert {each.name for each in CAPABILITIES} == {
        "deploy_service",
        "add_portals",
        "start_service",
        "stop_service",
        "restart_service",
        "update_service",
        "backup_service",
        "restore_service",
        "remove_service",
        "list_services",
        "check_status",
        "tail_logs",
        "disk_report",
        "prune",
        "research_alternatives",
        "generate_improvements",
        "review_code",
    }
    assert {each.agent_type for each in CAPABILITIES} == {"infra", "code", "research", "desktop"}


def test_what_needs_a_model_has_no_command_and_all_else_has_one() -> None:
    reasoning = {each.name for each in CAPABILITIES if each.reasoning}
    assert reasoning == {"research_alternatives", "generate_improvements", "review_code"}
    for each in CAPABILITIES:
        assert each.run is not None
        assert (each.run.llm is not None, each.run.command is None) == (each.reasoning,) * 2


@pytest.mark.parametrize("capability", CAPABILITIES, ids=lambda each: each.name)
def test_every_parameter_of_open_ended_work_stands_in_its_prompt(capability: Capability) -> None:
    if capability.run is None or capability.run.llm is None:
        return
    prompt = capability.run.llm.prompt
    assert sorted(placeholders(prompt)) == sorted(properties(capability))
    told = render_prompt(prompt, dict.fromkeys(properties(capability), "traefik"))
    assert "traefik" in told
    assert "{{" not in render_prompt(prompt, {})


def test_deploy_knows_exactly_the_templates() -> None:
    deploy = CATALOG.entries["deploy_service"].capability
    assert properties(deploy)["service"]["enum"] == template.names()


@pytest.mark.parametrize("capability", RUNNABLE, ids=lambda each: each.name)
def test_every_command_line_is_one_that_the_program_takes(capability: Capability) -> None:
    """Each allowed set of parameters renders to arguments that parse, defaults included."""
    assert capability.run is not None
    command = capability.run.command
    assert command is not None
    sets = list(parameter_sets(capability))
    assert sets
    for values in sets:
        argv = render_argv(command, values, capability.parameters, starter_folder())
        assert argv[:3] == ["python3", "-m", "agent.homelab"]
        parsed = vars(cli.parser().parse_args(argv[3:]))
        for name, value in values.items():
            assert parsed[name] == value, (argv, name)


@pytest.mark.parametrize("capability", RUNNABLE, ids=lambda each: each.name)
def test_every_parameter_reaches_the_program_as_part_of_its_own_option(
    capability: Capability,
) -> None:
    assert capability.run is not None
    command = capability.run.command or ()
    named = [name for argument in command for name in placeholders(argument)]
    assert sorted(named) == sorted(properties(capability))
    for argument in command:
        for name in placeholders(argument):
            assert argument == f"--{name.replace('_', '-')}={{{{ {name} }}}}"


@pytest.mark.parametrize("capability", RUNNABLE, ids=lambda each: each.name)
def test_a_changed_script_changes_the_digest(capability: Capability) -> None:
    hashed = CATALOG.entries[capability.name].file_hashes
    assert "package:agent.homelab/deploy.py" in hashed
    assert "package:agent.homelab/templates/uptime-kuma/compose.yaml" in hashed


@pytest.mark.parametrize("capability", CAPABILITIES, ids=lambda each: each.name)
def test_every_capability_is_said_in_many_ways_and_described(capability: Capability) -> None:
    assert len(set(capability.examples)) >= 8
    assert capability.parameters["additionalProperties"] is False
    for name, rule in properties(capability).items():
        assert rule["description"], name
    assert render_title(capability, dict.fromkeys(properties(capability), "x"))


@pytest.mark.parametrize("capability", CAPABILITIES, ids=lambda each: each.name)
@pytest.mark.parametrize(
    "value", ["-rf", "--delete-data=true", "a\nb", "$(touch x)", "a;b", "../x", "a|b", "x\n", "ü`"]
)
def test_hostile_text_is_refused_by_the_schema(value: str, capability: Capability) -> None:
    texts = [name for name, rule in properties(capability).items() if rule.get("type") == "string"]
    for name in texts:
        if capability.reasoning and not value.startswith("-") and "\n" not in value:
            continue  # open-ended words for a model, which are never run
        with pytest.raises(Refused):
            check_parameters(capability, {"service": "gitea", name: value})


def test_only_what_changes_nothing_is_without_risk() -> None:
    harmless = {each.name for each in RUNNABLE if each.risk is Risk.NONE}
    assert harmless == {"list_services", "disk_report"}
    assert {each.name for each in RUNNABLE if each.risk is Risk.HIGH} == {
        "remove_service",
        "restore_service",
        "prune",
    }


def test_idempotent_is_claimed_only_where_twice_is_harmless() -> None:
    assert {each.name for each in RUNNABLE if each.idempotent} == {
        "deploy_service",
        "add_portals",
        "start_service",
        "stop_service",
        "list_services",
        "check_status",
        "tail_logs",
        "disk_report",
    }


@pytest.mark.parametrize("capability", CAPABILITIES, ids=lambda each: each.name)
def test_the_table_in_the_docs_says_what_the_catalogue_says(capability: Capability) -> None:
    table = (Path(__file__).parents[2] / "docs" / "starter.md").read_text(encoding="utf-8")
    (row,) = [
        line
        for line in table.splitlines()
        if line.startswith("| `") and f"`{capability.name}`" in line
    ]
    risk, idempotent = (cell.strip() for cell in row.split("|")[4:6])
    assert risk == capability.risk
    assert idempotent.startswith("yes" if capability.idempotent else "no")
