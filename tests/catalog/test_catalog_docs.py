"""The documentation says what the code does."""

import re
from collections.abc import Callable
from pathlib import Path

from jsonschema import Draft202012Validator

from orchestrator.catalog.lint import lint
from orchestrator.catalog.loader import load_catalog
from orchestrator.catalog.models import Capability, Resources
from orchestrator.catalog.parameters import check_parameters
from orchestrator.catalog.template import render_argv, render_target, render_title

Write = Callable[..., Path]
DOCS = Path(__file__).parents[2] / "docs" / "catalogue.md"


def test_every_key_is_explained() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert [key for key in Capability.model_fields if f"`{key}`" not in text] == []
    assert [key for key in Resources.model_fields if f"`{key}`" not in text] == []


def test_the_example_loads_and_does_what_is_said(write: Write) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    catalog = load_catalog([write("docs.yaml", "".join(blocks))])
    assert lint(catalog) == []
    entry = catalog.entries["renew_certificate"]
    capability = entry.capability
    parameters = check_parameters(capability, {"domain": "example.org"})
    assert render_title(capability, parameters) == "Renew the certificate of example.org"
    assert render_target(capability, parameters) is None
    assert capability.run is not None
    assert capability.run.command is not None
    argv = render_argv(capability.run.command, parameters, capability.parameters, entry.folder)
    assert argv == ["certbot", "renew", "--cert-name=example.org", "--days=30"]


def test_the_formats_that_are_said_to_be_checked_are() -> None:
    listed = re.search(r"Formats that are checked: ([^;]*);", DOCS.read_text(encoding="utf-8"))
    assert listed is not None
    names = set(re.findall(r"`([a-z0-9-]+)`", listed[1]))
    assert names <= set(Draft202012Validator.FORMAT_CHECKER.checkers)
