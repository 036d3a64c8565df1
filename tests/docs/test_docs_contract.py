"""`docs/contract.md` says what the code does, wherever that can be looked up."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from typer.core import TyperGroup

from bot.cli.commands import COMMANDS, program
from bot.settings import SlackSettings
from orchestrator.api.app import build_app
from orchestrator.api.problems import STATUS_OF
from orchestrator.bootstrap import build_context
from orchestrator.catalog.models import Catalog
from orchestrator.domain.conversation import CardList
from orchestrator.domain.views import DispatchedTask, Result
from orchestrator.protocol import Envelope, Payload
from orchestrator.service import OrchestratorService
from orchestrator.settings import Settings
from orchestrator.store.tables import metadata
from orchestrator.store.unit_of_work import Store

_TEXT = (Path(__file__).parents[2] / "docs" / "contract.md").read_text(encoding="utf-8")


def _section(heading: str) -> str:
    found = _TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert found, f"docs/contract.md has no heading '## {heading}'"
    return found


def _rows(heading: str) -> dict[str, list[str]]:
    """Return the cells after the first of each row, by the first one's text without backticks."""
    lines = [line for line in _section(heading).splitlines() if line.startswith("| `")]
    split = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return {cells[0].strip("`"): cells[1:] for cells in split}


def _named(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", text))


def test_every_method_of_the_service_is_listed_with_what_it_returns() -> None:
    rows = _rows("The service")
    for name, method in inspect.getmembers(OrchestratorService, inspect.isfunction):
        if not name.startswith("_"):
            answer = inspect.get_annotations(method)["return"]
            said = f"`{answer.__name__}`" if inspect.isclass(answer) and _is_result(answer) else ""
            assert (name, rows[name][0]) == (name, said or "a dict")


def _is_result(answer: type[object]) -> bool:
    return issubclass(answer, Result)


@pytest.mark.parametrize("answer", Result.__subclasses__(), ids=lambda each: each.__name__)
def test_every_field_of_an_answer_is_listed(answer: type[BaseModel]) -> None:
    if answer.__module__ not in {Result.__module__, CardList.__module__}:
        pytest.fail(f"{answer} is an answer of another room; look for where it is told")
    cell = _rows("The service")[answer.__name__][0]
    fields = set(answer.model_fields) - {"error"}
    inner = set(DispatchedTask.model_fields) | {"dispatched", "dispatch_failed"}
    assert fields <= _named(cell)
    assert _named(cell) - fields <= (inner if answer.__name__ == "DispatchResult" else set())


def test_every_error_has_its_status() -> None:
    said = {code: cells[0] for code, cells in _rows("Errors").items()}
    assert said == {code.value: str(status) for code, status in STATUS_OF.items()}


def test_every_table_is_listed_and_no_other() -> None:
    assert set(_rows("Tables")) == set(metadata.tables)


def test_every_setting_is_listed_with_its_default() -> None:
    rows = _rows("Settings")
    assert set(rows) == {f"CHIFFON_{name.upper()}" for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        if field.default not in {PydanticUndefined, None, ()}:
            said = rows[f"CHIFFON_{name.upper()}"][0]
            assert (name, said) == (name, f"`{field.default}`")


def test_every_setting_of_the_bot_is_named() -> None:
    named = set(re.findall(r"`((?:SLACK|CHIFFON)_\w+)`", _section("Settings")))
    assert {str(field.validation_alias) for field in SlackSettings.model_fields.values()} <= named


def test_no_setting_is_both_read_and_said_to_be_unread() -> None:
    unread = set(re.findall(r"`(CHIFFON_\w+)`", _section("Not built yet")))
    assert unread
    assert unread.isdisjoint(f"CHIFFON_{name.upper()}" for name in Settings.model_fields)


def test_every_message_is_listed_with_its_fields() -> None:
    rows = _rows("The wire")
    assert set(rows) == {model.TYPE for model in Payload.__subclasses__()}
    for model in Payload.__subclasses__():
        missing = set(model.model_fields) - _named(rows[model.TYPE][1])
        assert (model.TYPE, missing) == (model.TYPE, set())
    assert set(Envelope.model_fields) <= _named(_section("The wire"))


@pytest.fixture
async def document(tmp_path: Path) -> dict[str, Any]:
    """Return the OpenAPI document of the real application; its database is never opened."""
    settings = Settings(home=tmp_path)
    context = build_context(settings, Store(settings.resolved_database_url), Catalog)
    return build_app(OrchestratorService(context), token="made-up", settings=settings).openapi()


def test_every_call_is_listed_with_its_statuses(document: dict[str, Any]) -> None:
    told = {call: cells[-1] for call, cells in _rows("REST").items()}
    offered = {
        f"{method.upper()} {path}": " ".join(
            sorted(status for status in operation["responses"] if status.isdecimal())
        )
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert told == offered


def test_every_command_is_listed_and_no_other() -> None:
    found = set(_commands(typer.main.get_command(program(COMMANDS)), "chiffon"))
    rows = [line.split("`")[1] for line in _section("Command line").splitlines() if "| `" in line]
    listed = {re.match(r"chiffon(?: [a-z]+)+", row)[0] for row in rows}  # type: ignore[index]
    assert listed == found


def _commands(command: Any, name: str) -> list[str]:  # noqa: ANN401 - typer types it loosely
    if not isinstance(command, TyperGroup):
        return [name]
    return [
        leaf
        for child, inner in command.commands.items()
        for leaf in _commands(inner, f"{name} {child}")
    ]
