"""Where the running Chiffon is: its home, its address, its token."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.errors import ChiffonError
from orchestrator.settings import Settings, load_settings

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to knock, not to listen


class NotRunning(ChiffonError):
    """No Chiffon answers; the text says where it was looked for and how to start it."""

    def __init__(self, finding: str) -> None:
        super().__init__(f"{finding} Start it with `make run` (or `chiffon up`).")


@dataclass(frozen=True)
class Place:
    """A Chiffon to talk to: base URL and bearer token."""

    home: Path
    address: str
    token: str


def find_place() -> Place:
    """Find the Chiffon that commands typed here are meant for.

    Raises:
        NotRunning: it was never started, or its address file is not usable.
        SettingsError: a setting is not usable.
    """
    settings = load_settings()
    home = find_home(settings)
    token = _first_line(home / settings.token_file.name)
    if not token:
        raise NotRunning(f"Chiffon has not been started yet: there is no token in {home}.")
    address = _first_line(home / settings.address_file.name) or _default_address(settings)
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise NotRunning(f"{home / settings.address_file.name} holds no address.")
    return Place(home=home, address=address.rstrip("/"), token=token)


def settings_here() -> Settings:
    """Return the settings of the Chiffon that commands typed here are meant for.

    Raises:
        SettingsError: a setting is not usable.
    """
    settings = load_settings()
    return settings.model_copy(update={"home": find_home(settings)})


def find_home(settings: Settings) -> Path:
    """Return the home to use.

    A chosen one (`CHIFFON_HOME`, `.env`) wins. Else, since `make run` keeps its things in the
    checkout and the next terminal knows nothing of that: a `.chiffon/` with a token in this
    folder or one above it, or beside the environment that this program runs in. Else the
    default.
    """
    if "home" in settings.model_fields_set:
        return settings.home
    for folder in _checkouts():
        home = folder / ".chiffon"
        if _is_mine(home / settings.token_file.name):
            return home
    return settings.home


def _checkouts() -> Iterator[Path]:
    here = Path.cwd()
    yield from (here, *here.parents)
    yield Path(sys.prefix).parent


def _is_mine(token: Path) -> bool:
    """A folder above may be anybody's: only an own token is followed."""
    try:
        return token.stat().st_uid == os.getuid()
    except OSError:
        return False


def _first_line(file: Path) -> str:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    return lines[0].strip() if lines else ""


def _default_address(settings: Settings) -> str:
    host = _EVERYWHERE.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
