"""What is a value and what only says of what kind it is: names, listed values, numbers, texts."""

import pytest
from pydantic import JsonValue

from orchestrator.nlu.coerce import iso_date
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
        "grant_access",
        "Give a person access to a vault",
        {"user": named("User name of the person"), "vault": named("Vault")},
        ["user", "vault"],
        ("grant tom access to sentry", "give olivia access to the vault jenkins"),
    ),
    capability(
        "create_branch",
        "Create a branch in a repository",
        {
            "repository": named("Repository"),
            "branch": named("Name of the new branch"),
            "base": named("Branch to start from"),
        },
        ["repository", "branch"],
        ("create the branch fix-login in website", "make a branch dark-mode in shop from develop"),
    ),
    capability(
        "manage_dump",
        "Take a dump of a cluster, go back to one, or delete one",
        {
            "action": {"enum": ["create", "restore", "delete"], "description": "What to do"},
            "cluster": named("Cluster"),
            "label": named("How it is called"),
        },
        ["action", "cluster"],
        ("take a dump of c1", "delete the dump of c2"),
    ),
    capability(
        "run_lint",
        "Run the QA lint of a module",
        {"module": named("Module"), "branch": named("Branch")},
        ["module"],
        ("lint parser on next", "run QA of parser"),
    ),
    capability(
        "pulse",
        "Tell whether a gadget runs",
        {"gadget": {"type": "string", "description": "Gadget"}},
        ["gadget"],
        ("is jellyfin running?", "does sonarr run?"),
    ),
    capability(
        "set_lamp",
        "Switch the lamps of a room on or off",
        {
            "room": {"type": "string", "description": "Room"},
            "state": {"enum": ["on", "off"], "description": "On or off"},
        },
        ["room"],
        ("lamps on in the attic", "switch off the lamp in the cellar"),
    ),
    capability(
        "copy_page",
        "Print a page",
        {
            "page": {
                "type": "string",
                "pattern": r"^\S+$",
                "description": "File path or web address",
            },
            "copies": {"type": "integer", "description": "Number of copies", "minimum": 1},
        },
        ["page"],
        ("print /share/a.pdf", "print /share/b.pdf in 3 copies"),
    ),
    capability(
        "order_film",
        "Order a film or a series",
        {
            "title": {"type": "string", "description": "Title of the film or series"},
            "kind": {"enum": ["film", "series"], "description": "Film or series"},
        },
        ["title"],
        ("order the film arrival", "order severance"),
    ),
    capability(
        "list_letters",
        "List the letters of a mailbox",
        {
            "mailbox": named("Mailbox"),
            "sender": named("User name of the sender"),
            "day": {"type": "string", "format": "date", "description": "Date of the letters"},
        },
        ["mailbox"],
        ("list letters in sales", "list the letters in support of 2025-01-31"),
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
        ('create a checkpoint "fresh-1" of web', {"vm": "web", "name": "fresh-1"}),
        ("create a checkpoint 'fresh-1' for the vm web", {"vm": "web", "name": "fresh-1"}),
        ('create a checkpoint of "web"', {"vm": "web"}),
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "lamps off in the attic, cellar and hall",
            [("set_lamp", {"room": room, "state": "off"}) for room in ("attic", "cellar", "hall")],
        ),
        (
            "lamps off in the attic, on in the cellar",
            [
                ("set_lamp", {"room": "attic", "state": "off"}),
                ("set_lamp", {"room": "cellar", "state": "on"}),
            ],
        ),
        ("print /share/a.pdf twice", [("copy_page", {"page": "/share/a.pdf", "copies": 2})]),
        (
            "print https://docs.example.org/start in 2 copies",
            [("copy_page", {"page": "https://docs.example.org/start", "copies": 2})],
        ),
        ("order The Bear", [("order_film", {"title": "The Bear"})]),
        (
            "order The Expanse as a series",
            [("order_film", {"title": "The Expanse", "kind": "series"})],
        ),
        ("order the film heat", [("order_film", {"title": "heat", "kind": "film"})]),
        (
            "list letters in sales from eva",
            [("list_letters", {"mailbox": "sales", "sender": "eva"})],
        ),
        ("list letters by eva in sales", [("list_letters", {"mailbox": "sales", "sender": "eva"})]),
        (
            "list letters in sales of 18 Nov 2025",
            [("list_letters", {"mailbox": "sales", "day": "2025-11-18"})],
        ),
        (
            "list the letters in sales of 3rd of May 2025",
            [("list_letters", {"mailbox": "sales", "day": "2025-05-03"})],
        ),
    ],
)
def test_values_said_as_people_say_them(text: str, expected: Steps) -> None:
    assert only(understand(text, CATALOG)) == expected


def test_twice_is_no_name_and_no_other_number() -> None:
    found = understand("show the errors of web twice", CATALOG)
    assert steps(found) == [("show_errors", {"app": "web"})]


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("18 Nov 2025", "2025-11-18"),
        ("18 . November 2025", "2025-11-18"),
        ("18.11.2025", "2025-11-18"),
        ("3 de mayo de 2026", "2026-05-03"),
        ("2nd of March 2026", "2026-03-02"),
        ("31.02.2026", ""),
        ("45 Nov 2025", ""),
        ("5 pods 2025", ""),
        ("10.11.12", ""),
    ],
)
def test_written_dates(text: str, date: str) -> None:
    assert iso_date(text) == date


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("grant eva access to orders-db", [("eva", "orders-db")]),
        ("give access to orders-db for eva", [("eva", "orders-db")]),
        ("give access to eva on orders-db", [("eva", "orders-db")]),
        ("grant eva access to orders-db and crm-db", [("eva", "orders-db"), ("eva", "crm-db")]),
        ("grant l.chen access to metabase", [("l.chen", "metabase")]),
    ],
)
def test_access_is_to_a_thing_and_for_a_person(text: str, expected: list[tuple[str, str]]) -> None:
    found = only(understand(text, CATALOG))
    assert [(values["user"], values["vault"]) for _, values in found] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("make a branch spring-sale in handbook", {"branch": "spring-sale"}),
        ("create branch spring-sale in handbook", {"branch": "spring-sale"}),
        (
            "create the branch spring-sale in handbook from main",
            {"branch": "spring-sale", "base": "main"},
        ),
        ("create a branch called spring-sale in handbook", {"branch": "spring-sale"}),
    ],
)
def test_names_go_where_they_fit_best_together(text: str, expected: dict[str, object]) -> None:
    assert only(understand(text, CATALOG)) == [
        ("create_branch", {"repository": "handbook", **expected})
    ]


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("take a dump of c3", "create"),
        ("dump c3", "create"),
        ("delete the dump of c3", "delete"),
        ("restore the dump of c3", "restore"),
    ],
)
def test_the_noun_of_what_there_will_be_is_made(text: str, action: str) -> None:
    assert only(understand(text, CATALOG)) == [("manage_dump", {"action": action, "cluster": "c3"})]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("run QA of engine on branch dev", [("run_lint", {"module": "engine", "branch": "dev"})]),
        ("run QA for engine", [("run_lint", {"module": "engine"})]),
        ("is the mosquitto container running?", [("pulse", {"gadget": "mosquitto"})]),
    ],
)
def test_what_is_done_is_not_what_it_is_done_to(text: str, expected: Steps) -> None:
    assert only(understand(text, CATALOG)) == expected


def test_a_quoted_word_beside_a_name_is_what_something_is_called() -> None:
    expected = {"action": "create", "cluster": "c3", "label": "fresh"}
    assert only(understand('take a dump "fresh" of c3', CATALOG)) == [("manage_dump", expected)]


def test_what_belongs_to_something_is_no_name() -> None:
    found = understand("run its QA", CATALOG)
    assert all("module" not in parameters for _, parameters in steps(found))
