"""The SDK is loaded once, before any time counts; each test has a model server of its own."""

from collections.abc import AsyncIterator
from importlib import import_module

import pytest

from orchestrator.llm.client import SDK
from tests.llm.model_server import ModelServer, model_server


@pytest.fixture(scope="session", autouse=True)
def loaded_sdk() -> None:
    """Import what takes seconds."""
    import_module(SDK)


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A running model server."""
    async with model_server() as running:
        yield running
