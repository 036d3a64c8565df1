"""Names of what there is: told by the catalogue or by the homelab's own folders."""

from pathlib import Path

import pytest

from orchestrator.catalog.loader import load_catalog, starter_folder
from orchestrator.catalog.models import Catalog
from orchestrator.inventory import inventory
from orchestrator.nlu.decomposer import RequestDecomposer, understand


def catalog_with(folder: Path, names: str) -> Catalog:
    overlay = folder / "names.yaml"
    overlay.write_text(f"version: 1\nnames: {names}\n", encoding="utf-8")
    return load_catalog([starter_folder(), overlay])


def restarted(catalog: Catalog, text: str) -> list[object]:
    return [
        subtask.parameters.get("service")
        for subtask in understand(text, catalog).subtasks
        if subtask.intent == "restart_service"
    ]


@pytest.mark.parametrize("name", ["photos", "music", "router", "lights"])
def test_a_common_word_is_a_name_where_something_is_called_so(tmp_path: Path, name: str) -> None:
    text = f"restart the {name}"
    assert name not in restarted(load_catalog([starter_folder()]), text)
    named = restarted(catalog_with(tmp_path, f"{{service: [{name}]}}"), text)
    assert named == [name]


def test_a_question_offers_what_there_is(tmp_path: Path) -> None:
    catalog = catalog_with(tmp_path, "{service: [zz-photos]}")
    (question,) = understand("restart a service", catalog).ambiguities
    assert "zz-photos" in question.options


async def test_the_folders_of_the_homelab_are_looked_at_each_time(tmp_path: Path) -> None:
    catalog = load_catalog([starter_folder()])
    decomposer = RequestDecomposer(lambda: catalog, names=lambda: inventory(tmp_path))
    found = []
    for name in (None, "zz-one", "zz-two"):
        if name is not None:
            folder = tmp_path / "services" / name
            folder.mkdir(parents=True)
            (folder / "compose.yaml").touch()
        (question,) = (await decomposer.decompose("restart a service")).ambiguities
        found.append([option for option in question.options if option.startswith("zz-")])
    assert found == [[], ["zz-one"], ["zz-one", "zz-two"]]


def test_a_folder_without_a_compose_file_or_none_at_all_names_nothing(tmp_path: Path) -> None:
    (tmp_path / "services" / "empty").mkdir(parents=True)
    assert inventory(tmp_path) == {}
    assert inventory(tmp_path / "absent") == {}
