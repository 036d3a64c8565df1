"""The three catalogues that the engine is measured on."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from orchestrator.catalog.loader import load_catalog, starter_folder
from orchestrator.catalog.models import Catalog
from orchestrator.nlu.decomposer import understand
from tests.nlu.found import Read

HERE = Path(__file__).parent
SETS = HERE.parents[1] / "evaluation"


@pytest.fixture(scope="session")
def catalogs() -> dict[str, Catalog]:
    return {
        "foreign": load_catalog([HERE / "foreign_catalog.yaml"]),
        "cloud": load_catalog([HERE / "cloud_catalog.yaml"]),
        "starter": load_catalog([starter_folder()]),
    }


@pytest.fixture(scope="session")
def foreign(catalogs: dict[str, Catalog]) -> Catalog:
    return catalogs["foreign"]


@pytest.fixture(scope="session")
def starter(catalogs: dict[str, Catalog]) -> Catalog:
    return catalogs["starter"]


@pytest.fixture(scope="session")
def read(foreign: Catalog) -> Read:
    """Understand a text over the foreign catalogue."""
    return lambda text: understand(text, foreign)


def _reader(name: str) -> Read:
    catalog = load_catalog([SETS / name / "catalog.yaml"])
    return lambda text: understand(text, catalog)


@pytest.fixture(scope="session")
def hosting() -> Read:
    return _reader("hosting")


@pytest.fixture(scope="session")
def homelab() -> Read:
    return _reader("homelab")


@pytest.fixture(scope="session")
def team() -> Read:
    """Understand a text over the catalogue of the platform team."""
    return _reader("platform")


@pytest.fixture(scope="session")
def over() -> Callable[[str], Read]:
    """Give what understands a text over the catalogue of the evaluation set of that name."""
    return cache(_reader)
