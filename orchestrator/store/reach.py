"""Reach a database, or say in one sentence why it cannot be reached. Passwords are never told."""

import ssl
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from orchestrator.errors import SettingsError
from orchestrator.offhost import masked
from orchestrator.store.migrate import schema_revision
from orchestrator.store.unit_of_work import Store

_LOOK = {
    "postgresql": "Check CHIFFON_DATABASE_URL, and that the server runs.",
    "sqlite": "Check CHIFFON_HOME and CHIFFON_DATABASE_URL.",
}


async def is_empty(store: Store) -> bool:
    """Say whether a database has no tables yet; a file that is not there is not created.

    Raises:
        SettingsError: as `require_reachable`.
    """
    if _is_missing_file(store):
        return True
    await require_reachable(store)
    return await schema_revision(store) is None


async def require_reachable(store: Store) -> None:
    """Open one connection.

    Raises:
        SettingsError: the server does not answer, is not who it should be, or refuses us.
    """
    try:
        async with store.engine.connect() as connection:
            _ = await connection.execute(select(1))
    except ssl.SSLCertVerificationError as fault:
        raise SettingsError(_not_trusted(masked(store.url), fault)) from fault
    except (OSError, SQLAlchemyError) as fault:
        message = f"The database at {masked(store.url)} cannot be used: {_reason(fault)}."
        raise SettingsError(f"{message} {_LOOK[store.dialect.name]}") from fault


def _is_missing_file(store: Store) -> bool:
    file = make_url(store.url).database if store.dialect.name == "sqlite" else None
    return bool(file) and file != ":memory:" and not Path(str(file)).exists()


def _not_trusted(place: str, fault: ssl.SSLCertVerificationError) -> str:
    said = fault.verify_message.rstrip(".")
    return (
        f"What answers at {place} is not trusted: {said}. "
        "CHIFFON_DATABASE_URL must name the host as its certificate does, and sslrootcert= the "
        "file of the authority that signed it."
    )


def _reason(fault: Exception) -> str:
    """Return the first line of what the system or the driver said."""
    said = getattr(fault, "strerror", None) or getattr(fault, "orig", None) or fault
    return next(iter(str(said).splitlines()), type(fault).__name__).rstrip(".")
