"""Reach a database, or say in one sentence why it cannot be reached. Passwords are never told."""

import ssl

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from orchestrator.errors import SettingsError
from orchestrator.offhost import masked
from orchestrator.store.unit_of_work import Store

_LOOK = "Check CHIFFON_DATABASE_URL, and that the server runs."


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
        raise SettingsError(f"{message} {_LOOK}") from fault


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
