"""Which capability a clause means, where words, verbs and names are shared by several."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.catalog.loader import load_catalog
from orchestrator.domain.request import DecomposedRequest
from orchestrator.nlu.decomposer import understand
from tests.nlu.found import Read, Steps, only, steps

_CATALOG = load_catalog([Path(__file__).parent / "mixed_catalog.yaml"])


def read(text: str) -> DecomposedRequest:
    return understand(text, _CATALOG)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # a word of the catalogue's is no slip of "start"
        ("smart for sda on hv1", [("smart_report", {"disk": "sda", "host": "hv1"})]),
        # the catalogue knows hv1 as a host, and restarts one in an example
        ("restart hv1", [("reboot_host", {"host": "hv1"})]),
        # a machine before a container, though both restart
        ("power cycle hv9", [("reboot_host", {"host": "hv9"})]),
        # a verb that the description adds with "or"
        ("dim the living room to 20", [("set_light", {"room": "living room", "brightness": 20})]),
        # verb and values that fit nothing else
        ("bump mumble to 1.5.2", [("update_server", {"server": "mumble", "version": "1.5.2"})]),
        # "back to" may stand far behind its verb
        (
            "turn the spam filter on hv1 back to auto",
            [("set_filter", {"host": "hv1", "mode": "auto"})],
        ),
        ("kick off ci for docs-site", [("run_pipeline", {"repo": "docs-site"})]),
        ("re-run the workflow of docs-site", [("run_pipeline", {"repo": "docs-site"})]),
    ],
)
def test_the_reading_that_the_words_allow_is_taken(text: str, expected: Steps) -> None:
    assert only(read(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "can you add Priya to our github org?",
        "create a user account for julia",
    ],
)
def test_a_broad_verb_alone_is_told_back_and_not_asked_about(text: str) -> None:
    found = read(text)
    assert (found.subtasks, found.ambiguities) == ((), ())
    assert found.out_of_scope


def test_a_verb_with_the_thing_of_a_capability_is_still_asked_about(
    over: Callable[[str], Read],
) -> None:
    found = over("studio")("on peut supprimer l'ancienne VM maintenant que tout est migré")
    assert steps(found) == [("delete_vm", {})]
    assert [question.parameter for question in found.ambiguities] == ["host"]


@pytest.mark.parametrize("text", ["is hv1 up?", "is hv9 down?"])
def test_up_in_look_up_is_no_state(text: str) -> None:
    assert steps(read(text)) == []


def test_a_pronoun_that_stands_for_nothing_leaves_open_what_is_meant() -> None:
    found = read("restart it please")
    assert found.subtasks == ()
    (question,) = found.ambiguities
    assert "reboot_host" in question.options


def test_there_is_where_it_is_and_not_what_it_is() -> None:
    assert only(read("reboot hv1, then restart the service bareos-sd there")) == [
        ("reboot_host", {"host": "hv1"}),
        ("restart_service", {"service": "bareos-sd", "host": "hv1"}),
    ]


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("why do windows 11 clients lose mapped drives?", "mapped drives"),
        ("find out whether proxmox 9 breaks gpu passthrough", "proxmox 9"),
        ("how come restic prune needs so much memory?", "restic prune"),
    ],
)
def test_a_question_of_why_is_looked_into(text: str, topic: str) -> None:
    ((intent, parameters),) = only(read(text))
    assert intent == "research_topic"
    assert topic in str(parameters["question"])


@pytest.mark.parametrize("text", ["why is it so slow?", "why me?", "why would you say that?"])
def test_a_complaint_is_no_topic(text: str) -> None:
    assert steps(read(text)) == []
