"""Keeps phrases that people used, as examples in the overlay: `remembered.yaml`, never the starter.

The file is replaced whole, and only by one with which the whole catalogue loads and in which the
phrase reads as it was said: no phrase can break it, and a reader sees the old or the new one.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml
from filelock import FileLock, Timeout

from orchestrator.catalog.loader import MAX_PHRASE, catalog_files, load_files, read_phrases
from orchestrator.catalog.models import Catalog
from orchestrator.domain.text import hidden_character
from orchestrator.errors import CatalogError

FILE_NAME = "remembered.yaml"
MAX_PHRASES = 500
"""Of one capability; more would make it mean anything."""

_LOCK_SECONDS = 5.0
_HEAD = "# Phrases that approvers had remembered; each is one more example of its capability.\n"


class RememberedPhrases:
    """The phrases file of one overlay folder."""

    def __init__(self, folder: Path, paths: Callable[[], Sequence[Path]]) -> None:
        """Take the overlay folder, and what names the catalogue's files and folders."""
        self._file = folder / FILE_NAME
        self._paths = paths

    def add(self, capability: str, phrase: str) -> Catalog:
        """Remember `phrase` as an example of `capability`; return the catalogue with it.

        Nothing is written where it is known already. Blocks for as long as the disk takes.

        Raises:
            CatalogError: it is no phrase, there is no such capability, the file is full or
                cannot be written, or the catalogue would not load with it.
        """
        if reason := unfit(phrase):
            raise CatalogError(reason)
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self._file.with_suffix(".lock"), timeout=_LOCK_SECONDS):
                return self._add(capability, phrase)
        except Timeout as fault:
            raise CatalogError(f"{self._file} is being written; try again") from fault
        except OSError as fault:
            raise CatalogError(f"{self._file} cannot be written ({fault.strerror})") from fault

    def _add(self, capability: str, phrase: str) -> Catalog:
        known = read_phrases(self._file) if self._file.exists() else {}
        said = known.setdefault(capability, [])
        if phrase in said:
            return load_files(self._files_with(self._file))
        if len(said) >= MAX_PHRASES:
            raise CatalogError(f"{capability} has {MAX_PHRASES} remembered phrases; delete some")
        said.append(phrase)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=self._file.parent, prefix=".remembered-", delete=False
        ) as draft:
            path = Path(draft.name)
            try:
                draft.write(_HEAD + _as_yaml(known))
                draft.flush()
                os.fsync(draft.fileno())
                path.chmod(0o644)  # agents under other names read the same folder
                catalog = self._checked(path, capability, phrase)
                path.replace(self._file)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        return catalog

    def _checked(self, draft: Path, capability: str, phrase: str) -> Catalog:
        """Load the catalogue as it will be."""
        catalog = load_files(self._files_with(draft))
        entry = catalog.get(capability)
        if entry is None:
            raise CatalogError(f"the catalogue has no capability `{capability}`")
        if phrase not in entry.phrases:
            raise CatalogError("the phrase would not be read as it was said")
        return catalog

    def _files_with(self, draft: Path) -> list[Path]:
        """Return the catalogue's files with `draft` in the place of the phrases file."""
        own = self._file.absolute()
        return [each for each in catalog_files(self._paths()) if each != own] + [draft]


def unfit(phrase: str) -> str | None:
    """Say why a text is no phrase to remember; None: it is one."""
    if not phrase.strip() or len(phrase) > MAX_PHRASE:
        return f"A phrase has 1 to {MAX_PHRASE} characters."
    if "\n" in phrase or hidden_character(phrase, allow_emoji_joiners=True):
        return "A phrase is one line without hidden characters."
    return None


def _as_yaml(phrases: dict[str, list[str]]) -> str:
    content = {"version": 1, "phrases": {name: phrases[name] for name in sorted(phrases)}}
    dumped: str = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=10_000)
    return dumped
