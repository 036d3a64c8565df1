"""Catalogues whose names say little: description, examples and schemas tell what is meant."""

from pathlib import Path

import pytest

from orchestrator.catalog.loader import load_catalog
from orchestrator.catalog.models import Catalog
from orchestrator.nlu.decomposer import engine_for, understand
from orchestrator.nlu.guard import guarded_tokens
from orchestrator.nlu.shapes import looks
from tests.nlu.found import only

_FILE = Path(__file__).parent / "oddly_named_catalog.yaml"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog([_FILE])


@pytest.mark.parametrize(
    ("text", "intent", "parameters"),
    [
        # the name ends in a verb that is none of the capability's
        ("restart plex", "app_fresh_start", {"app": "plex"}),
        ("start plex", "app_switch", {"app": "plex", "position": "up"}),
        ("give plex a fresh start", "app_fresh_start", {"app": "plex"}),
        # what it is about stands in its description
        ("show me the Grafana logs", "app_chatter", {"app": "Grafana"}),
        ("check sonarr logs", "app_chatter", {"app": "sonarr"}),
        ("tail plex", "app_chatter", {"app": "plex"}),
        ("show errors from the plex log", "app_chatter", {"app": "plex", "only_errors": True}),
        ("show disk temperatures", "disk_checkup", {}),
        # a question of how something is
        ("is plex running?", "app_pulse", {"app": "plex"}),
        ("what's down?", "app_pulse", {}),
        ("is VM 204 running?", "guest_overview", {"guest": "204"}),
        # verbs that choose a listed value
        ("power on VM 105", "guest_power", {"guest": "105", "order": "start"}),
        ("take web02 out of rotation", "pool_member", {"host": "web02", "state": "drain"}),
        ("put web02 back into rotation", "pool_member", {"host": "web02", "state": "enable"}),
        ("disable geoip-update", "cron_job", {"job": "geoip-update", "action": "pause"}),
        ("execute the job sitemap", "cron_job", {"job": "sitemap", "action": "run"}),
        # other words for a listed value
        (
            "flip the flag beta-search on for prod",
            "set_feature_flag",
            {"flag": "beta-search", "environment": "production", "enabled": True},
        ),
        (
            "disable flag beta-search on stage",
            "set_feature_flag",
            {"flag": "beta-search", "environment": "staging", "enabled": False},
        ),
        # which name is what: by the words before it in the examples, by what it says of itself
        (
            "promote orders-db-r2 in orders-db",
            "promote_replica",
            {"cluster": "orders-db", "replica": "orders-db-r2"},
        ),
        (
            "restore crm from the newest backup",
            "restore_backup",
            {"database": "crm", "version": "latest"},
        ),
        (
            "point a.b.example.org at 10.0.0.7",
            "set_dns_record",
            {"name": "a.b.example.org", "value": "10.0.0.7"},
        ),
        # examples without a verb; a verb that says "again"
        ("movie night in the lounge", "home_scene", {"scene": "movie_night", "room": "lounge"}),
        ("set the house to away", "home_scene", {"scene": "away"}),
        ("scan the music library", "media_rescan", {"library": "music"}),
    ],
)
def test_what_is_meant_is_told_by_the_texts(
    text: str, intent: str, parameters: dict[str, object], catalog: Catalog
) -> None:
    assert only(understand(text, catalog)) == [(intent, parameters)]


@pytest.mark.parametrize(
    "text",
    [
        "change permissions on tank/data to 755",
        "set a 100GB quota on tank/users/john",
        "show me the weather",
        "show me tomorrow's weather",
        "the phrase drain app-11 appears in the manual",
        "restart my career",
        "what time is it?",
    ],
)
def test_a_verb_that_fits_anything_makes_no_step(text: str, catalog: Catalog) -> None:
    assert understand(text, catalog).subtasks == ()


def test_a_number_belongs_to_the_word_before_it(catalog: Catalog) -> None:
    found = understand("point a.example.org at 10.0.0.7, not at VM 105", catalog)
    assert all("ttl" not in subtask.parameters for subtask in found.subtasks)


def test_an_hour_is_no_machine(catalog: Catalog) -> None:
    found = understand("how are the disks in 11:38", catalog)
    assert all("machine" not in subtask.parameters for subtask in found.subtasks)


def test_the_same_step_said_twice_is_one(catalog: Catalog) -> None:
    found = understand("take web02 out of rotation and drain it", catalog)
    assert [subtask.intent for subtask in found.subtasks] == ["pool_member"]


def test_one_of_several_is_asked_about(catalog: Catalog) -> None:
    found = understand("drain one of the web nodes", catalog)
    assert found.ambiguities
    assert all("host" not in subtask.parameters for subtask in found.subtasks)


def test_a_listed_value_said_twice_is_one_value(catalog: Catalog) -> None:
    profile = engine_for(catalog).index.by_name["set_feature_flag"]
    assert profile.choices["enabled"].by_group["enable"] is True


@pytest.mark.parametrize(
    ("word", "seen"),
    [
        ("web1", "a0"),
        ("tank/vms", "a/a"),
        ("b.example.org", "a.a"),
        ("a.b.example.org", "a.a"),
        ("plex", ""),
    ],
)
def test_what_a_word_looks_like(word: str, seen: str) -> None:
    assert looks(word) == seen


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("the load balancer should take nothing to app-11 any more", "pool_member"),
        ("grant the new replica to be primary of the cluster", "promote_replica"),
    ],
)
def test_the_most_alike_capability_is_found_by_its_words(
    text: str, name: str, catalog: Catalog
) -> None:
    engine = engine_for(catalog)
    tokens = engine.index.splitter.split(engine.index.speller.read(guarded_tokens(text)))[0].tokens
    alike = engine.matcher.similarity.of(tokens)
    assert max(alike, key=lambda one: alike[one]) == name
