"""Keys: UUID version 7 (RFC 9562), so that they sort by the time they were made."""

import uuid

import uuid_utils


def new_id() -> str:
    """Return a new UUIDv7 in its 36-character text form."""
    return str(uuid_utils.uuid7())


def is_id(text: str) -> bool:
    """Say whether `text` is a whole UUID in its canonical text form."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
