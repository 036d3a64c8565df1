"""`chiffon understand`: what the embedded engine makes of a text. Needs no running Chiffon."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from rich.console import Console
from rich.text import Text

from orchestrator.catalog.loader import catalog_paths, load_catalog
from orchestrator.catalog.models import Catalog
from orchestrator.cli.place import settings_here
from orchestrator.domain.request import CANNOT_WAIT, Ambiguity, DecomposedRequest, Subtask
from orchestrator.domain.text import MAX_REQUEST_CHARACTERS, hidden_character, normalise
from orchestrator.errors import CatalogError, SettingsError
from orchestrator.nlu.decomposer import understand as read_request


class _Line(BaseModel):
    """One line of `--jsonl` input; other keys are left alone."""

    model_config = ConfigDict(extra="ignore", strict=True)

    id: str | int
    text: str


def understand(
    text: Annotated[str | None, typer.Argument(help="The request, in quotes.")] = None,
    *,
    catalog: Annotated[
        list[Path] | None,
        typer.Option(help="File or folder to use instead of the configured catalogue; repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    jsonl: Annotated[
        bool,
        typer.Option("--jsonl", help='Read {"id", "text"} lines, write one JSON line for each.'),
    ] = False,
) -> None:
    """Show which steps a request would become, without asking anything of a running Chiffon.

    Exit status 1 when the catalogue, the text or one of the lines cannot be used.
    """
    if jsonl == (text is not None):
        raise typer.BadParameter("give either a TEXT or --jsonl")
    known = _catalogue(catalog)
    if jsonl:
        if not _answer_lines(known, sys.stdin.buffer):
            raise typer.Exit(1)
        return
    found = _read(known, text or "")
    if isinstance(found, str):
        _refuse(found)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        _print(found)


def _catalogue(paths: list[Path] | None) -> Catalog:
    try:
        return load_catalog(paths or catalog_paths(settings_here()))
    except (CatalogError, SettingsError) as fault:
        _refuse(str(fault))


def _refuse(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)


def _read(catalog: Catalog, text: str) -> DecomposedRequest | str:
    """Return what was understood, or one sentence that says why the text cannot be used."""
    plain = normalise(text)
    if not plain:
        return "The request is empty. Say what should be done."
    if len(plain) > MAX_REQUEST_CHARACTERS:
        limit = f"at most {MAX_REQUEST_CHARACTERS:,} are read"
        return f"The request has {len(plain):,} characters; {limit}. Shorten it."
    if hidden := hidden_character(plain, allow_emoji_joiners=True):
        return f"The request holds the hidden character {hidden}. Type it again without."
    return read_request(plain, catalog)


# --- lines ---


def _answer_lines(catalog: Catalog, lines: Iterable[bytes]) -> bool:
    """Write one answer for each line as it comes; return whether every line could be used."""
    good = True
    for line in lines:
        answer = _answer(catalog, line)
        good = good and "error" not in answer
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    return good


def _answer(catalog: Catalog, line: bytes) -> dict[str, JsonValue]:
    try:
        asked = _Line.model_validate_json(line)
    except ValidationError as fault:
        return {"id": _id_of(line), "error": _why(fault)}
    found = _read(catalog, asked.text)
    if isinstance(found, str):
        return {"id": asked.id, "error": found}
    return {
        "id": asked.id,
        "subtasks": [
            {"intent": subtask.intent, "parameters": subtask.parameters}
            for subtask in found.subtasks
        ],
        "ambiguities": [one.model_dump(mode="json") for one in found.ambiguities],
        "out_of_scope": [*found.out_of_scope],
        **({"deferred": [*found.deferred]} if found.deferred else {}),
        "complexity": found.complexity_level.value,
    }


def _id_of(line: bytes) -> JsonValue:
    """Return the id of a line that is not usable, where it has one."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    found = content.get("id") if isinstance(content, dict) else None
    return found if isinstance(found, str | int) else None


def _why(fault: ValidationError) -> str:
    first = fault.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    wanted = 'Each line is a JSON object like {"id": "1", "text": "restart nginx"}.'
    return f"{where + ': ' if where else ''}{first['msg']}. {wanted}"


# --- for people ---


def _print(found: DecomposedRequest) -> None:
    console = Console()
    for line in _readable(found):
        console.print(Text(line), soft_wrap=True)


def _readable(found: DecomposedRequest) -> Iterator[str]:
    """Yield the understanding in lines."""
    for subtask in found.subtasks:
        yield from _step(subtask)
    for ambiguity in found.ambiguities:
        yield from _question(ambiguity)
    for words in found.out_of_scope:
        why = f"  ({CANNOT_WAIT})" if words in found.deferred else ""
        yield f"Out of scope: \u201c{words}\u201d{why}"
    yield f"Complexity: {found.complexity_level.value}"


def _step(subtask: Subtask) -> Iterator[str]:
    beside = "  (need not wait)" if subtask.concurrent else ""
    yield f"{subtask.order}. {subtask.name}{beside}"
    shown = json.dumps(subtask.parameters, ensure_ascii=False) if subtask.parameters else ""
    yield f"   {subtask.intent} {shown}".rstrip()
    yield f"   from \u201c{subtask.source_words}\u201d, {subtask.confidence:.0%} sure"


def _question(ambiguity: Ambiguity) -> Iterator[str]:
    yield f"? {ambiguity.question}"
    for number, option in enumerate(ambiguity.options, start=1):
        yield f"   {number}) {option}"
