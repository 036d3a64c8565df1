"""The Slack app's manifest: what it asks for, and the link that creates the app from it."""

from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import quote

import yaml

_CREATE = "https://api.slack.com/apps?new_app=1&manifest_yaml="


@dataclass(frozen=True)
class Manifest:
    """One of the two manifests."""

    name: str
    text: str

    @property
    def scopes(self) -> frozenset[str]:
        """What the bot may do in the workspace."""
        return frozenset(yaml.safe_load(self.text)["oauth_config"]["scopes"]["bot"])

    @property
    def create_link(self) -> str:
        """The address that opens Slack's form for a new app, filled in."""
        lines = self.text.splitlines(keepends=True)
        return _CREATE + quote("".join(each for each in lines if not each.startswith("#")))


def load_manifest(*, agent: bool = False) -> Manifest:
    """Return the manifest with the fewest scopes, or the one with the agent view."""
    name = "manifest.agent.yml" if agent else "manifest.yml"
    return Manifest(name, files("bot").joinpath(name).read_text(encoding="utf-8"))
