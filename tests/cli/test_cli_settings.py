"""A setting that cannot be used is named, with what to do, before anything starts."""

import re

import pytest

from bot.cli.listen import listening_socket
from orchestrator.errors import ChiffonError
from orchestrator.settings import load_settings


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CHIFFON_PORT", "eighty", "CHIFFON_PORT"),
        ("CHIFFON_HOST", "0.0.0.0", "chiffon keys add NAME --person PERSON"),  # noqa: S104 - refused
        ("CHIFFON_DATABASE_URL", "mysql://somewhere", "postgresql+asyncpg://"),
    ],
)
def test_a_bad_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ChiffonError, match=re.escape(words)), listening_socket(load_settings()):
        pass
