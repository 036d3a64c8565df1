"""The catalogue as it is now: valid edits are taken up without a restart."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from orchestrator.catalog.files import Reference, content_hash, references
from orchestrator.catalog.loader import catalog_files, catalog_paths, load_catalog
from orchestrator.catalog.models import Catalog
from orchestrator.errors import CatalogError
from orchestrator.settings import Settings

_log = structlog.get_logger(__name__)
_RETRY_SECONDS = 1.0
_READINGS = 3


class LiveCatalog:
    """Reads the files again when one of them, or a script that they run, has changed.

    An invalid edit changes nothing: the last valid catalogue stays, `problem` says why.
    """

    def __init__(
        self,
        paths: Sequence[Path] | Callable[[], Sequence[Path]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Load at once.

        Args:
            paths: files and folders, or what names them anew at each look.
            clock: seconds; how often a broken catalogue is tried again depends on it.

        Raises:
            CatalogError: the catalogue is invalid.
        """
        self._paths = paths if callable(paths) else lambda: paths
        self._clock = clock
        self.problem: str | None = None
        self._retry_at = 0.0
        self._watched: tuple[Reference, ...] = ()
        self._signature: dict[str, str] = {}
        self._catalog = self._load()

    @classmethod
    def from_settings(cls, settings: Settings) -> "LiveCatalog":
        """Follow the settings' catalogue; an overlay folder made later is seen too.

        Raises:
            CatalogError: the catalogue is invalid.
        """
        return cls(lambda: catalog_paths(settings))

    def current(self) -> Catalog:
        """Return the newest valid catalogue; a few `stat` calls where nothing changed."""
        seen = self._look()
        if seen != self._signature or (self.problem and self._clock() >= self._retry_at):
            self._take_up(seen)
        return self._catalog

    def _take_up(self, seen: dict[str, str]) -> None:
        self._retry_at = self._clock() + _RETRY_SECONDS
        try:
            newest = self._load()
        except CatalogError as fault:
            self._signature = seen
            if str(fault) != self.problem:
                _log.warning("catalogue_invalid", reason=str(fault), kept="the last valid one")
            self.problem = str(fault)
            return
        self.problem = None
        if newest != self._catalog:  # else the old object stays, and all that is kept by it
            self._catalog = newest
            _log.info("catalogue_loaded", capabilities=len(newest.entries))

    def _load(self) -> Catalog:
        """Read until nothing moved meanwhile; else the next look reads once more."""
        catalog = Catalog()
        for _ in range(_READINGS):
            before = self._look()
            catalog = load_catalog(self._paths())
            self._watched = _watched(catalog)
            self._signature = before
            if self._look() == before:
                break
        return catalog

    def _look(self) -> dict[str, str]:
        """Return the content hash of every file in play; unchanged files are not read."""
        try:
            files = catalog_files(self._paths())
        except CatalogError as fault:
            return {"": str(fault)}
        seen = {str(file): _hash_or_reason(file) for file in files}
        for reference in self._watched:
            try:
                paths = reference.paths()
            except CatalogError as fault:
                seen[reference.text] = str(fault)
                continue
            seen.update({str(path): _hash_or_reason(path) for path in paths.values()})
        return seen


def _watched(catalog: Catalog) -> tuple[Reference, ...]:
    found = (
        reference
        for entry in catalog.entries.values()
        for reference in references(entry.capability, entry.folder)
    )
    return tuple(dict.fromkeys(found))


def _hash_or_reason(path: Path) -> str:
    try:
        return content_hash(path)
    except OSError as fault:
        return str(fault)
