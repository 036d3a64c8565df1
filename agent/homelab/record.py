"""What Chiffon remembers of a service it wrote: `.chiffon.json` in the service's folder."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.homelab.files import digest, write_if_changed

NAME = ".chiffon.json"


class Record(BaseModel):
    """The digest tells a file we wrote from one that a person has edited."""

    model_config = ConfigDict(frozen=True)

    compose_sha256: str = ""
    started: bool = False
    """Whether an engine has ever been asked to start it: then containers may exist."""
    monitors: dict[str, tuple[str, ...]] = {}
    """Monitor file to the digests it may have when nobody has edited it."""

    def wrote(self, compose: bytes) -> bool:
        """Say whether these bytes are the compose file that Chiffon wrote."""
        return self.compose_sha256 == digest(compose)


def read(folder: Path) -> Record:
    """Read the record; a missing or broken one remembers nothing, so everything is a person's."""
    try:
        return Record.model_validate_json((folder / NAME).read_bytes())
    except (FileNotFoundError, ValidationError):
        return Record()


def keep(folder: Path, **changes: object) -> None:
    """Write the record with `changes`, unless it says so already."""
    record = read(folder).model_copy(update=changes)
    write_if_changed(folder / NAME, record.model_dump_json(indent=2).encode() + b"\n")
