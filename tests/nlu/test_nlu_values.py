"""What is a value and what only says of what kind it is: names, listed values, numbers, texts."""

import pytest
from pydantic import JsonValue

from orchestrator.nlu.decomposer import understand
from tests.nlu.found import Steps, only, steps
from tests.nlu.test_nlu_schemas import capability, catalog_of

NAME: dict[str, JsonValue] = {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]*$"}


def named(description: str) -> dict[str, JsonValue]:
    return {**NAME, "description": description}


CATALOG = catalog_of(
    capability(
        "create_checkpoint",
        "Create a checkpoint of a VM",
        {"vm": named("Name of the VM"), "name": named("Name of the checkpoint")},
        ["vm"],
        ("create a checkpoint of db1", "create a checkpoint of web named clean"),
    ),
    capability(
        "merge_change",
        "Merge a change",
        {
            "project": named("Project"),
            "number": {"type": "integer", "description": "Number of the merge request"},
            "strategy": {"enum": ["merge", "squash", "rebase"], "description": "How"},
        },
        ["project", "number"],
        ("merge change 12 in website", "squash change 3 in website"),
    ),
    capability(
        "move_ticket",
        "Open or close a ticket",
        {
            "ticket": {"type": "string", "pattern": "^OPS-[0-9]+$"},
            "action": {"enum": ["close", "open"], "description": "What to do"},
        },
        ["ticket"],
        ("close OPS-12", "open OPS-9 again"),
    ),
    capability(
        "list_jobs",
        "List the jobs of a machine",
        {
            "machine": named("Machine"),
            "state": {"enum": ["all", "failed", "waiting"], "description": "Which jobs"},
        },
        [],
        ("list jobs of build1", "which jobs of build1 failed?"),
    ),
    capability(
        "draft_playbook",
        "Write an Ansible playbook file for an application",
        {
            "app": named("Application"),
            "notes": {"type": "string", "description": "Further wishes"},
        },
        ["app"],
        ("draft a playbook for redis", "write a playbook file for ghost"),
    ),
    capability(
        "ring_team",
        "Ring the people on duty of a team",
        {
            "team": named("Team"),
            "message": {"type": "string", "description": "What to tell them"},
        },
        ["team"],
        ("ring the web team", "ring the search team: the index is broken"),
    ),
    capability(
        "tell_guests",
        "Announce a message in a hall",
        {
            "hall": named("Hall"),
            "message": {"type": "string", "description": "Text of the message"},
        },
        ["hall", "message"],
        ("announce in foyer: doors open", "announce in gallery: we close"),
    ),
    capability(
        "research_topic",
        "Research a topic and report",
        {"topic": {"type": "string", "description": "Topic"}},
        ["topic"],
        ("research passkeys for small shops", "find out why tea goes cold"),
    ),
    capability(
        "show_errors",
        "Show the errors of an app",
        {
            "app": named("App"),
            "limit": {"type": "integer", "description": "How many errors", "minimum": 1},
            "label": {"type": "string", "description": "Label of the report"},
        },
        ["app"],
        ("errors of shop", "show the last 5 errors of shop"),
    ),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("create a checkpoint of web called fresh-1", {"vm": "web", "name": "fresh-1"}),
        ("create a checkpoint called fresh-1 of web", {"vm": "web", "name": "fresh-1"}),
        ("create a checkpoint of web titled v2-ready", {"vm": "web", "name": "v2-ready"}),
        ("create a checkpoint of the vm called web", {"vm": "web"}),
        ("create a checkpoint of web", {"vm": "web"}),
    ],
)
def test_what_something_is_called_is_its_name(text: str, expected: dict[str, object]) -> None:
    assert only(understand(text, CATALOG)) == [("create_checkpoint", expected)]


def test_a_new_name_is_not_what_is_acted_on() -> None:
    found = understand("create a checkpoint of it named fresh-1", CATALOG)
    assert steps(found) == [("create_checkpoint", {"name": "fresh-1"})]
    assert len(found.ambiguities) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "merge change 7 in shop with squash",
            [("merge_change", {"project": "shop", "number": 7, "strategy": "squash"})],
        ),
        (
            "merge change 7 in shop by rebase",
            [("merge_change", {"project": "shop", "number": 7, "strategy": "rebase"})],
        ),
        (
            "merge change 7 in shop",
            [("merge_change", {"project": "shop", "number": 7, "strategy": "merge"})],
        ),
        (
            "merge #7 in shop",
            [("merge_change", {"project": "shop", "number": 7, "strategy": "merge"})],
        ),
        (
            "list all waiting jobs of build2",
            [("list_jobs", {"machine": "build2", "state": "waiting"})],
        ),
        (
            "list all faild jobs of build2",
            [("list_jobs", {"machine": "build2", "state": "failed"})],
        ),
        ("list all jobs of build2", [("list_jobs", {"machine": "build2", "state": "all"})]),
        ("close the ticket ops-12", [("move_ticket", {"ticket": "OPS-12", "action": "close"})]),
        (
            "close the open ticket ops-12",
            [("move_ticket", {"ticket": "OPS-12", "action": "close"})],
        ),
    ],
)
def test_a_listed_value_that_is_said_beats_the_verb(text: str, expected: Steps) -> None:
    assert only(understand(text, CATALOG)) == expected


@pytest.mark.parametrize(
    ("text", "app"),
    [
        ("draft a playbook file for tdarr", "tdarr"),
        ("write a playbook yaml for mealie", "mealie"),
        ("draft a playbook for file", "file"),
    ],
)
def test_the_kind_of_thing_is_no_value(text: str, app: str) -> None:
    assert only(understand(text, CATALOG)) == [("draft_playbook", {"app": app})]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("show the errors of web, top 5", {"app": "web", "limit": 5}),
        ("show the errors of web, at most 5", {"app": "web", "limit": 5}),
        ("show the errors of web, 5 of them", {"app": "web", "limit": 5}),
        ("show the errors of web, label mercury", {"app": "web", "label": "mercury"}),
    ],
)
def test_a_count_or_a_label_behind_a_comma(text: str, expected: dict[str, object]) -> None:
    assert only(understand(text, CATALOG)) == [("show_errors", expected)]


@pytest.mark.parametrize("aside", ["top notch", "5 of us wait", "at most a typo"])
def test_a_remark_behind_a_comma_counts_nothing(aside: str) -> None:
    found = understand(f"show the errors of web, {aside}", CATALOG)
    assert steps(found)[0] == ("show_errors", {"app": "web"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "ring the network team: the uplink is down",
            [("ring_team", {"team": "network", "message": "the uplink is down"})],
        ),
        (
            "announce in foyer: the talk starts now, get seated",
            [("tell_guests", {"hall": "foyer", "message": "the talk starts now, get seated"})],
        ),
        (
            "announce in foyer: the talk starts now, list jobs of build2",
            [
                ("tell_guests", {"hall": "foyer", "message": "the talk starts now"}),
                ("list_jobs", {"machine": "build2"}),
            ],
        ),
        (
            "research this: do glaciers grow in winter?",
            [("research_topic", {"topic": "do glaciers grow in winter?"})],
        ),
        (
            "find out why bread gets stale",
            [("research_topic", {"topic": "why bread gets stale"})],
        ),
        (
            "research whether bread gets stale",
            [("research_topic", {"topic": "whether bread gets stale"})],
        ),
        (
            "research running shops on arm",
            [("research_topic", {"topic": "running shops on arm"})],
        ),
        ("research glaciers in winter", [("research_topic", {"topic": "glaciers in winter"})]),
    ],
)
def test_a_text_keeps_its_beginning_and_its_end(text: str, expected: Steps) -> None:
    assert only(understand(text, CATALOG)) == expected


def test_names_behind_a_colon_are_no_message() -> None:
    found = understand("show the errors of: web, shop", CATALOG)
    assert [parameters for _, parameters in steps(found)] == [{"app": "web"}, {"app": "shop"}]
    found = understand("ring these teams: web, search", CATALOG)
    assert all("message" not in parameters for _, parameters in steps(found))
