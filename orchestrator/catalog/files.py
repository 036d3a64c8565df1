"""Hashes of the files that an entry runs: a changed script is not what was approved."""

import glob
import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

from orchestrator.catalog.models import Action, Capability, CatalogEntry
from orchestrator.catalog.template import placeholders
from orchestrator.domain.digest import entry_digest
from orchestrator.errors import CatalogError

PACKAGE = "package:"
# A file touched so recently may change again without its times showing it (coarse clocks):
# until then its content is read anew each time.
_SETTLED_NS = 2_000_000_000
_PROGRAMS = frozenset({".sh", ".bash", ".py", ".pl", ".rb", ".js", ".lua", ".php", ".yml", ".yaml"})


@dataclass(frozen=True)
class Reference:
    """A text of an entry that names files: a command's argument or a line of `files`."""

    folder: str
    text: str
    required: bool  # a line of `files` must exist; an argument need not be a file
    program: bool = False  # the first word of a command

    def paths(self) -> dict[str, Path]:
        """Return the files by the name under which they are hashed.

        Raises:
            CatalogError: it must name a file and names none.
        """
        if not self.required:
            path = os.path.join(self.folder, self.text)  # noqa: PTH118
            return {self.text: Path(path)} if self._is_run(path) else {}
        if self.text.startswith(PACKAGE):
            return _package_files(self.text.removeprefix(PACKAGE))
        return self._matches()

    def _is_run(self, path: str) -> bool:
        """Say whether an argument names a file that is run, and not one that is worked on.

        What lies with the catalogue belongs to the entry. A path elsewhere is hashed only where
        it looks like a program: a command's own output must not make it "changed".
        """
        if not os.path.isfile(path):  # noqa: PTH113
            return False
        elsewhere = os.path.isabs(self.text)  # noqa: PTH117
        return self.program or not elsewhere or _looks_like_a_program(Path(path))

    def _matches(self) -> dict[str, Path]:
        names = glob.glob(self.text, root_dir=self.folder, recursive=True, include_hidden=True)  # noqa: PTH207
        found = {Path(name).as_posix(): Path(self.folder, name) for name in sorted(names)}
        files = {name: path for name, path in found.items() if _counts(path)}
        if not files:
            reason = f"`{self.text}` names no file in {self.folder}; correct it or add the file"
            raise CatalogError(reason)
        return files


def _looks_like_a_program(path: Path) -> bool:
    if path.suffix in _PROGRAMS or os.access(path, os.X_OK):
        return True
    try:
        with path.open("rb") as stream:
            return stream.read(2) == b"#!"
    except OSError:
        return False


def actions(capability: Capability) -> Iterator[tuple[str, Action]]:
    """Yield the actions that `capability` has, with the key of each."""
    for name in ("run", "preview", "verify", "undo"):
        action = getattr(capability, name)
        if isinstance(action, Action):
            yield name, action


def action_references(action: Action, folder: Path | str) -> Iterator[Reference]:
    """Yield every text of `action` that names files or may do so."""
    for place, argument in enumerate(action.command or ()):
        if argument and not placeholders(argument):
            yield Reference(str(folder), argument, required=False, program=place == 0)
    for text in action.files:
        # A package lies where Python finds it: equal for every entry that names it.
        at = "" if text.startswith(PACKAGE) else str(folder)
        yield Reference(at, text, required=True)


def references(capability: Capability, folder: Path | str) -> Iterator[Reference]:
    """Yield what `action_references` yields, over all actions of `capability`."""
    for _, action in actions(capability):
        yield from action_references(action, folder)


def hash_files(action: Action, folder: Path | str) -> dict[str, str]:
    """Return the SHA-256 of each file that `action` runs, by its name in the entry.

    Raises:
        CatalogError: a line of `files` names nothing, or a file cannot be read.
    """
    return _hashes(action_references(action, folder))


def hash_capability(capability: Capability, folder: Path | str) -> dict[str, str]:
    """Return what `hash_files` returns, over all actions of `capability`.

    Raises:
        CatalogError: as `hash_files`.
    """
    return _hashes(references(capability, folder))


def current_digest(entry: CatalogEntry) -> str:
    """Return the digest of `entry` with its files as they are now.

    Equal to `entry.digest` as long as no file changed; a missing file changes it too.
    """
    try:
        hashes = hash_capability(entry.capability, entry.folder)
    except CatalogError as fault:
        hashes = {"": str(fault)}
    return entry_digest(entry.entry_hash, hashes)


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file; one `stat` where it was hashed before and did not change.

    Raises:
        OSError: it cannot be read.
    """
    status = path.stat()
    changed = max(status.st_mtime_ns, status.st_ctime_ns)
    if time.time_ns() - changed < _SETTLED_NS:
        return _sha256(path)
    # `st_ctime_ns` cannot be set back by hand, as `st_mtime_ns` can.
    key = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
    return _settled_sha256(str(path), key)


def _hashes(found: Iterator[Reference]) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for reference in dict.fromkeys(found):
        for name, path in reference.paths().items():
            try:
                hashes[name] = content_hash(path)
            except OSError as fault:
                reason = f"`{name}` cannot be read ({fault.strerror}); correct its permissions"
                raise CatalogError(reason) from fault
    return hashes


@lru_cache(maxsize=4096)
def _settled_sha256(path: str, _key: tuple[int, ...]) -> str:
    return _sha256(Path(path))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _package_files(name: str) -> dict[str, Path]:
    spec = _package_spec(name)
    if spec is None or not (spec.origin or spec.submodule_search_locations):
        raise CatalogError(
            f"package `{name}` is not installed here; install it or correct the name"
        )
    if not spec.submodule_search_locations:
        origin = Path(str(spec.origin))
        return {f"{PACKAGE}{name}/{origin.name}": origin}
    return {
        f"{PACKAGE}{name}/{inside}": Path(root, inside)
        for root in spec.submodule_search_locations
        for inside in sorted(_walk(root))
    }


def _walk(root: str) -> Iterator[str]:
    """Yield where every file below `root` lies in it, but compiled ones, with `/` between.

    Texts, since it is asked at each look at the catalogue: paths would take three times as long.
    """
    for folder, inner, names in os.walk(root):
        inner[:] = [name for name in inner if name != "__pycache__"]
        inside = folder[len(root) :].lstrip(os.sep).replace(os.sep, "/")
        yield from (f"{inside}/{name}" if inside else name for name in names)


def _package_spec(name: str) -> ModuleSpec | None:
    """Find a package without importing it, nor the packages that it lies in."""
    top, *parts = name.split(".")
    try:
        spec = find_spec(top) if top else None
    except ValueError:  # a module that was not imported from a file, as `__main__`
        return None
    for end in range(1, len(parts) + 1):
        if spec is None or spec.submodule_search_locations is None:
            return None
        inner = ".".join([top, *parts[:end]])
        spec = PathFinder.find_spec(inner, list(spec.submodule_search_locations))
    return spec


def _counts(path: Path) -> bool:
    return "__pycache__" not in path.parts and path.is_file()
