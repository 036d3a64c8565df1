"""What may leave this machine: TLS that checks who answers, and credentials of one's own."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import SettingsError
from orchestrator.offhost import (
    broker_finding,
    database_finding,
    findings,
    is_here,
    is_loopback,
    masked,
    require_safe,
)
from orchestrator.settings import Settings

SECRET = "hunter-Twenty-2"
PG = "postgresql+asyncpg://"
FULL = "sslmode=verify-full&sslrootcert=/ca.pem"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite:////var/chiffon.db",
        f"{PG}postgres@127.0.0.1:5432/postgres",
        f"{PG}postgres:postgres@localhost/x",
        f"{PG}u@[::1]/x",
        f"{PG}u@127.8.9.10/x",
        f"{PG}u@[::ffff:127.0.0.1]/x",
        f"{PG}u@/x?host=/var/run/postgresql",
        f"{PG}u:{SECRET}@db.lan/x?{FULL}",
        f"{PG}u:{SECRET}@10.0.0.4:6432/x?sslmode=verify-full",
        f"{PG}u:a%40b%23c%2Fdefgh@db.lan/x?{FULL}",
    ],
)
def test_a_database_here_or_well_guarded_is_safe(url: str) -> None:
    assert database_finding(url) is None


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("db.lan/x", "no sslmode"),
        ("db.lan/x?sslmode=require", "sslmode=require"),
        ("db.lan/x?sslmode=verify-ca&sslrootcert=/ca.pem", "sslmode=verify-ca"),
        ("db.lan/x?sslmode=VERIFY-FULL", "sslmode=VERIFY-FULL"),
        ("192.168.1.9/x?sslmode=disable", "sslmode=disable"),
        ("127.0.0.1.evil.example/x", "127.0.0.1.evil.example"),
        ("localhost.evil.example/x", "localhost.evil.example"),
        ("0.0.0.0/x", "no sslmode"),
        ("[2001:db8::1]/x", "no sslmode"),
        ("[::ffff:10.0.0.1]/x", "no sslmode"),
        ("/x?host=db.lan", "db.lan"),
        ("/x?host=127.0.0.1,db.lan", "db.lan"),
        ("127.0.0.1/x?host=db.lan", "names a host twice"),
        (f"db.lan/x?{FULL}&password=other", "password="),
        (f"db.lan/x?{FULL}&ssl=prefer", "ssl="),
        (f"db.lan/x?{FULL}&sslmode=disable", "names a parameter twice"),
    ],
)
def test_a_database_elsewhere_needs_tls_that_checks(rest: str, words: str) -> None:
    found = database_finding(f"{PG}u:{SECRET}@{rest}")
    assert found is not None
    assert words in str(found)
    assert found.fix
    assert SECRET not in str(found)


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("", "no user"),
        ("u@", "no password"),
        ("u:@", "no password"),
        (f":{SECRET}@", "no user"),
        ("ann:ann@", "the name for a password"),
        ("ann:ANN@", "the name for a password"),
        ("ann:%61nn@", "the name for a password"),
        *(
            (f"ann:{word}@", "everybody knows")
            for word in ("postgres", "password", "chiffon", "guest", "changeme", "Secret", "123456")
        ),
    ],
)
@pytest.mark.parametrize("kind", ["database", "broker"])
def test_credentials_that_anybody_would_try_are_refused(kind: str, who: str, words: str) -> None:
    if kind == "database":
        found = database_finding(f"{PG}{who}db.lan/x?{FULL}")
    else:
        found = broker_finding(f"amqps://{who}mq.lan/")
    assert found is not None
    assert words in found.found
    assert "user of its own" in found.fix


@pytest.mark.parametrize(
    "url",
    [
        "amqp://guest:guest@127.0.0.1:5672/",
        "amqp://localhost/",
        "amqp://",
        "amqp:///vhost",
        "amqp://[::1]/",
        f"amqps://u:{SECRET}@mq.lan/v",
        f"amqps://u:{SECRET}@mq.lan:5671/v?cafile=/ca.pem&heartbeat=10",
    ],
)
def test_a_broker_here_or_well_guarded_is_safe(url: str) -> None:
    assert broker_finding(url) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"amqp://u:{SECRET}@mq.lan/", "in the clear"),
        (f"amqp://u:{SECRET}@10.0.0.1/?cafile=/ca.pem", "in the clear"),
        ("amqps://guest:guest@mq.lan/", "everybody knows"),
        (f"amqps://u:{SECRET}@mq.lan/?no_verify_ssl=1", "no_verify_ssl="),
        (f"amqps://u:{SECRET}@mq.lan/?verify=verify_none", "verify="),
        (f"amqps://u:{SECRET}@mq.lan/?ssl_verify=0", "ssl_verify="),
        (f"amqps://u:{SECRET}@mq.lan/?NO-VERIFY-SSL=1", "NO-VERIFY-SSL="),
    ],
)
def test_a_broker_elsewhere_needs_tls_that_checks(url: str, words: str) -> None:
    found = broker_finding(url)
    assert found is not None
    assert words in found.found
    assert SECRET not in str(found)


@pytest.mark.parametrize(
    "url",
    [
        f"{PG}u:a#b@db.lan/x",
        f"{PG}u:{SECRET}?@db.lan/x",
        f"{PG}localhost?@db.lan/x",
        f"{PG}localhost/@db.lan/x",
        f"{PG}u:{SECRET}@localhost@db.lan/x",
        f"{PG}u:{SECRET}\\@db.lan/x",
        f"{PG}u:{SECRET} @db.lan/x",
        f"{PG}u:{SECRET}\n@db.lan/x",
        f"{PG}u:{SECRET}@[db.lan/x",
        f"{PG}u:{SECRET}\u2100@db.lan/x",
        f"{PG}u:{SECRET}@localhost:port/x",
    ],
)
def test_what_two_parsers_may_read_differently_is_refused(url: str) -> None:
    """The check must see the host that the driver connects to, or say no."""
    for found in (database_finding(url), broker_finding(url.replace(PG, "amqp://"))):
        assert found is not None
        assert SECRET not in str(found)


def test_settings_are_refused_with_the_first_finding_and_its_fix(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path, database_url=f"{PG}u:{SECRET}@db.lan/x", broker_url="amqp://mq.lan/"
    )
    assert [each.setting for each in findings(settings)] == [
        "CHIFFON_DATABASE_URL",
        "CHIFFON_BROKER_URL",
    ]
    with pytest.raises(SettingsError, match=r"CHIFFON_DATABASE_URL: .* Use .*verify-full"):
        require_safe(settings)
    require_safe(Settings(home=tmp_path))


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1"])
def test_the_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "127.1", "localhost.", "10.0.0.1", "x"])  # noqa: S104 - looked at only
def test_all_else_is_not_the_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_no_host_and_a_socket_are_here() -> None:
    assert is_here("")
    assert is_here("/var/run/postgresql")
    assert not is_here("db.lan")


@given(st.text(alphabet=st.characters(codec="ascii"), min_size=8))
def test_no_address_shows_its_password(tail: str) -> None:
    password = f"{SECRET}{tail}{SECRET}"
    url = f"{PG}user:{password}@db.lan/x?password={SECRET}"
    assert SECRET not in masked(url)
    assert SECRET not in str(database_finding(url))


def test_a_masked_address_says_where() -> None:
    assert masked(f"{PG}u:p@db.lan:6432/x?{FULL}") == f"{PG}u@db.lan:6432/x"


@pytest.mark.parametrize(
    "address", ["u:p@/x", "/x", "/x?service=prod", "localhost/x?dsn=postgresql%3A%2F%2Ffar%2Fx"]
)
def test_a_database_that_the_driver_would_look_for_elsewhere_is_refused(address: str) -> None:
    """Without a host, or with one of these, the environment or a file says where it goes."""
    assert database_finding(f"postgresql+asyncpg://{address}") is not None
