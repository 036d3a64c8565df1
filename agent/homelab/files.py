"""Writing files so that a crash leaves the old one or the new one, never a half."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

PRIVATE, SHARED = 0o600, 0o644


def write_atomic(path: Path, content: bytes, mode: int = SHARED) -> None:
    """Replace `path` by `content` in one step that survives a power cut.

    The temporary file has a fixed name that begins with a dot, so that one left behind by a
    crash is written over by the next try and is never taken for a real file.

    Raises:
        OSError: the folder is not writable or the disk is full; `path` is then unchanged.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, mode)
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_if_changed(path: Path, content: bytes, mode: int = SHARED) -> bool:
    """Write only when the bytes differ; say whether anything was written."""
    if path.is_file() and path.read_bytes() == content:
        return False
    write_atomic(path, content, mode)
    return True


def write_once(path: Path, content: bytes, mode: int = SHARED) -> bool:
    """Write only when nothing is there; what a person may have changed stays."""
    if path.exists():
        return False
    write_atomic(path, content, mode)
    return True


def sync_folder(folder: Path) -> None:
    """Make a rename or removal in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def digest(content: bytes) -> str:
    """Return the SHA-256 of the bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file of any size in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def folder_size(folder: Path) -> int:
    """Return the bytes of all files below `folder`; links and unreadable folders count as 0."""
    return sum(
        (Path(root) / name).lstat().st_size
        for root, _, names in os.walk(folder)
        for name in names
        if (Path(root) / name).exists() and not (Path(root) / name).is_symlink()
    )
