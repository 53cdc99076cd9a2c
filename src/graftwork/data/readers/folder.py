"""A folder of class folders, or of train, validation and test with class folders in each.

The way in which pictures usually come. A row is a file; its number is its place among all files in
the order of their paths.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa

from graftwork.data.readers.media import OTHER_PICTURES, PICTURE_ENDINGS
from graftwork.data.splits import is_part_name
from graftwork.data.table import SetAside, Source, Table
from graftwork.data.words import counted
from graftwork.errors import DataError, Fault
from graftwork.runs.progress import Progress

__all__ = ["EMPTY", "read_folder"]

INPUT, LABEL, SPLIT = "image", "label", "split"
LINK = -1  # size of a link to a folder
EMPTY = "empty folders, classes without a picture"  # begins a note


@dataclass(frozen=True)
class _File:
    """One file.

    Attributes:
        row: its place among all.
        path: below the root.
        size: in bytes.
        label, part: as its folders say them.
        left_out: reason and detail why it makes no row; None: it does.
    """

    row: int
    path: str
    size: int
    label: str | None
    part: str | None
    left_out: tuple[str, str] | None = None


def read_folder(root: Path, *, progress: Progress | None = None) -> Table:
    """Read a folder as rows of (image, label, split).

    The first folder below the root is the label, or where these folders are called as parts (train,
    validation, val, test, …) the one below; what lies beside the parts is dropped. Deeper folders
    do not count. Hidden files are passed over; files with another ending than a picture's (those of
    formats that are not read are named apart), names that are no UTF-8 and links to folders are
    dropped, each with its reason.

    Raises:
        DataError: the folder holds no pictures, or cannot be read.
    """
    with (progress or Progress()).step(f"listing {root.name}"):
        paths, empty = _listed(root)
    split = _has_parts([path for path, _ in paths])
    files = [_file(row, path, size, split) for row, (path, size) in enumerate(paths, 1)]
    pictures = [file for file in files if file.left_out is None]
    if not pictures:
        raise DataError(faults=[_nothing(root, files)])
    others = tuple(
        SetAside(file.row, *file.left_out, "dropped", cell=_shown(file.path))
        for file in files
        if file.left_out is not None
    )
    columns: dict[str, pa.Array] = {INPUT: _text(file.path for file in pictures)}
    roles = {"input": INPUT}
    if any(file.label is not None for file in pictures):
        columns[LABEL] = _text(file.label or "" for file in pictures)
        roles["target"] = LABEL
    if split:
        columns[SPLIT] = _text(file.part or "" for file in pictures)
        roles["split"] = SPLIT
    return Table(
        pa.table(columns),
        np.asarray([file.row for file in pictures], dtype=np.int64),
        Source(str(root), "folder", _digest(files), {"layout": _layout(roles)}),
        others,
        tuple(_notes(pictures, _without_pictures(files, empty))),
        roles,
    )


def _listed(root: Path) -> tuple[list[tuple[str, int]], list[str]]:
    """(path below the root, bytes) of every file in order, and the folders that hold none.

    A link to a folder is told as a file of `LINK` bytes: it may lead anywhere, or in a circle.
    """
    found: list[tuple[str, int]] = []
    empty: list[str] = []

    def refuse(error: OSError) -> None:
        message = f"cannot be read: {error.strerror}"
        raise DataError(faults=[Fault(message, file=str(error.filename))]) from error

    for folder, folders, names in os.walk(root, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        folders[:] = [name for name in folders if name not in links]
        shown = [name for name in sorted([*names, *links]) if not name.startswith(".")]
        below = Path(folder).relative_to(root).as_posix()
        if not folders and not shown and below != ".":
            empty.append(below)
        for name in shown:
            path = Path(folder) / name
            size = LINK if name in links else path.stat().st_size if path.exists() else 0
            found.append((name if below == "." else f"{below}/{name}", size))
    return sorted(found), empty


def _has_parts(paths: list[str]) -> bool:
    """Whether the folders below the root are parts.

    All of them are called so; or train and others are, hold class folders, and something else lies
    beside them; or the only one is, and holds class folders. A class that happens to be called
    "test" is none.
    """
    first = sorted({path.split("/")[0] for path in paths if "/" in path})
    parts = [name for name in first if is_part_name(name)]
    if parts == first and len(parts) > 1:
        return True
    inside = [path for path in paths if path.split("/")[0] in parts]
    enough = len(parts) > 1 or (bool(parts) and parts == first)
    return enough and all(path.count("/") > 1 for path in inside)


def _without_pictures(files: list[_File], empty: list[str]) -> list[str]:
    """Folders that hold nothing, and class folders whose files are no pictures."""
    seen = {(file.part, file.label) for file in files if file.left_out is None}
    bare = {
        "/".join(word for word in (file.part, file.label) if word)
        for file in files
        if file.label is not None and (file.part, file.label) not in seen
        if file.left_out is not None and file.left_out[0] in ("other_file", "other_picture")
    }
    return sorted({*empty, *bare})


def _file(row: int, path: str, size: int, split: bool) -> _File:
    above = PurePosixPath(path).parts[:-1]
    part = above[0] if split and above else None
    rest = above[1:] if split else above
    left_out = None
    if not _is_utf8(path):
        left_out = ("odd_name", f"{_shown(path)} is no name in UTF-8")
    elif size == LINK:
        left_out = ("linked_folder", f"{path} is a link to a folder, which is not followed")
    elif path.lower().endswith(OTHER_PICTURES):
        left_out = ("other_picture", f"{path}: save it as JPEG or PNG first")
    elif not path.lower().endswith(PICTURE_ENDINGS):
        left_out = ("other_file", f"{path} is no picture by its name")
    elif split and (part is None or not is_part_name(part)):
        left_out = ("in_no_part", f"{path} lies beside the folders of the parts")
    return _File(row, path, size, rest[0] if rest else None, part, left_out)


def _shown(path: str) -> str:
    """The path with what is no UTF-8 spelt out."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _is_utf8(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _text(values: Iterator[str]) -> pa.Array:
    return pa.array(list(values), pa.large_string())


def _layout(roles: dict[str, str]) -> str:
    if "split" in roles:
        return "parts with class folders"
    return "class folders" if "target" in roles else "pictures without classes"


def _digest(files: list[_File]) -> str:
    """SHA-256 over paths and sizes; the content of each file counts by the key of its row."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.path}\x1f{file.size}\x1e".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _nothing(root: Path, files: list[_File]) -> Fault:
    if not files:
        return Fault("is a directory without files", file=str(root))
    shown = ", ".join(file.path for file in files[:3]) + (", …" if len(files) > 3 else "")
    hint = f"give the table's own file, or pictures ({', '.join(PICTURE_ENDINGS)})"
    if any(file.path.lower().endswith(OTHER_PICTURES) for file in files):
        hint += "; save pictures of other formats as JPEG or PNG first"
    message = f"is a directory, and none of its {len(files):,} files is a picture ({shown})"
    return Fault(message, file=str(root), hint=hint)


def _notes(pictures: list[_File], empty: list[str]) -> Iterator[str]:
    if empty:
        names = ", ".join(repr(name) for name in empty[:10])
        more = f" and {len(empty) - 10} more" if len(empty) > 10 else ""
        yield f"{EMPTY}: {names}{more}"
    outside = sum(file.label is None for file in pictures)
    if 0 < outside < len(pictures):
        lie = counted(outside, "picture lies", "pictures lie")
        have = "has" if outside == 1 else "have"
        yield f"{lie} in no class folder and {have} no label"
