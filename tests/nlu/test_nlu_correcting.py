"""What a person says they meant: ranked by the engine, typed and judged by the schema."""

import pytest
from pydantic import JsonValue

from orchestrator.catalog.loader import load_catalog, starter_folder
from orchestrator.catalog.models import Catalog, CatalogEntry
from orchestrator.domain.request import Correction, DecomposedRequest
from orchestrator.domain.value import Parameters
from orchestrator.errors import Refused
from orchestrator.nlu.correcting import corrected, nearest
from orchestrator.nlu.decomposer import understand


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog([starter_folder()])


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("restart gitea", "restart_service"),
        ("what is eating my disk", "disk_report"),
        ("Deploy Gitea", "deploy_service"),
    ],
)
def test_the_reading_comes_first_then_what_shares_words(
    catalog: Catalog, words: str, first: str
) -> None:
    ranked = [each.name for each in nearest(words, catalog)]
    assert ranked[0] == first
    assert sorted(ranked) == sorted(catalog.entries)


def test_a_long_text_is_ranked_by_its_beginning(catalog: Catalog) -> None:
    """Each capability reads it: all of it would hold everybody else up for seconds."""
    text = "sing a lullaby to uptime-kuma, " * 20
    assert nearest(f"{text}restart gitea", catalog) == nearest(text, catalog)


def catalog_taking(catalog: Catalog, rule: dict[str, JsonValue]) -> Catalog:
    """Return a catalogue whose one capability takes `given`."""
    entry = catalog.entries["list_services"]
    schema: dict[str, JsonValue] = {"type": "object", "properties": {"given": rule}}
    capability = entry.capability.model_copy(update={"parameters": schema})
    changed: CatalogEntry = entry.model_copy(update={"capability": capability})
    return Catalog(entries={"list_services": changed})


def taken(catalog: Catalog, rule: dict[str, JsonValue], given: JsonValue) -> Parameters:
    small = catalog_taking(catalog, rule)
    before: DecomposedRequest = understand("sing", small)
    correction = Correction(capability="list_services", parameters={"given": given})
    (subtask,) = corrected(before, correction, small).subtasks
    assert (subtask.chosen, subtask.confidence, subtask.source_words) == (True, 1, "sing")
    return subtask.parameters


@pytest.mark.parametrize(
    ("rule", "given", "value"),
    [
        ({"type": "string"}, "80", "80"),
        ({"type": "integer"}, "80", 80),
        ({"type": "integer"}, 80, 80),
        ({"type": "boolean"}, "yes", True),
        ({"type": "boolean"}, False, False),
        ({"type": "array", "items": {"type": "string"}}, "a\n b , c", ["a", "b", "c"]),
        ({"type": "array", "items": {"type": "integer"}}, "1, 2", [1, 2]),
        ({"type": "array", "items": {"type": "string"}}, ["a"], ["a"]),
        ({"enum": [1, 2]}, "2", 2),
    ],
)
def test_what_is_typed_becomes_what_the_schema_asks_for(
    catalog: Catalog, rule: dict[str, JsonValue], given: JsonValue, value: JsonValue
) -> None:
    assert taken(catalog, rule, given) == {"given": value}


@pytest.mark.parametrize(
    ("rule", "given", "reason"),
    [
        ({"type": "integer"}, "many", "must be of type integer"),
        ({"type": "integer", "maximum": 9}, "10", "must be at most 9"),
        ({"enum": ["a"]}, "b", "must be one of a"),
        ({"type": "string", "pattern": "^[a-z]+$"}, "a\n", "must match"),
        ({"type": "array", "items": {"type": "string"}}, "a, --b", "must not start with a dash"),
        ({"type": "string"}, "-rf", "must not start with a dash"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(
    catalog: Catalog, rule: dict[str, JsonValue], given: str, reason: str
) -> None:
    with pytest.raises(Refused, match=f"`given.*{reason}"):
        taken(catalog, rule, given)
