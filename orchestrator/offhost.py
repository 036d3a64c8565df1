"""What may leave this machine: a broker or a database elsewhere needs TLS and real credentials.

Pure: settings in, findings out. Whoever opens a database or a broker calls `require_safe` first.
No sentence here shows a password: an address is told as user, host and path.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from orchestrator.errors import SettingsError
from orchestrator.settings import Settings

DATABASE, BROKER = "CHIFFON_DATABASE_URL", "CHIFFON_BROKER_URL"

# What installers, images and examples bring along, and what is tried first by whoever knocks.
_WELL_KNOWN = frozenset(
    {
        *("admin", "administrator", "changeit", "changeme", "chiffon", "default", "demo"),
        *("example", "guest", "letmein", "mysecretpassword", "pass", "passw0rd", "password"),
        *("postgres", "postgresql", "qwerty", "rabbitmq", "root", "secret", "test", "user"),
        *("1234", "12345", "123456", "12345678", "123456789"),
    }
)
_VERIFIED = (
    "postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE"
    "?sslmode=verify-full&sslrootcert=/path/to/ca.pem"
)
# Read by the driver as well, and would then count instead of what stands in front.
_DATABASE_ELSEWHERE = frozenset(
    {"database", "direct_tls", "dsn", "passfile", "password", "port", "service", "servicefile"}
    | {"ssl", "user"}
)


@dataclass(frozen=True)
class Finding:
    """What is not safe about one setting, and what to do."""

    setting: str
    found: str
    fix: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.found} {self.fix}"


def require_safe(settings: Settings) -> None:
    """Refuse a database or a broker off this machine without TLS and credentials of its own.

    Raises:
        SettingsError: the first thing that is not safe, with the fix.
    """
    for finding in findings(settings):
        raise SettingsError(str(finding))


def findings(settings: Settings) -> Iterator[Finding]:
    """Yield what is not safe: of each address the first thing."""
    checks = ((settings.database_url, database_finding), (settings.broker_url, broker_finding))
    for url, check in checks:
        found = None if url is None else check(url)
        if found is not None:
            yield found


def database_finding(url: str) -> Finding | None:
    """Return what is not safe about a database's address; SQLite is a file and always is."""
    if url.startswith("sqlite"):
        return None
    try:
        parts = _split(url)
        query = _query(parts)
        hosts = _database_hosts(parts, query)
    except ValueError as fault:
        return Finding(DATABASE, f"The address {fault}.", "Correct it in the environment or .env.")
    overriding = sorted(_DATABASE_ELSEWHERE & query.keys())
    if overriding:
        found = f"{overriding[0]}= behind the `?` would override what is checked."
        return Finding(DATABASE, found, f"Leave it out; off this machine use {_VERIFIED}.")
    if "" in hosts:  # the driver would ask PGHOST, PGSERVICE and files
        found = "The address names no host, so the driver would look for one elsewhere."
        return Finding(DATABASE, found, "Name it: localhost, or a socket's folder as ?host=/run/….")
    away = [host for host in hosts if not is_here(host)]
    if not away:
        return None
    return _database_off_host(parts, query, away[0])


def _database_off_host(parts: SplitResult, query: dict[str, str], host: str) -> Finding | None:
    if query.get("sslmode") != "verify-full":
        said = f"sslmode={query['sslmode']}" if "sslmode" in query else "no sslmode"
        found = (
            f"The database at {host} is not on this machine, and the address has {said}, "
            "so whoever is in between could read and answer."
        )
        return Finding(DATABASE, found, f"Use {_VERIFIED}.")
    weak = _weakness(parts)
    fix = "Give the database a user of its own for Chiffon, with a long random password."
    return None if weak is None else Finding(DATABASE, f"The database at {host} {weak}.", fix)


def _database_hosts(parts: SplitResult, query: dict[str, str]) -> list[str]:
    """Return every host that the driver would try."""
    named = query.get("host")
    if named is None:
        return [parts.hostname or ""]
    if parts.hostname:
        raise ValueError("names a host twice, before the path and as host=; keep one")
    return named.split(",")


def broker_finding(url: str) -> Finding | None:
    """Return what is not safe about a broker's address."""
    try:
        parts = _split(url)
        query = _query(parts)
    except ValueError as fault:
        return Finding(BROKER, f"The address {fault}.", "Correct it in the environment or .env.")
    host = parts.hostname or ""
    if is_here(host):
        return None
    if parts.scheme != "amqps":
        found = f"The broker at {host} is not on this machine, and amqp:// sends in the clear."
        return Finding(
            BROKER, found, "Use amqps://USER:PASSWORD@HOST:5671/VHOST?cafile=/path/ca.pem."
        )
    for name in query:
        if _switches_off(name):
            found = f"{name}= would take any certificate for the broker's."
            fix = "Leave it out; cafile=/path/to/ca.pem names an authority of your own."
            return Finding(BROKER, found, fix)
    weak = _weakness(parts)
    fix = "Give the broker a user of its own for Chiffon, with a long random password."
    return None if weak is None else Finding(BROKER, f"The broker at {host} {weak}.", fix)


def _switches_off(name: str) -> bool:
    plain = name.lower().replace("-", "_")
    return any(word in plain for word in ("verify", "check_hostname", "insecure", "ssl_options"))


def _weakness(parts: SplitResult) -> str | None:
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not user or not password:
        return (
            f"needs a user and a password, and the address has no {'password' if user else 'user'}"
        )
    if password.lower() in _WELL_KNOWN:
        return f"would be opened by user {user!r} with a password that everybody knows"
    if password.lower() == user.lower():
        return f"would be opened by user {user!r} with the name for a password"
    return None


def is_here(host: str) -> bool:
    """Say whether an address's host is this machine: none, a socket's path, or the loopback."""
    return not host or host.startswith("/") or is_loopback(host)


def is_loopback(host: str) -> bool:
    """Say whether `host` is `localhost` or a loopback address, IPv4 in IPv6 clothes included."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback if mapped is None else mapped.is_loopback


def masked(url: str) -> str:
    """Return an address without password and query, for messages."""
    if url.startswith("sqlite"):
        return url
    try:
        parts = _split(url)
    except ValueError:
        return "(an address that cannot be read)"
    host = parts.hostname or ""
    user = f"{parts.username}@" if parts.username else ""
    port = f":{_port(parts)}" if _port(parts) else ""
    return f"{parts.scheme}://{user}{host}{port}{parts.path}"


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        return None


def _split(url: str) -> SplitResult:
    """Take an address apart, refusing what two parsers might read differently.

    What is checked here must be what the driver connects to, and drivers have parsers of their
    own: some end a password at `#`, some at the last `@`.
    """
    if any(letter in "#\\" or letter.isspace() or not letter.isprintable() for letter in url):
        raise ValueError(r"holds a blank, # or \ (in a password, write %20, %23 or %5C)")
    try:
        parts = urlsplit(url)
        _ = parts.hostname
    except ValueError:  # its text may hold the password
        raise ValueError("cannot be read as one") from None
    behind = url.partition("://")[2][len(parts.netloc) :]
    if parts.netloc.count("@") > 1 or "@" in behind:
        raise ValueError(
            "holds a second @, or one behind a / or ? (in a password, write %40, %2F, %3F)"
        )
    if _port(parts) is None and parts.netloc.rpartition("@")[2].rpartition("]")[2].count(":"):
        raise ValueError("has a port that is no number")
    return parts


def _query(parts: SplitResult) -> dict[str, str]:
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = dict(pairs)
    if len(query) != len(pairs):
        raise ValueError("names a parameter twice; keep one")
    return query
