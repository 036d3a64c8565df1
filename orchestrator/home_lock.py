"""One process at a time in a home: who runs Chiffon there, and who replaces its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from orchestrator.errors import SettingsError
from orchestrator.settings import Settings


@contextmanager
def owned_home(settings: Settings) -> Iterator[Path]:
    """Make the home if need be and hold it alone.

    Raises:
        SettingsError: it cannot be made or written, or another Chiffon holds it.
    """
    lock = _taken(settings)
    try:
        yield settings.home
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
