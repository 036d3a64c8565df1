"""The three catalogues that the engine is measured on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.catalog.loader import load_catalog, starter_folder
from orchestrator.catalog.models import Catalog
from orchestrator.domain.request import DecomposedRequest
from orchestrator.nlu.decomposer import understand

HERE = Path(__file__).parent


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
def read(foreign: Catalog) -> Callable[[str], DecomposedRequest]:
    """Understand a text over the foreign catalogue."""
    return lambda text: understand(text, foreign)
