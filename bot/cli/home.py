"""The home of a running Chiffon: one process at a time, its token, its address."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from orchestrator.errors import SettingsError
from orchestrator.settings import Settings

_TOKEN_BYTES = 32


@contextmanager
def owned_home(settings: Settings) -> Iterator[Path]:
    """Make the home if need be and hold it alone.

    Raises:
        SettingsError: it cannot be made or written, or another Chiffon holds it.
    """
    home = settings.home
    lock = _taken(settings)
    try:
        yield home
    finally:
        lock.release()


def made_home(settings: Settings) -> Path:
    """Make the home if need be; several programs may share it.

    Raises:
        SettingsError: it cannot be made.
    """
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise SettingsError(_unusable(settings, fault)) from fault
    return settings.home


def _unusable(settings: Settings, fault: OSError) -> str:
    where = f"{fault.filename or settings.home} cannot be used: {fault.strerror}."
    return f"{where} Set CHIFFON_HOME to another folder."


def _taken(settings: Settings) -> FileLock:
    home = made_home(settings)
    try:
        lock = FileLock(home / "lock")
        lock.acquire(timeout=0)
    except Timeout as fault:
        address = _known_address(settings)
        message = (
            f"Another Chiffon works in {home}{address}. Use that one, stop it first, "
            "or set CHIFFON_HOME to another folder."
        )
        raise SettingsError(message) from fault
    except OSError as fault:
        raise SettingsError(_unusable(settings, fault)) from fault
    return lock


def _known_address(settings: Settings) -> str:
    try:
        address = settings.address_file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return f" (at {address})"


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
