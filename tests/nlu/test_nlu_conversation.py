"""Calls by name, later requests that refer to earlier ones, and what is said in passing."""

from collections.abc import Callable

import pytest

from orchestrator.catalog.models import Catalog
from orchestrator.domain.request import DecomposedRequest
from orchestrator.nlu.decomposer import DecomposeContext, RequestDecomposer, understand

Read = Callable[[str], DecomposedRequest]
Steps = list[tuple[str, dict[str, object]]]


def steps_of(found: DecomposedRequest) -> Steps:
    return [(subtask.intent, {**subtask.parameters}) for subtask in found.subtasks]


# --- called by name ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("restart_unit service=nginx", [("restart_unit", {"service": "nginx"})]),
        (
            "@chiffon restart_unit service=nginx, node=node3",
            [("restart_unit", {"service": "nginx", "node": "node3"})],
        ),
        (
            "expand_volume volume=media size_gb=500",
            [("expand_volume", {"volume": "media", "size_gb": 500})],
        ),
        (
            'play_media title="Kind of Blue" player=hifi',
            [("play_media", {"title": "Kind of Blue", "player": "hifi"})],
        ),
        (
            "list_databases\nreboot_node node=node2",
            [
                ("list_databases", {}),
                ("reboot_node", {"node": "node2"}),
            ],
        ),
    ],
)
def test_a_capability_is_called_by_its_name(text: str, expected: Steps, read: Read) -> None:
    found = read(text)
    assert steps_of(found) == expected
    assert (found.ambiguities, found.out_of_scope) == ((), ())


def test_a_call_is_checked_against_the_schema(read: Read) -> None:
    found = read("set_light room=attic")
    assert steps_of(found) == [("set_light", {})]
    assert found.ambiguities[0].parameter == "room"
    assert "attic" in found.ambiguities[0].question
    assert "kitchen" in found.ambiguities[0].options


@pytest.mark.parametrize("value", ["0", "1.5", "many", "1e3", "--5"])
def test_a_number_that_does_not_fit_is_asked_for(value: str, read: Read) -> None:
    found = read(f"expand_volume volume=media size_gb={value}")
    assert [ambiguity.parameter for ambiguity in found.ambiguities] == ["size_gb"]


def test_a_call_without_what_it_needs_asks(read: Read) -> None:
    assert [a.parameter for a in read("reboot_node").ambiguities] == ["node"]


def test_a_parameter_that_the_capability_lacks_is_out_of_scope(read: Read) -> None:
    found = read("reboot_node node=node1 force=true")
    assert steps_of(found) == [("reboot_node", {"node": "node1"})]
    assert found.out_of_scope == ("force=true",)


@pytest.mark.parametrize(
    "text", ["`reboot_node node=node1`", "omar: reboot_node node=node1", "> reboot_node node=node1"]
)
def test_a_quoted_call_is_no_call(text: str, read: Read) -> None:
    assert steps_of(read(text)) == []


# --- the request before ---


@pytest.mark.parametrize(
    ("earlier", "text", "expected"),
    [
        (
            "restart nginx on node1",
            "and on node2 too",
            [("restart_unit", {"service": "nginx", "node": "node2"})],
        ),
        ("is nginx running?", "restart it", [("restart_unit", {"service": "nginx"})]),
        ("snapshot media", "and photos as well", [("snapshot_volume", {"volume": "photos"})]),
        (
            "show the logs of redis",
            "last 50 lines please",
            [("unit_logs", {"service": "redis", "lines": 50})],
        ),
        (
            "reboot node1 and node2",
            "check nginx on both",
            [
                ("unit_status", {"service": "nginx", "node": "node1"}),
                ("unit_status", {"service": "nginx", "node": "node2"}),
            ],
        ),
        ("reboot node1", "list databases", [("list_databases", {})]),
    ],
)
async def test_a_later_request_refers_to_the_one_before(
    earlier: str, text: str, expected: Steps, foreign: Catalog
) -> None:
    decomposer = RequestDecomposer(lambda: foreign)
    before = await decomposer.decompose(earlier)
    found = await decomposer.decompose(text, DecomposeContext(earlier=before))
    assert steps_of(found) == expected
    assert found.original_request == text


def test_steps_of_the_request_before_are_not_repeated(foreign: Catalog) -> None:
    before = understand("reboot node1", foreign)
    assert steps_of(understand("thanks!", foreign, before)) == []


# --- said in passing ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "roll back volume data, but take a snapshot of it first",
            [
                ("snapshot_volume", {"volume": "data"}),
                ("rollback_volume", {"volume": "data"}),
            ],
        ),
        (
            "reboot node1, node2 and node3 except node2",
            [
                ("reboot_node", {"node": "node1"}),
                ("reboot_node", {"node": "node3"}),
            ],
        ),
        ("don't reboot node1 but node2", [("reboot_node", {"node": "node2"})]),
        ("plase restrat nginx", [("restart_unit", {"service": "nginx"})]),
        ("block tv-box for half an hour", [("block_device", {"device": "tv-box", "minutes": 30})]),
        (
            "restart nginx on node1/node2",
            [
                ("restart_unit", {"service": "nginx", "node": "node1"}),
                ("restart_unit", {"service": "nginx", "node": "node2"}),
            ],
        ),
        (
            "is redis up on node1? and on node2?",
            [
                ("unit_status", {"service": "redis", "node": "node1"}),
                ("unit_status", {"service": "redis", "node": "node2"}),
            ],
        ),
        (
            "post to #ops: maintenance starts now",
            [("send_message", {"channel": "#ops", "text": "maintenance starts now"})],
        ),
        (
            "Starte nginx und redis auf node2 neu",
            [
                ("restart_unit", {"service": "nginx", "node": "node2"}),
                ("restart_unit", {"service": "redis", "node": "node2"}),
            ],
        ),
        (
            "redémarre nginx puis redémarre-le",
            [
                ("restart_unit", {"service": "nginx"}),
                ("restart_unit", {"service": "nginx"}),
            ],
        ),
    ],
)
def test_it_is_understood(text: str, expected: Steps, read: Read) -> None:
    assert steps_of(read(text)) == expected


@pytest.mark.parametrize("text", ["restart one of the nodes", "reboot the machine", "drop the db"])
def test_a_kind_of_thing_is_no_name(text: str, read: Read) -> None:
    found = read(text)
    assert found.ambiguities
    assert all(not subtask.parameters for subtask in found.subtasks)
