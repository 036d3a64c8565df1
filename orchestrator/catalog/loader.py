"""Reads catalogue files, later ones on top of earlier ones."""

import difflib
import json
from collections.abc import Iterator, Sequence
from importlib.resources import files as package_files
from pathlib import Path

from pydantic import JsonValue, ValidationError

from orchestrator.catalog.checks import entry_faults
from orchestrator.catalog.files import actions, hash_files
from orchestrator.catalog.models import (
    Action,
    Capability,
    Catalog,
    CatalogEntry,
    LlmAction,
    Resources,
)
from orchestrator.catalog.yaml_text import YamlDocument, YamlPath, read_yaml
from orchestrator.domain.digest import canonical_hash
from orchestrator.errors import CatalogError
from orchestrator.settings import Settings

MAX_PHRASE = 200
"""Characters of one remembered phrase."""

_TOP_KEYS = ("version", "capabilities", "phrases", "names")
_KNOWN_KEYS = (
    *_TOP_KEYS,
    *Capability.model_fields,
    *Action.model_fields,
    *LlmAction.model_fields,
    *Resources.model_fields,
)


def starter_folder() -> Path:
    """Return the folder of the catalogue that comes with Chiffon."""
    return Path(str(package_files("orchestrator.catalog"))) / "starter"


def catalog_paths(settings: Settings) -> list[Path]:
    """Return what to load: the settings' files or the starter, then the overlay if it exists."""
    paths = [path.expanduser().absolute() for path in settings.catalog] or [starter_folder()]
    if settings.overlay_folder.is_dir():
        paths.append(settings.overlay_folder)
    return paths


def catalog_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files of `paths` in the order in which they are laid on top of each other.

    Of a folder these are its `*.yaml` and `*.yml` by name, without sub-folders.

    Raises:
        CatalogError: a path does not exist.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise CatalogError(f"{path}: there is no such file or folder; correct CHIFFON_CATALOG")
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        chosen = [each for each in inside if each.suffix in {".yaml", ".yml"} and each.is_file()]
        found.update(dict.fromkeys(each.absolute() for each in chosen))
        if not path.is_dir() and not chosen:
            raise CatalogError(f"{path}: is no catalogue file; its name must end in .yaml or .yml")
    return list(found)


def load_catalog(paths: Sequence[Path]) -> Catalog:
    """Read all files of `paths`, later ones on top.

    Raises:
        CatalogError: the first fault, as `file:line: reason; what to do`.
    """
    return load_files(catalog_files(paths))


def load_files(files: Sequence[Path]) -> Catalog:
    """Read these files, later ones on top; remembered phrases join the entries they are of.

    Raises:
        CatalogError: the first fault, as `file:line: reason; what to do`.
    """
    entries: dict[str, CatalogEntry] = {}
    warnings: list[str] = []
    phrases: list[tuple[str, str, list[str]]] = []  # where, of which capability, what
    names: dict[str, tuple[str, ...]] = {}
    for file in files:
        document = read_yaml(file)
        for entry in _entries(document):
            if entry.capability.override and entry.capability.name not in entries:
                warnings.append(f"{entry.source}: `override: true` replaces nothing; delete it")
            _lay_on_top(entries, entry, file)
        for name, listed in _texts(document, "names").items():
            names[name] = tuple(dict.fromkeys([*names.get(name, ()), *listed]))
        for name, said in _texts(document, "phrases").items():
            phrases.append((document.place(("phrases", name)), name, said))
    for place, name, said in phrases:
        if name in entries:
            known = entries[name].phrases
            together = tuple(dict.fromkeys([*known, *said]))
            entries[name] = entries[name].model_copy(update={"phrases": together})
        else:
            warnings.append(f"{place}: `{name}` is no capability; delete or correct its phrases")
    return Catalog(entries=entries, names=names, warnings=tuple(warnings))


def read_entries(file: Path) -> Iterator[CatalogEntry]:
    """Yield each entry of one file.

    Raises:
        CatalogError: the first fault, as `file:line: reason; what to do`.
    """
    yield from _entries(read_yaml(file))


def read_phrases(file: Path) -> dict[str, list[str]]:
    """Return the remembered phrases of one file, by capability.

    Raises:
        CatalogError: the first fault, as `file:line: reason; what to do`.
    """
    return _texts(read_yaml(file), "phrases")


def _entries(document: YamlDocument) -> Iterator[CatalogEntry]:
    for place, value in enumerate(_entry_values(document)):
        yield _entry(document, ("capabilities", place), value)


def _texts(document: YamlDocument, key: str) -> dict[str, list[str]]:
    """Return lists of texts under names: the `phrases` of capabilities, the `names` of things."""
    top = document.value
    given = top.get(key) if isinstance(top, dict) else None
    if given is None:
        return {}
    if not isinstance(given, dict):
        what = "capability" if key == "phrases" else "parameter"
        reason = f"`{key}` must be a mapping; write `{what}: [text, …]`"
        raise _fault(document, (key,), reason)
    found: dict[str, list[str]] = {}
    for name, said in given.items():
        if not isinstance(said, list):
            raise _fault(document, (key, name), f"`{name}` must be a list of texts; write [text]")
        places = enumerate(said)
        found[name] = [_one_text(document, (key, name, place), each) for place, each in places]
    return found


def _one_text(document: YamlDocument, path: YamlPath, value: JsonValue) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_PHRASE:
        reason = f"it must be a text of 1 to {MAX_PHRASE} characters; correct or delete it"
        raise _fault(document, path, reason)
    return value


def _lay_on_top(entries: dict[str, CatalogEntry], entry: CatalogEntry, file: Path) -> None:
    name = entry.capability.name
    below = entries.get(name)
    if below is not None:
        twice = f"{entry.source}: `{name}` is already declared at {below.source}"
        if below.source.rpartition(":")[0] == str(file):
            raise CatalogError(f"{twice}; delete or rename one of them")
        if not entry.capability.override:
            raise CatalogError(f"{twice}; add `override: true` to replace it, or rename it")
    entries[name] = entry


def _entry_values(document: YamlDocument) -> list[JsonValue]:
    top = document.value
    if not isinstance(top, dict):
        reason = "must be a mapping; write `version: 1` and `capabilities:`"
        raise CatalogError(f"{document.place()}: {reason}")
    for key in top:
        if key not in _TOP_KEYS:
            raise _fault(document, (key,), _unknown_key(key))
    version = top.get("version")
    if isinstance(version, bool) or version != 1:
        raise _fault(document, ("version",), "`version` must be 1; write `version: 1`")
    values = top.get("capabilities")
    if values is None and (top.get("phrases") or top.get("names")):
        return []
    if values in (None, []):
        reason = "`capabilities` is empty; add an entry or delete the file"
        raise _fault(document, ("capabilities",), reason)
    if not isinstance(values, list):
        reason = "`capabilities` must be a list; start each entry with `- name:`"
        raise _fault(document, ("capabilities",), reason)
    return values


def _entry(document: YamlDocument, path: YamlPath, value: JsonValue) -> CatalogEntry:
    capability = _capability(document, path, value)
    for inner, reason in entry_faults(capability):
        raise _fault(document, (*path, *inner), f"{capability.name}: {reason}")
    folder = document.file.parent
    hashes: dict[str, str] = {}
    for name, action in actions(capability):
        try:
            hashes.update(hash_files(action, folder))
        except CatalogError as fault:
            where = (*path, name, "files")
            raise _fault(document, where, f"{capability.name}: {fault}") from fault
    return CatalogEntry(
        capability=capability,
        source=document.place(path),
        folder=str(folder),
        entry_hash=entry_hash(capability),
        file_hashes=hashes,
    )


def entry_hash(capability: Capability) -> str:
    """Return the SHA-256 of an entry in RFC 8785 form, without `override`.

    What equals its default is left out, so that a key added by a later version changes nothing.
    """
    plain = capability.model_dump(mode="json", exclude={"override"}, exclude_defaults=True)
    return canonical_hash(plain)


def _capability(document: YamlDocument, path: YamlPath, value: JsonValue) -> Capability:
    try:
        # By way of JSON: strict about types, and lists still make tuples.
        return Capability.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        where = (*path, *first["loc"])
        raise _fault(document, where, _sentence(first["type"], where, first["msg"])) from fault


def _sentence(kind: str, where: YamlPath, message: str) -> str:
    key = str(where[-1])
    if kind == "extra_forbidden":
        return _unknown_key(key)
    if kind == "missing":
        return f"`{key}` is missing; add it"
    if kind == "bool_type":
        return f"`{key}` must be true or false; write one of them, without quotes"
    named = f"`{key}`" if isinstance(where[-1], str) else "the entry"
    return f"{named}: {message[:1].lower()}{message[1:]}; correct it"


def _unknown_key(key: str) -> str:
    near = difflib.get_close_matches(key, _KNOWN_KEYS, n=1)
    advice = f"did you mean `{near[0]}`?" if near else "delete it or correct its spelling"
    return f"the key `{key}` is not known; {advice}"


def _fault(document: YamlDocument, path: YamlPath, reason: str) -> CatalogError:
    return CatalogError(f"{document.place(path)}: {reason}")
