"""The scripts that make secrets and certificates for compose.yaml make what its services read."""

import base64
import hashlib
import json
import re
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.plugins.missing import require

ROOT = Path(__file__).parents[2]
PASSWORDS = ("postgres_superuser_password", "postgres_password", "rabbitmq_password",
             "rabbitmq_agent_password")  # fmt: skip


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", *words], check=True, capture_output=True, text=True)


@pytest.fixture(autouse=True)
def _openssl() -> None:
    done = subprocess.run(["sh", "-c", "command -v openssl"], capture_output=True, check=False)
    require("openssl", answered=done.returncode == 0, why="no such command in PATH")


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    run(ROOT / "scripts/compose-secrets.sh", tmp_path / "secrets")
    return tmp_path / "secrets"


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    """Where the authority, its public part and two servers have their files."""
    for name in ("authority", "public", "postgres", "rabbitmq"):
        (tmp_path / name).mkdir()
    make_certs(tmp_path)
    return tmp_path


def make_certs(place: Path) -> str:
    servers = [f"{name}={place / name}" for name in ("postgres", "rabbitmq")]
    script = ROOT / "deploy/certs.sh"
    return run(script, place / "authority", place / "public", *servers).stdout


def verified(place: Path, server: str, name: str) -> bool:
    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", name,
         "-CAfile", place / "public/ca.pem", place / server / "server.pem"],
        capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode == 0


def test_every_secret_that_compose_reads_is_made(secrets: Path) -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    read = {Path(each["file"]) for each in compose["secrets"].values()}

    assert {file.parent.name for file in read} == {"secrets"}
    assert [file.name for file in read if not (secrets / file.name).stat().st_size] == []


def test_the_folder_is_its_owners_and_its_files_can_be_read_in_the_containers(
    secrets: Path,
) -> None:
    modes = {stat.S_IMODE(file.stat().st_mode) for file in secrets.iterdir()}

    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert modes == {0o444}


def test_a_second_run_keeps_the_passwords(secrets: Path) -> None:
    before = {name: (secrets / name).read_text() for name in PASSWORDS}

    told = run(ROOT / "scripts/compose-secrets.sh", secrets).stdout

    assert {name: (secrets / name).read_text() for name in PASSWORDS} == before
    assert len(set(before.values())) == len(PASSWORDS)
    assert all(len(password) >= 32 for password in before.values())
    assert [password for password in before.values() if password in told] == []


def test_the_addresses_ask_for_verified_tls_and_carry_the_passwords(secrets: Path) -> None:
    def said(name: str) -> str:
        return (secrets / name).read_text()

    assert said("database_url") == (
        f"postgresql+asyncpg://chiffon:{said('postgres_password')}@postgres/chiffon"
        "?sslmode=verify-full&sslrootcert=/run/certs/ca.pem"
    )
    for name, user, password in (
        ("broker_url", "chiffon", "rabbitmq_password"),
        ("agent_broker_url", "agent", "rabbitmq_agent_password"),
    ):
        address = f"amqps://{user}:{said(password)}@rabbitmq:5671/chiffon?cafile=/run/certs/ca.pem"
        assert said(name) == address


def test_rabbitmq_is_told_hashes_of_these_passwords_and_no_default_user(secrets: Path) -> None:
    users = json.loads((secrets / "rabbitmq_definitions.json").read_text())["users"]

    assert [user["name"] for user in users] == ["chiffon", "agent"]
    for user, file in zip(users, ("rabbitmq_password", "rabbitmq_agent_password"), strict=True):
        stored = base64.b64decode(user["password_hash"])
        password = (secrets / file).read_bytes()
        assert stored[4:] == hashlib.sha256(stored[:4] + password).digest()


def test_an_agent_reads_its_own_queues_only(secrets: Path) -> None:
    rights = json.loads((secrets / "rabbitmq_definitions.json").read_text())["permissions"]
    agent = next(each for each in rights if each["user"] == "agent")

    def may(what: str, *names: str) -> list[bool]:
        return [re.search(agent[what], name) is not None for name in names]

    assert may("read", "agent.1", "agent.1.control") == [True, True]
    assert may("read", "chiffon.results", "chiffon.dead", "amq.default") == [False, False, False]
    assert may("write", "amq.default", "amq.topic") == [True, False]
    assert may("configure", "agent.1", "other", "xagent.1") == [True, False, False]


def test_each_server_is_who_its_certificate_says_and_nobody_else(certs: Path) -> None:
    assert verified(certs, "postgres", "postgres")
    assert verified(certs, "rabbitmq", "rabbitmq")
    assert not verified(certs, "postgres", "rabbitmq")


def test_keys_are_private_and_the_authoritys_stays_with_it(certs: Path) -> None:
    keys = list(certs.rglob("*-key.pem"))

    assert {key.parent.name for key in keys} == {"authority", "postgres", "rabbitmq"}
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    assert [file.name for file in (certs / "public").iterdir()] == ["ca.pem"]
    assert not (certs / "postgres/ca-key.pem").exists()


def test_what_is_still_good_is_kept_and_what_is_lost_is_made_anew(certs: Path) -> None:
    before = (certs / "postgres/server.pem").read_bytes()
    (certs / "rabbitmq/server.pem").write_text("damaged")
    (certs / "rabbitmq/server.pem").chmod(0o600)

    told = make_certs(certs)

    assert told == "made a certificate for rabbitmq\n"
    assert (certs / "postgres/server.pem").read_bytes() == before
    assert verified(certs, "rabbitmq", "rabbitmq")


@pytest.mark.parametrize(
    "script",
    sorted([*ROOT.glob("deploy/*.sh"), *ROOT.glob("scripts/compose-*.sh")]),
    ids=lambda path: path.name,
)
def test_scripts_are_plain_sh(script: Path) -> None:
    subprocess.run(["sh", "-n", script], check=True)
