"""The services that can be deployed: one folder of templates/ each."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.homelab.failure import Failure
from agent.homelab.places import Homelab

FOLDER = Path(__file__).parent / "templates"
PORTALS = FOLDER / "portals.yaml"
_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Check(BaseModel):
    """Where a service answers; the host is BIND_ADDRESS of its .env."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scheme: Literal["http", "https", "tcp"]
    port: int = Field(ge=1, le=65535)
    path: str = "/"


class About(BaseModel):
    """The `x-chiffon` part of a compose file; Compose itself ignores it.

    `folders` are made beside the compose file, `secrets` are names in .env that get a
    generated value, `notes` are what a person must still do.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    aliases: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    check: Check | None = None
    notes: tuple[str, ...] = ()


class Template(BaseModel):
    """What deploying one service writes."""

    model_config = ConfigDict(frozen=True)

    name: str
    about: About
    compose: bytes
    seeds: dict[str, bytes]
    """Further files by their path below the service's folder; written once."""


def names() -> list[str]:
    """Return the names of all templates, in order."""
    return sorted(path.parent.name for path in FOLDER.glob("*/compose.yaml"))


@cache
def load(name: str) -> Template:
    """Read one template.

    Raises:
        Failure: there is no template of that name.

    """
    if name not in names():
        message = f"There is no template for “{name}”; there is: {', '.join(names())}."
        raise Failure(message)
    folder = FOLDER / name
    compose = (folder / "compose.yaml").read_bytes()
    return Template(
        name=name,
        about=about(compose) or About(title=name),
        compose=compose,
        seeds={
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != "compose.yaml"
        },
    )


def about(compose: bytes) -> About | None:
    """Read the `x-chiffon` part; None where it is missing or a person has broken it."""
    try:
        document = yaml.load(compose, _LOADER)  # noqa: S506 - both are safe loaders
        return About.model_validate(document["x-chiffon"])
    except (yaml.YAMLError, ValidationError, KeyError, TypeError, UnicodeDecodeError):
        return None


def about_installed(home: Homelab, name: str) -> About:
    """Return what an installed service says of itself, else its template, else its bare name."""
    path = home.service(name) / "compose.yaml"
    found = about(path.read_bytes()) if path.is_file() else None
    if found is None and name in names():
        return load(name).about
    return found or About(title=name)


def resolve(home: Homelab, words: str, *, installed: bool = True) -> str:
    """Turn a service as people write it (“Home Assistant”, “kuma”) into its one name.

    Raises:
        Failure: nothing, or more than one thing, goes by those words, or it is not installed.

    """
    slug = re.sub(r"[\s_.]+", "-", words.strip().casefold())
    here = home.installed()
    known = [name for name in sorted({*names(), *here}) if slug in _called(home, name)]
    exact = [slug] if slug in {*names(), *here} else known
    if len(exact) == 1 and (exact[0] in here or not installed):
        return exact[0]
    if len(exact) == 1:
        message = f"{exact[0]} is not in the homelab; deploy it first. {_listed(here)}"
    elif exact:
        message = f"“{words}” may be {' or '.join(exact)}; say which."
    else:
        message = f"No service is called “{words}”. {_listed(here)}"
    raise Failure(message)


def _called(home: Homelab, name: str) -> set[str]:
    """Return every slug that a service goes by."""
    here = about_installed(home, name)
    return {
        name,
        *(re.sub(r"[\s_.]+", "-", alias.casefold()) for alias in (here.title, *here.aliases)),
    }


def _listed(here: list[str]) -> str:
    return f"In the homelab: {', '.join(here)}." if here else "The homelab has no service yet."
