"""portals.yaml: the pages and services that people want watched. People own it, we only read it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from agent.homelab.failure import Failure
from agent.homelab.files import write_once
from agent.homelab.places import Homelab
from agent.homelab.template import PORTALS

MONITORED_BY = "uptime-kuma"
MAX_BYTES = 1_000_000
MAX_PORTALS = 1_000
MAX_DEPTH = 8

_OPENING = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


class Portal(BaseModel):
    """One thing to watch; `interval` is the seconds between checks (Kuma takes 20 at least)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=100)
    url: str = Field(min_length=1, max_length=2_000)
    interval: int = Field(default=60, ge=20, le=86_400)

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https", "tcp"} or not parts.hostname:
            raise ValueError("url must begin with http://, https:// or tcp:// and name a host")
        if parts.scheme == "tcp" and parts.port is None:
            raise ValueError("a tcp:// url needs a port, as in tcp://mqtt.lan:1883")
        return url

    @property
    def slug(self) -> str:
        """Return the name as file names carry it."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.casefold()).strip("-")


def seed(home: Homelab) -> bool:
    """Write the file with examples if there is none; say whether it was written."""
    return write_once(home.portals, PORTALS.read_bytes())


def read(home: Homelab) -> list[Portal]:
    """Read the portals.

    Raises:
        Failure: the file is broken; the sentence names the line.

    """
    root = _tree(home)
    if root is None:
        return []
    items = _items(home, root)
    found = [_portal(home, node) for node in items]
    seen: dict[str, int] = {}
    for portal, node in zip(found, items, strict=True):
        line = node.start_mark.line + 1
        if not portal.slug:
            raise _broken(home, line, f"the name “{portal.name}” has no letter or digit")
        if portal.slug in seen:
            raise _broken(
                home, line, f"“{portal.name}” is there already, in line {seen[portal.slug]}"
            )
        seen[portal.slug] = line
    return found


def _tree(home: Homelab) -> yaml.Node | None:
    content = home.portals.read_bytes()
    if len(content) > MAX_BYTES:
        raise Failure(f"{home.portals} is larger than {MAX_BYTES} bytes; make it shorter.")
    try:
        _refuse_bombs(home, content)
        return yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _broken(
            home, mark.line + 1 if mark else 1, error.problem or "no valid YAML"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise _broken(home, 1, "it is no UTF-8 text that YAML can read") from None


def _refuse_bombs(home: Homelab, content: bytes) -> None:
    """Refuse aliases and deep nesting while reading, before anything is built of them."""
    depth = 0
    for token in yaml.scan(content, Loader=yaml.SafeLoader):
        line = token.start_mark.line + 1
        if isinstance(token, yaml.AliasToken):
            raise _broken(home, line, "it uses a YAML alias (*name); write the entry out")
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > MAX_DEPTH:
            raise _broken(home, line, "it is nested too deeply")


def _items(home: Homelab, root: yaml.Node) -> list[yaml.Node]:
    """Return the nodes of the entries below `portals:`."""
    if not isinstance(root, yaml.MappingNode):
        raise _broken(home, root.start_mark.line + 1, "it must begin with “portals:”")
    entries = {key.value: (key, value) for key, value in root.value if isinstance(key.value, str)}
    for name, (key, _) in entries.items():
        if name != "portals":
            raise _broken(home, key.start_mark.line + 1, f"“{name}” is unknown; only “portals” is")
    if "portals" not in entries:
        raise _broken(home, 1, "it must begin with “portals:”")
    node = entries["portals"][1]
    if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null"):
        return []
    if not isinstance(node, yaml.SequenceNode):
        raise _broken(
            home, node.start_mark.line + 1, "below “portals:” must be a list of “- name: …”"
        )
    if len(node.value) > MAX_PORTALS:
        raise Failure(f"{home.portals} names more than {MAX_PORTALS} portals; take some out.")
    return list(node.value)


def _portal(home: Homelab, node: yaml.Node) -> Portal:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        raise _broken(home, line, "an entry must be “name: …” and “url: …”")
    try:
        return Portal.model_validate(yaml.safe_load(yaml.serialize(node)))
    except yaml.MarkedYAMLError as error:
        raise _broken(home, line, error.problem or "no valid YAML") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise _broken(home, line, f"{where}: {reason}") from None


def _broken(home: Homelab, line: int, reason: str) -> Failure:
    return Failure(f"{home.portals}, line {line}: {reason}; correct it, then try again.")
