"""The `.env` beside a compose file: who may reach it, and secrets made once and never shown."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from agent.homelab.files import PRIVATE, write_atomic

HEADER = "# Made by Chiffon. What you change here stays; new lines are only ever added.\n"
SECRET_BYTES = 24


def ensure(folder: Path, secret_names: Iterable[str]) -> list[str]:
    """Add what is missing to `.env` (mode 0600); return the names added, never a value."""
    path = folder / ".env"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    wanted = {
        "BIND_ADDRESS": "127.0.0.1",
        "SERVICE_UID": str(os.getuid()),
        "SERVICE_GID": str(os.getgid()),
        **{name: secrets.token_urlsafe(SECRET_BYTES) for name in secret_names},
    }
    missing = {name: value for name, value in wanted.items() if name not in _parsed(text)}
    if missing:
        start = text if text.endswith("\n") else f"{text}\n" if text else HEADER
        added = "".join(f"{name}={value}\n" for name, value in missing.items())
        write_atomic(path, (start + added).encode(), PRIVATE)
    return list(missing)


def read(folder: Path) -> dict[str, str]:
    """Return the names and values of `.env`; nothing where there is none."""
    path = folder / ".env"
    return _parsed(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else {}


def host(folder: Path) -> str:
    """Return the address at which this machine reaches the service."""
    address = read(folder).get("BIND_ADDRESS") or "127.0.0.1"
    return "127.0.0.1" if address == "0.0.0.0" else address  # noqa: S104 - compared, not bound


def without_secrets(folder: Path, text: str) -> str:
    """Return the text with every secret of `.env` taken out by its value."""
    for name, value in read(folder).items():
        if any(word in name for word in ("PASSWORD", "SECRET", "TOKEN", "KEY")) and value:
            text = text.replace(value, f"[{name}]")
    return text


def _parsed(text: str) -> dict[str, str]:
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, sign, value in pairs if sign}
