"""What the doctor finds on this machine: database, catalogue, Docker, disk."""

import asyncio
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from agent.labels import docker
from bot.cli.check import Check, ok, problem, warning
from bot.cli.offhost_checks import unsafe_database
from orchestrator.catalog.lint import Severity, lint
from orchestrator.catalog.loader import catalog_paths, load_catalog
from orchestrator.errors import CatalogError, SettingsError
from orchestrator.settings import Settings
from orchestrator.store.migrate import newest_revision, schema_revision
from orchestrator.store.reach import require_reachable
from orchestrator.store.unit_of_work import Store

_PATIENCE_SECONDS = 10
_SCARCE_MB = 1024
_TOO_LITTLE_MB = 100


async def check_database(settings: Settings) -> Check:
    """Open the database and compare its schema with this version's; nothing is created."""
    name, url = "database", settings.resolved_database_url
    place = _without_password(url)
    if url.startswith("sqlite") and not _file_of(url).exists():
        return warning(name, f"There is none yet at {place}.", "Start `chiffon up`: it makes one.")
    unsafe = unsafe_database(settings)
    if unsafe is not None:
        return unsafe
    try:
        store = Store(url)
    except SettingsError as fault:
        return problem(name, str(fault), "Correct CHIFFON_DATABASE_URL.")
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await require_reachable(store)
            found = await schema_revision(store)
    except SettingsError as fault:
        return problem(name, str(fault), "Check CHIFFON_DATABASE_URL.")
    except Exception as fault:  # noqa: BLE001 - each driver has errors of its own
        told = type(fault).__name__
        return problem(name, f"{place} does not answer ({told}).", "Check CHIFFON_DATABASE_URL.")
    finally:
        await store.close()
    return _schema(name, place, found, newest_revision())


def _schema(name: str, place: str, found: str | None, wanted: str | None) -> Check:
    if found == wanted:
        return ok(name, f"{place} answers; schema {found}.")
    fix = "Start `chiffon up`: it brings an older one up to date, and refuses a newer one."
    return warning(name, f"{place} has schema {found}, this version uses {wanted}.", fix)


def _without_password(url: str) -> str:
    if url.startswith("sqlite"):
        return str(_file_of(url))
    parts = urlsplit(url)
    return f"{parts.hostname or ''}{parts.path}"


def _file_of(url: str) -> Path:
    return Path(url.partition(":///")[2])


def check_catalogue(settings: Settings) -> Check:
    """Load and lint what is in use."""
    name = "catalogue"
    try:
        catalog = load_catalog(catalog_paths(settings))
    except CatalogError as fault:
        return problem(name, str(fault), "Correct the file, then `chiffon catalog lint`.")
    findings = lint(catalog)
    errors = [found for found in findings if found.severity is Severity.ERROR]
    counted = f"{len(catalog.entries)} entries"
    if errors:
        first = f"{errors[0].where}: {errors[0].message}"
        return problem(name, f"{counted}, {len(errors)} dangerous: {first}", "chiffon catalog lint")
    if findings:
        return warning(name, f"{counted}, {len(findings)} remarks.", "See `chiffon catalog lint`.")
    return ok(name, f"{counted}, nothing to remark.")


async def check_docker() -> Check:
    """Ask the engine, not the client."""
    version = (await docker()).get("docker")
    if version:
        return ok("docker", f"The engine {version} answers.")
    found = "No Docker engine answers: services get their files, and nothing is started."
    return warning("docker", found, "Install Docker, start it, and let this user use it.")


def check_disk(home: Path) -> Check:
    """Look how much space is left where the home is or will be."""
    folder = next(each for each in (home, *home.parents) if each.exists())
    free = shutil.disk_usage(folder).free // 2**20
    found = f"{free:,} MiB are free at {folder}."
    if free < _TOO_LITTLE_MB:
        return problem("disk", found, "Make room, or set CHIFFON_HOME to another folder.")
    if free < _SCARCE_MB:
        return warning("disk", found, "Make room soon.")
    return ok("disk", found)
