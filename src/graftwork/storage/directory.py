"""Folders that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from graftwork.errors import StorageError
from graftwork.storage.disk import (
    aside_name,
    disk_errors,
    disk_fault,
    fsync_folder,
    fsync_tree,
)
from graftwork.storage.leftovers import mine, recover, remove, sweep

__all__ = ["committed", "disk_errors", "recover", "sweep"]

_TRIES = 20  # when several processes replace one folder at once, the last one wins


@contextmanager
def committed(folder: Path | str, *, mode: int = 0o777) -> Iterator[Path]:
    """Write a folder aside; when the block ends well it takes the name `folder`, whole.

    ``with committed(out) as temporary: (temporary / "a.json").write_text(…)``. On success every
    file and folder is fsynced and renamed into place, and a folder that was there is replaced. When
    the block raises, the temporary folder is removed and `folder` is what it was. After a crash at
    any point `recover(folder)` (also called here, first) gives the old or the new content, whole.

    Args:
        folder: where it shall appear; parents are created.
        mode: permissions of the new folder, cut by the umask; 0o700 for private content.

    Raises:
        StorageError: full disk, file-size limit, no permission …, with the path in plain words;
            also where a library inside the block met it.
    """
    target = Path(os.path.realpath(folder))
    with disk_errors("create", folder):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and not target.is_dir():
            raise StorageError(f"cannot create the folder {folder}: a file of that name exists")
        recover(target)
        temporary = aside_name(target, "tmp")
        mine.add(temporary.name)
        os.mkdir(temporary, mode)
    try:
        yield temporary
        with disk_errors("write", folder):
            fsync_tree(temporary)
            _swap(temporary, target)
    except BaseException as error:
        remove(temporary)
        fault = disk_fault("write", folder, error, known_only=True)
        if fault is not None:
            raise fault from error
        raise
    finally:
        mine.discard(temporary.name)


def _swap(temporary: Path, target: Path) -> None:
    """Give `temporary` the name `target`, moving aside and then deleting what has it now."""
    ready = aside_name(target, "new")
    names = {ready.name}
    mine.update(names)
    try:
        os.rename(temporary, ready)
        fsync_folder(target.parent)
        for _ in range(_TRIES):
            old = aside_name(target, "old")
            names.add(old.name)
            mine.add(old.name)
            with suppress(FileNotFoundError):  # nothing was there, or another process moved it
                os.rename(target, old)
            if _rename_to_free(ready, target):
                break
        else:
            raise StorageError(f"cannot write {target}: other processes keep replacing it")
        fsync_folder(target.parent)
    finally:
        # From here these names are as those of a dead process: recover() deletes what is left
        # over, or, after an error between the renames, puts the old or new folder in place.
        mine.difference_update(names)
        recover(target)


def _rename_to_free(source: Path, target: Path) -> bool:
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            return False
        raise
    return True
