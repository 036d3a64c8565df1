"""`.env` in the current folder: read as the settings are, written for its owner alone."""

import os
import re
import stat
from pathlib import Path

from dotenv import dotenv_values, set_key

from orchestrator.errors import SettingsError

_PLAIN = re.compile(r"[\w.,:/@+-]*")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class EnvFile:
    """A file of settings, with the environment in front of it."""

    def __init__(self, path: Path | None = None) -> None:
        """Take the file's path; by default the one that Chiffon reads: `.env` right here."""
        self.path = path or Path(".env")

    def value(self, name: str) -> str:
        """Return a setting; the environment wins, an empty one counts as unset.

        Raises:
            SettingsError: the file cannot be read.
        """
        return os.environ.get(name, "").strip() or self.written(name)

    def written(self, name: str) -> str:
        """Return what the file alone says, or "".

        Raises:
            SettingsError: the file cannot be read.
        """
        return (self.values().get(name) or "").strip()

    def values(self) -> dict[str, str | None]:
        """Return all that the file says; nothing where there is none.

        Raises:
            SettingsError: the file cannot be read.
        """
        try:
            return dotenv_values(self.path)
        except (OSError, UnicodeDecodeError) as fault:
            raise SettingsError(f"{self.path.absolute()} cannot be read: {fault}.") from fault

    def write(self, name: str, value: str) -> None:
        """Set one value, whole or not at all; every other line stays, the mode becomes 0600.

        Raises:
            SettingsError: the file cannot be written.
        """
        quoting = "never" if _PLAIN.fullmatch(value) else "always"
        try:
            if self.path.exists():
                self.path.chmod(0o600)  # before a secret goes in; a new file is made so
            set_key(self.path, name, value, quote_mode=quoting, follow_symlinks=True)
        except (OSError, UnicodeDecodeError) as fault:
            raise SettingsError(f"{self.path.absolute()} cannot be written: {fault}.") from fault

    def overridden(self, name: str) -> bool:
        """Tell whether the environment says something else than the file."""
        said = os.environ.get(name, "").strip()
        return bool(said) and said != self.written(name)

    def readable_by_others(self) -> bool:
        """Tell whether anybody but the owner may look into the file."""
        try:
            return bool(self.path.stat().st_mode & _OTHERS)
        except OSError:
            return False
