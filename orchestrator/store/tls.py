"""libpq's `sslmode` and `sslrootcert`, which asyncpg does not take from SQLAlchemy's address."""

import ssl
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.engine import URL

from orchestrator.errors import SettingsError

_SETTING = "CHIFFON_DATABASE_URL"
_WITHOUT_CHECK = {"disable": False, "allow": "allow", "prefer": "prefer", "require": "require"}
_CHECKED = ("verify-ca", "verify-full")
_SYSTEM = "system"  # libpq's word for the authorities that this machine trusts
_TAKEN = ("sslmode", "sslrootcert")


def without_tls(url: URL) -> tuple[URL, dict[str, object]]:
    """Take what is about TLS out of an address; return the rest, and asyncpg's arguments for it.

    Raises:
        SettingsError: a value is unknown or not supported, or the authority's file not usable.
    """
    words = {name: value for name, value in url.query.items() if name.startswith("ssl")}
    if "ssl" in words:
        raise SettingsError(f"{_SETTING}: write sslmode= instead of ssl=.")
    other = sorted(words.keys() - set(_TAKEN))
    if other:
        raise SettingsError(f"{_SETTING}: {other[0]}= is not supported. Leave it out.")
    rest = url.difference_update_query(_TAKEN)
    mode, authority = _one(words.get("sslmode")), _one(words.get("sslrootcert"))
    if mode is None:
        if authority is not None:
            message = f"{_SETTING}: sslrootcert= without sslmode= checks nothing."
            raise SettingsError(f"{message} Add sslmode=verify-full.")
        return rest, {}
    if mode in _WITHOUT_CHECK:
        return rest, {"ssl": _WITHOUT_CHECK[mode]}
    if mode not in _CHECKED:
        raise SettingsError(f"{_SETTING}: there is no such sslmode. Use sslmode=verify-full.")
    return rest, {"ssl": _context(authority, check_name=mode == "verify-full")}


def _one(value: str | Sequence[str] | None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise SettingsError(f"{_SETTING} names a parameter twice. Keep one.")


def _context(authority: str | None, *, check_name: bool) -> ssl.SSLContext:
    """Return what checks the server's certificate, and whether it is for the host's name."""
    file = None if authority in {None, _SYSTEM} else Path(str(authority)).expanduser()
    try:
        context = ssl.create_default_context(cafile=file)
    except ssl.SSLError as fault:
        message = f"{_SETTING}: sslrootcert={file} holds no certificate in PEM form."
        raise SettingsError(f"{message} Name the file of the authority that signed it.") from fault
    except OSError as fault:
        message = f"{_SETTING}: sslrootcert={file} cannot be read: {fault.strerror}."
        raise SettingsError(f"{message} Name the file of the authority's certificate.") from fault
    context.check_hostname = check_name
    return context
