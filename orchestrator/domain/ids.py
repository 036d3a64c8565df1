"""Keys: UUID version 7 (RFC 9562), so that they sort by the time they were made."""

import uuid
from datetime import datetime

import uuid_utils


def new_id() -> str:
    """Return a new UUIDv7 in its 36-character text form."""
    return str(uuid_utils.uuid7())


def first_id_at(moment: datetime) -> str:
    """Return what sorts before every key made at `moment` or later, after those made before."""
    stamp = f"{int(moment.timestamp() * 1000):012x}"
    return f"{stamp[:8]}-{stamp[8:]}"


def is_id(text: str) -> bool:
    """Say whether `text` is a whole UUID in its canonical text form."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
