"""What the API logs is caught, in every test."""

import io

import pytest


@pytest.fixture(autouse=True)
def _caught(logged: io.StringIO) -> None:
    """A test that reads it asks for `logged`."""
