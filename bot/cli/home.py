"""The home of a running Chiffon: its token, its address."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import SettingsError
from orchestrator.settings import Settings

_TOKEN_BYTES = 32


def local_token(settings: Settings) -> str:
    """Return the local token; make it the first time. Its file is for its owner alone.

    Raises:
        SettingsError: the file is there and holds nothing of use.
    """
    file = settings.token_file
    if not file.exists():
        _write_private(file, secrets.token_urlsafe(_TOKEN_BYTES))
    file.chmod(0o600)
    token = file.read_text(encoding="utf-8").strip()
    if not token:
        raise SettingsError(f"{file} is empty. Delete it; a new token is made at the next start.")
    return token


@contextmanager
def announced(settings: Settings, address: str) -> Iterator[None]:
    """Say in the home where Chiffon listens, for as long as it does."""
    _write_private(settings.address_file, address + "\n")
    try:
        yield
    finally:
        settings.address_file.unlink(missing_ok=True)


def _write_private(file: Path, text: str) -> None:
    """Write whole or not at all, readable by the owner only."""
    fresh = file.with_name(f".{file.name}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)
