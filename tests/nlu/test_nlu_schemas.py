"""Every kind of parameter that a JSON Schema can ask for."""

import pytest
from pydantic import JsonValue

from orchestrator.catalog.loader import entry_hash
from orchestrator.catalog.models import Capability, Catalog, CatalogEntry, Risk
from orchestrator.domain.request import Answer
from orchestrator.nlu.decomposer import apply_answers, understand

TEXT: dict[str, JsonValue] = {"type": "string"}


def catalog_of(*capabilities: Capability) -> Catalog:
    return Catalog(
        entries={
            one.name: CatalogEntry(
                capability=one, source="here:1", folder="/", entry_hash=entry_hash(one)
            )
            for one in capabilities
        }
    )


def capability(
    name: str,
    description: str,
    properties: dict[str, JsonValue],
    required: list[str],
    examples: tuple[str, ...] = (),
) -> Capability:
    schema: dict[str, JsonValue] = {
        "type": "object",
        "properties": properties,
        "required": [*required],
    }
    return Capability(
        name=name,
        description=description,
        agent_type="infra",
        risk=Risk.LOW,
        examples=examples,
        parameters=schema,
    )


REMOVE = capability(
    "remove_service",
    "Remove a service",
    {
        "service": TEXT,
        "delete_data": {"type": "boolean"},
        "dry_run": {"type": "boolean"},
        "force": {"type": "boolean"},
    },
    ["service"],
)


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("remove gitea", {}),
        ("remove gitea and delete its data", {"delete_data": True}),
        ("remove gitea with its data", {"delete_data": True}),
        ("remove gitea including all data", {"delete_data": True}),
        ("remove gitea but keep the data", {"delete_data": False}),
        ("remove gitea without deleting the data", {"delete_data": False}),
        ("remove gitea, dry run", {"dry_run": True}),
        ("remove gitea as a dry-run", {"dry_run": True}),
        ("remove gitea with force", {"force": True}),
    ],
)
def test_flags(text: str, flags: dict[str, bool]) -> None:
    found = understand(text, catalog_of(REMOVE))
    assert [{"service": "gitea", **flags}] == [s.parameters for s in found.subtasks]


@pytest.mark.parametrize(
    ("slot", "text", "value"),
    [
        ({"duration": {**TEXT, "description": "Duration"}}, "pause web for 2 hours", "2h"),
        ({"duration": {**TEXT, "description": "Duration"}}, "pause web for 30m", "30m"),
        ({"until": {**TEXT, "format": "date"}}, "pause web until 2026-12-01", "2026-12-01"),
        ({"size": {**TEXT, "description": "Size"}}, "pause web with size 20 GB", "20GB"),
        ({"version": {**TEXT, "description": "Version"}}, "pause web version 2.1", "2.1"),
        ({"version": {**TEXT, "description": "Version"}}, "pause web to the latest version", None),
        ({"path": {**TEXT, "description": "Folder"}}, "pause web in /srv/www", "/srv/www"),
        ({"subnet": {**TEXT, "description": "Subnet"}}, "pause web on 10.0.0.0/24", "10.0.0.0/24"),
        ({"email": {**TEXT, "format": "email"}}, "pause web for a@example.org", "a@example.org"),
        (
            {"url": {**TEXT, "format": "uri"}},
            "pause web at https://a.example/x",
            "https://a.example/x",
        ),
        ({"port": {"type": "integer"}}, "pause web on port 8080", 8080),
        ({"hours": {"type": "number"}}, "pause web for 90 minutes", 1.5),
        ({"days": {"type": ["integer", "null"]}}, "pause web for 2 weeks", 14),
        ({"level": {"type": "integer", "enum": [1, 2, 3]}}, "pause web at level 2", 2),
        ({"mode": {"const": "soft"}}, "pause web in soft mode", "soft"),
        ({"host": {**TEXT, "format": "hostname"}}, "pause web on srv-7.lan", "srv-7.lan"),
    ],
)
def test_kinds_of_values(slot: dict[str, JsonValue], text: str, value: object) -> None:
    pause = capability("pause_app", "Pause an app", {"app": TEXT, **slot}, ["app"])
    (subtask,) = understand(text, catalog_of(pause)).subtasks
    (name,) = slot
    assert subtask.parameters["app"] == "web"
    if value is not None:
        assert subtask.parameters.get(name) == value


def test_a_list_takes_all_targets_in_one_step() -> None:
    tags: JsonValue = {
        "type": "array",
        "items": {"type": "string"},
        "description": "Hosts to drain",
    }
    drain = capability("drain_hosts", "Drain hosts", {"hosts": tags}, ["hosts"])
    found = understand("drain alpha1, beta2 and gamma3", catalog_of(drain))
    assert [s.parameters for s in found.subtasks] == [{"hosts": ["alpha1", "beta2", "gamma3"]}]


def test_a_list_is_answered_with_one_value() -> None:
    tags: JsonValue = {
        "type": "array",
        "items": {"type": "string"},
        "description": "Hosts to drain",
    }
    catalog = catalog_of(capability("drain_hosts", "Drain hosts", {"hosts": tags}, ["hosts"]))
    asked = understand("drain", catalog)
    done = apply_answers(asked, (Answer(ambiguity_id="1-hosts", text="alpha1"),), catalog)
    assert done.subtasks[0].parameters == {"hosts": ["alpha1"]}


@pytest.mark.parametrize(
    ("answer", "value"), [("yes", True), ("ja", True), ("no", False), ("false", False)]
)
def test_a_required_flag_is_answered_with_yes_or_no(answer: str, value: bool) -> None:
    catalog = catalog_of(
        capability("sync_app", "Sync an app", {"full": {"type": "boolean"}}, ["full"])
    )
    asked = understand("sync the app", catalog)
    done = apply_answers(asked, (Answer(ambiguity_id="1-full", text=answer),), catalog)
    assert [{"full": value}] == [s.parameters for s in done.subtasks]
    vague = apply_answers(asked, (Answer(ambiguity_id="1-full", text="perhaps"),), catalog)
    assert "yes or no" in vague.ambiguities[0].question


def test_a_required_text_takes_what_is_left_in_the_persons_words() -> None:
    research = capability(
        "research_topic", "Research a topic", {"topic": TEXT}, ["topic"], ("research zfs",)
    )
    found = understand("research how to tune zfs for databases", catalog_of(research))
    assert "zfs" in str(found.subtasks[0].parameters["topic"])


@pytest.mark.parametrize("text", ["check example.org:443", "check port 443 on example.org"])
def test_host_and_port_are_two_values(text: str) -> None:
    check = capability(
        "check_port",
        "Check whether a port answers",
        {"host": TEXT, "port": {"type": "integer"}},
        ["host", "port"],
    )
    found = understand(text, catalog_of(check))
    assert [s.parameters for s in found.subtasks] == [{"host": "example.org", "port": 443}]


def test_the_catalogues_own_verbs_are_understood() -> None:
    """A verb that no lexicon knows is learnt from name, description and examples."""
    zap = capability("frobnicate_widget", "Frobnicate a widget", {"widget": TEXT}, ["widget"])
    found = understand("please frobnicate w-1 and w-2", catalog_of(zap))
    assert [s.parameters for s in found.subtasks] == [{"widget": "w-1"}, {"widget": "w-2"}]


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"type": "object", "properties": {}}])
def test_a_capability_without_parameters(schema: dict[str, JsonValue]) -> None:
    one = Capability(
        name="water_plants",
        description="Water the plants",
        agent_type="home",
        risk=Risk.LOW,
        parameters=schema,
    )
    found = understand("water the plants", catalog_of(one))
    assert [s.intent for s in found.subtasks] == ["water_plants"]
    assert found.subtasks[0].name == "Water the plants"


def test_names_without_a_title_say_the_parameters() -> None:
    found = understand("remove gitea with its data", catalog_of(REMOVE))
    assert found.subtasks[0].name == "Remove a service: service gitea, delete_data true"


CHECK = Capability(
    name="check_site",
    description="Check a site",
    agent_type="infra",
    risk=Risk.NONE,
    parameters={
        "type": "object",
        "properties": {"url": {"type": "string", "format": "uri"}, "host": TEXT, "port": TEXT},
        "anyOf": [{"required": ["url"]}, {"required": ["host", "port"]}],
        "dependentRequired": {"port": ["host"]},
    },
)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("check the site", ["url"]),
        ("check the site https://example.org", []),
        ("check the site on srv1", ["port"]),
    ],
)
def test_of_alternatives_the_one_that_lacks_least_is_asked_for(text: str, asked: list[str]) -> None:
    found = understand(text, catalog_of(CHECK))
    assert [s.intent for s in found.subtasks] == ["check_site"]
    assert asked == [one.parameter for one in found.ambiguities]
