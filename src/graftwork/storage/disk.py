"""What the disk says, in plain words; files written whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from graftwork.errors import GraftworkError, StorageError

__all__ = ["aside_name", "atomic_file", "disk_errors", "disk_fault", "fsync_folder", "fsync_tree"]

# What a user can do something about. Other numbers keep the system's own words.
_WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than this process may write (see `ulimit -f`)",
    errno.EACCES: "permission denied",
    errno.EPERM: "not permitted by the system",
    errno.EROFS: "the file system is read-only",
    errno.EIO: "the disk reports an input/output error",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EISDIR: "it is a folder, not a file",
    errno.ENAMETOOLONG: "the name is too long for this file system",
    errno.ELOOP: "a symbolic link leads in a circle",
    errno.EMFILE: "too many files are open in this process",
    errno.ENFILE: "too many files are open on this machine",
}
# Rust libraries (safetensors, tokenizers) wrap the number in their message.
_NUMBER = re.compile(r"\(os error (\d+)\)|\[Errno (\d+)\]")


def _number(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = _NUMBER.search(str(error)) if isinstance(error, Exception) else None
    return int(found.group(1) or found.group(2)) if found else None


def disk_fault(
    what: str, path: Path | str, error: BaseException, *, known_only: bool = False
) -> StorageError | None:
    """The `StorageError` that tells `error` in plain words, or None where it is not the disk's.

    Args:
        what: the verb of what was attempted, e.g. ``write``.
        path: on which file or folder.
        error: what was caught; libraries that wrap an operating-system error in text are read too.
        known_only: translate only what speaks of the disk itself (full, read-only, permission …),
            so that e.g. a missing file of somebody else passes through.
    """
    if isinstance(error, GraftworkError):
        return None
    number = _number(error)
    if number is None or (known_only and number not in _WORDS):
        return None
    message = f"cannot {what} {path}: {_WORDS.get(number) or os.strerror(number)}"
    other = getattr(error, "filename", None)
    if other is not None and os.fspath(other) != os.fspath(path):
        message += f" ({os.fspath(other)!s})"
    return StorageError(message)


@contextmanager
def disk_errors(what: str, path: Path | str) -> Iterator[None]:
    """Turn the operating system's errors inside the block into `StorageError`.

    ``with disk_errors("write", path): …`` → "cannot write /x/y: the disk is full". Python ignores
    SIGXFSZ, so that a file-size limit arrives here as an error and kills nobody.

    Raises:
        StorageError: with the path and plain words.
    """
    try:
        yield
    except Exception as error:
        fault = disk_fault(what, path, error)
        if fault is None:
            raise
        raise fault from error


def fsync_folder(folder: Path) -> None:
    """Make the names inside `folder` survive a power cut (nothing to do on Windows)."""
    if os.name == "nt":
        return
    _fsync(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))


def fsync_tree(folder: Path) -> None:
    """Make every file and folder below `folder`, and itself, survive a power cut."""
    for place, _, files in os.walk(folder, topdown=False):
        for name in files:
            path = Path(place) / name
            if not path.is_symlink():
                _fsync(path, os.O_RDONLY)
        fsync_folder(Path(place))


def _fsync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def aside_name(target: Path, kind: str) -> Path:
    """A fresh hidden sibling ``.<name>.<kind>-<pid>-<time in ns><random>``, both in hex.

    Process and time are in the name so that a later process can tell whether its owner lives.
    """
    stamp = f"{time.time_ns():016x}{secrets.token_hex(3)}"
    return target.parent / f".{target.name}.{kind}-{os.getpid()}-{stamp}"


@contextmanager
def atomic_file(path: Path | str) -> Iterator[Path]:
    """Yield a temporary sibling to write; on success it is fsynced and takes the name `path`.

    A reader, or whoever comes after a crash, sees the old file or the new one, never a half. On
    failure the temporary file is removed and `path` is what it was.

    Raises:
        StorageError: full disk, file-size limit, no permission, missing folder.
    """
    target = Path(os.path.realpath(path))
    temporary = aside_name(target, "tmp")
    try:
        with disk_errors("write", path):
            yield temporary
            _fsync(temporary, os.O_RDONLY)
            os.replace(temporary, target)
            fsync_folder(target.parent)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
