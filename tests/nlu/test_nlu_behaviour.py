"""What a right understanding is (contract.md), rule by rule, over a catalogue of strangers."""

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.catalog.models import Action, Catalog
from orchestrator.domain.request import AmbiguityKind, Complexity, DecomposedRequest
from orchestrator.nlu.correcting import nearest
from orchestrator.nlu.decomposer import (
    DECOMPOSER_MODEL,
    DecomposeContext,
    RequestDecomposer,
    engine_for,
    understand,
)

Read = Callable[[str], DecomposedRequest]
Steps = list[tuple[str, dict[str, Any]]]


def steps(found: DecomposedRequest) -> Steps:
    return [(subtask.intent, subtask.parameters) for subtask in found.subtasks]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "restart nginx and redis",
            [("restart_unit", {"service": "nginx"}), ("restart_unit", {"service": "redis"})],
        ),
        (
            "restart nginx and redis on node3",
            [
                ("restart_unit", {"service": "nginx", "node": "node3"}),
                ("restart_unit", {"service": "redis", "node": "node3"}),
            ],
        ),
        (
            "reload haproxy on node1, same on node2",
            [
                ("restart_unit", {"service": "haproxy", "node": "node1"}),
                ("restart_unit", {"service": "haproxy", "node": "node2"}),
            ],
        ),
        (
            "before rolling back volume data, take a snapshot of it",
            [("snapshot_volume", {"volume": "data"}), ("rollback_volume", {"volume": "data"})],
        ),
        (
            "restart nginx after renewing the certificate for example.org",
            [
                ("renew_certificate", {"domain": "example.org"}),
                ("restart_unit", {"service": "nginx"}),
            ],
        ),
        ("unless redis is running, restart it", [("restart_unit", {"service": "redis"})]),
        ("reboot node1 if haproxy is down", [("reboot_node", {"node": "node1"})]),
        (
            "reboot node2 then check nginx on it",
            [
                ("reboot_node", {"node": "node2"}),
                ("unit_status", {"service": "nginx", "node": "node2"}),
            ],
        ),
        (
            "check nginx, restart it and check again",
            [
                ("unit_status", {"service": "nginx"}),
                ("restart_unit", {"service": "nginx"}),
                ("unit_status", {"service": "nginx"}),
            ],
        ),
        (
            "show me nginx's status and its last 20 log lines",
            [
                ("unit_status", {"service": "nginx"}),
                ("unit_logs", {"service": "nginx", "lines": 20}),
            ],
        ),
    ],
)
def test_targets_references_order_and_conditions(text: str, expected: Steps, read: Read) -> None:
    assert expected == steps(read(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("don't reboot node2", []),
        ("restart nginx but not redis", ["nginx"]),
        ("restart nginx and redis. Actually leave redis alone.", ["nginx"]),
        ("restart nginx, no wait, redis", ["redis"]),
        ("restart nginx; scratch that, restart redis", ["redis"]),
        ("restart nginx. Never mind.", []),
        ("restart nginx, oh forget it", []),
        ("restart nginx... ok, never mind", []),
        ("restart nginx instead of redis", ["nginx"]),
        ("starte nginx nicht neu", []),
        ("I don't want you to restart nginx", []),
    ],
)
def test_negated_and_withdrawn_actions_are_no_subtasks(
    text: str, expected: list[str], read: Read
) -> None:
    found = read(text)
    assert expected == [subtask.parameters.get("service") for subtask in found.subtasks]
    assert found.subtasks or found.out_of_scope


@pytest.mark.parametrize(
    "text",
    [
        "hello there",
        "thanks a lot!",
        "what can you do?",
        "I restarted nginx yesterday",
        "nginx was restarted",
        "Bob said we should reboot node2",
        "how do I reboot node2?",
        "should we drop the database crm?",
        "did you reboot node1?",
        "order me a pizza",
        "42",
        "???",
        "\N{FIRE}\N{FIRE}",
    ],
)
def test_what_asks_for_nothing_goes_out_of_scope_in_the_persons_words(
    text: str, read: Read
) -> None:
    found = read(text)
    assert found.subtasks == ()
    assert found.ambiguities == ()
    assert found.out_of_scope
    assert all(words in text for words in found.out_of_scope)


def test_what_is_out_of_scope_stands_beside_what_is_understood(read: Read) -> None:
    found = read("book a flight to Paris and restart nginx")
    assert steps(found) == [("restart_unit", {"service": "nginx"})]
    assert found.out_of_scope == ("book a flight to Paris",)


def test_a_missing_parameter_keeps_the_subtask_and_asks(read: Read) -> None:
    found = read("drop the database")
    assert steps(found) == [("drop_database", {})]
    (question,) = found.ambiguities
    assert (question.kind, question.parameter, question.order) == (
        AmbiguityKind.MISSING_PARAMETER,
        "name",
        1,
    )
    assert "name" in question.question


def test_a_value_that_is_not_listed_is_said_and_the_nearest_offered(starter: Catalog) -> None:
    found = understand("deploy frobnicator", starter)
    assert steps(found) == [("deploy_service", {})]
    (question,) = found.ambiguities
    assert "frobnicator" in question.question
    assert len(question.options) == 3


def test_a_value_that_fits_two_is_a_question_between_them(starter: Catalog) -> None:
    (question,) = understand("deploy home", starter).ambiguities
    assert set(question.options) == {"adguard-home", "home-assistant"}


def test_nginx_or_redis_is_a_question_between_them(read: Read) -> None:
    found = read("restart nginx or redis")
    (question,) = found.ambiguities
    assert question.kind is AmbiguityKind.UNCLEAR_REFERENCE
    assert question.options == ("nginx", "redis")


def test_one_of_the_nodes_is_an_unclear_reference(read: Read) -> None:
    (question,) = read("reboot one of the nodes").ambiguities
    assert question.kind is AmbiguityKind.UNCLEAR_REFERENCE


def test_two_close_readings_are_asked_about_without_a_subtask(read: Read) -> None:
    found = read("it's cold in the office, set it to 22")
    assert found.subtasks == ()
    (question,) = found.ambiguities
    assert question.kind is AmbiguityKind.WHICH_CAPABILITY
    assert set(question.options) == {"set_light", "set_thermostat"}
    assert all(option in question.question for option in question.options)


@pytest.mark.parametrize(
    "words", ["meanwhile", "in parallel", "at the same time", "regardless", "simultaneously"]
)
def test_words_for_side_by_side_make_the_step_concurrent(words: str, read: Read) -> None:
    found = read(f"restart haproxy, and {words} run a speed test")
    assert [subtask.concurrent for subtask in found.subtasks] == [False, True]


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("restart nginx", Complexity.SIMPLE),
        ("restart nginx and redis", Complexity.SIMPLE),
        ("restart nginx, redis and haproxy", Complexity.MEDIUM),
        ("restart nginx and write a postmortem for the outage", Complexity.COMPLEX),
    ],
)
def test_complexity_follows_the_number_of_tasks_and_reasoning(
    text: str, level: Complexity, read: Read
) -> None:
    assert level is read(text).complexity_level


def test_source_words_and_names_are_for_people(read: Read) -> None:
    found = read("Please create a database called orders; then reboot node2")
    assert [s.source_words for s in found.subtasks] == [
        "Please create a database called orders",
        "reboot node2",
    ]
    assert [s.name for s in found.subtasks] == [
        "Create database orders",
        "Reboot a node: node node2",
    ]
    assert [s.order for s in found.subtasks] == [1, 2]
    assert found.decomposer_model == DECOMPOSER_MODEL


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("starte nginx neu", "nginx"),
        ("Könntest du bitte redis neu starten?", "redis"),
        ("redémarre nginx s'il te plaît", "nginx"),
        ("por favor reinicia nginx", "nginx"),
        ("give haproxy a kick", "haproxy"),
        ("nginx needs to be restarted", "nginx"),
        ("could someone restart nginx?", "nginx"),
        ("restrat nginx", "nginx"),
        ("turn nginx off and on again", "nginx"),
        ("nginx is acting up, can you bounce it?", "nginx"),
    ],
)
def test_many_ways_to_ask_for_a_restart(text: str, expected: str, read: Read) -> None:
    assert [("restart_unit", {"service": expected})] == steps(read(text))


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("ban tv-box for 2 hours", {"device": "tv-box", "minutes": 120}),
        ("grow the data volume to 2tb", {"volume": "data", "size_gb": 2000}),
        ("dim the bedroom lights to thirty percent", {"room": "bedroom", "brightness": 30}),
        ("print 3 copies of /tmp/a.pdf", {"file": "/tmp/a.pdf", "copies": 3}),
        ("point www.example.org to 10.0.0.3", {"name": "www.example.org", "address": "10.0.0.3"}),
        ("create user dora as editor", {"username": "dora", "role": "editor"}),
        ('post "it is on" to #ops', {"channel": "#ops", "text": "it is on"}),
        ("tell #ops the backup is done", {"channel": "#ops", "text": "backup is done"}),
        ("switch the living room light off", {"room": "living-room", "state": "off"}),
    ],
)
def test_parameters_are_typed_by_the_schema(
    text: str, parameters: dict[str, Any], read: Read
) -> None:
    assert [parameters] == [subtask.parameters for subtask in read(text).subtasks]


def test_a_request_for_too_many_steps_is_cut_and_says_so(foreign: Catalog) -> None:
    text = " ".join(f"restart svc{number}." for number in range(400))
    found = understand(text, foreign)
    assert len(found.subtasks) == 150  # pieces of a text, whatever the most steps are
    assert any("svc399" in words for words in found.out_of_scope)


def test_a_wall_of_words_is_not_read(foreign: Catalog) -> None:
    found = understand("lorem " * 500, foreign)
    assert found.subtasks == ()
    assert found.out_of_scope


def test_an_empty_catalogue_understands_nothing_and_says_so() -> None:
    found = understand("restart nginx", Catalog())
    assert found.subtasks == ()
    assert found.out_of_scope == ("restart nginx",)


def test_the_engine_is_built_once_for_equal_catalogues(foreign: Catalog) -> None:
    kept = engine_for(foreign)
    assert engine_for(foreign.model_copy()) is kept
    entries = dict(foreign.entries)
    for name in [*entries][:6]:  # more than are kept
        del entries[name]
        assert engine_for(Catalog(entries=dict(entries))) is not kept
    assert engine_for(foreign) is not kept


def test_the_engine_stays_while_only_what_is_run_changes(foreign: Catalog) -> None:
    kept = engine_for(foreign)
    name, entry = next(iter(foreign.entries.items()))

    def changed(**update: object) -> Catalog:
        other = entry.model_copy(update={"capability": entry.capability.model_copy(update=update)})
        return foreign.model_copy(update={"entries": {**foreign.entries, name: other}})

    edited = changed(run=Action(command=("false",)))
    assert edited != foreign
    assert engine_for(edited) is kept
    (capability,) = (one for one in nearest("restart nginx", edited) if one.name == name)
    assert capability.run == Action(command=("false",))  # not what the engine was built over
    assert engine_for(changed(description="Something else")) is not kept
    assert engine_for(foreign.model_copy(update={"names": {"host": ("zz1",)}})) is not kept


async def test_the_decomposer_asks_for_the_catalogue_each_time(
    foreign: Catalog, starter: Catalog
) -> None:
    current = [foreign]
    decomposer = RequestDecomposer(lambda: current[0])
    first = await decomposer.decompose("deploy gitea")
    current[0] = starter
    second = await decomposer.decompose("deploy gitea", DecomposeContext())
    assert ("deploy_service", {"service": "gitea"}) not in steps(first)
    assert steps(second) == [("deploy_service", {"service": "gitea"})]


def test_all_of_a_kind_is_not_the_thing_of_the_next_step(read: Read) -> None:
    found = read("restart everything and then reload redis")
    assert steps(found) == [("restart_unit", {}), ("restart_unit", {"service": "redis"})]
    assert [(a.order, a.parameter) for a in found.ambiguities] == [(1, "service")]


@pytest.mark.parametrize(
    "text",
    ["don't touch nginx, just show me its logs", "leave nginx alone, just show me its logs"],
)
def test_what_is_to_be_left_alone_can_be_looked_at(text: str, read: Read) -> None:
    assert steps(read(text)) == [("unit_logs", {"service": "nginx"})]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("systemctl restart nginx", ("restart_unit", {"service": "nginx"})),
        ("docker compose restart nginx", ("restart_unit", {"service": "nginx"})),
        ("docker restart on node1", ("restart_unit", {"service": "docker", "node": "node1"})),
        ("systemctl status nginx", ("unit_status", {"service": "nginx"})),
    ],
)
def test_a_command_line_is_an_order(
    text: str, expected: tuple[str, dict[str, str]], read: Read
) -> None:
    assert steps(read(text)) == [expected]
