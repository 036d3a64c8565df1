"""Where the homelab keeps its things, and which names may become paths."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from agent.homelab.failure import Failure

LOCK_SECONDS = 10.0
"""How long a step waits for another step on the same service."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True)
class Homelab:
    """The homelab folder; every path of this package comes from here."""

    root: Path

    @classmethod
    def from_environment(cls) -> Homelab:
        """Take the folder from CHIFFON_HOMELAB.

        Raises:
            Failure: the variable is missing or is not an absolute path.

        """
        value = os.environ.get("CHIFFON_HOMELAB", "")
        if not value or not Path(value).is_absolute():
            message = "CHIFFON_HOMELAB must name the homelab folder by its absolute path; set it."
            raise Failure(message, exit_status=2)
        return cls(Path(value))

    @property
    def services(self) -> Path:
        """Return the folder that holds one folder for each service."""
        return self.root / "services"

    @property
    def backups(self) -> Path:
        """Return the folder of the archives."""
        return self.root / "backups"

    @property
    def replaced(self) -> Path:
        """Return the folder where a restore keeps what was there before."""
        return self.root / "replaced"

    @property
    def portals(self) -> Path:
        """Return the file that names the portals; people edit it."""
        return self.root / "portals.yaml"

    def service(self, name: str) -> Path:
        """Return the folder of a service.

        Raises:
            Failure: the name is no plain name, or its folder is a link to somewhere else.

        """
        if not _NAME.fullmatch(name):
            message = f"“{name}” is no service name; use small letters, digits and hyphens."
            raise Failure(message, exit_status=2)
        folder = self.services / name
        if folder.is_symlink():
            message = f"{folder} is a link to another place, so it is left alone; make it a folder."
            raise Failure(message)
        return folder

    def installed(self) -> list[str]:
        """Return the names of the services with a compose file, in order."""
        return sorted(
            path.parent.name
            for path in self.services.glob("*/compose.yaml")
            if _NAME.fullmatch(path.parent.name) and not path.parent.is_symlink()
        )

    @contextmanager
    def working_on(self, name: str) -> Iterator[None]:
        """Keep other steps away from a service, or from the portals, for the time of the block.

        Raises:
            Failure: another step holds it for longer than `LOCK_SECONDS`.

        """
        folder = self.root / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder / f"{name}.lock", timeout=LOCK_SECONDS):
                yield
        except Timeout:
            message = f"Another step is working on {name}; wait for it, then try again."
            raise Failure(message) from None


def stamp() -> str:
    """Return the time now as file names carry it, in UTC and in sorting order."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
