"""`manifest.json`: which files a folder holds, with the SHA-256 and size of each."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from graftwork.errors import Fault, IntegrityError
from graftwork.storage.hashing import sha256_file
from graftwork.storage.json_files import read_json, write_json

__all__ = ["MANIFEST", "verify_manifest", "write_manifest"]

MANIFEST = "manifest.json"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def write_manifest(
    folder: Path | str, format_version: int, extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Write ``manifest.json`` over every file now in `folder`, and return it.

    Args:
        folder: the folder; its sub-folders are included, ``manifest.json`` itself is not.
        format_version: version of the folder's layout, checked by readers.
        extra: further plain facts, kept under ``extra``.

    Raises:
        IntegrityError: a symbolic link leads out of the folder.
        StorageError: the disk says no.
    """
    place = Path(folder)
    files = sorted(_files(place))
    faults = [fault for name in files if (fault := _outside(place, name))]
    if faults:
        raise IntegrityError(f"{place}: cannot be listed in a manifest", faults=faults)
    manifest: dict[str, Any] = {
        "format_version": format_version,
        "files": {
            name: {"sha256": sha256_file(place / name), "size": (place / name).stat().st_size}
            for name in files
        },
    }
    if extra:
        manifest["extra"] = dict(extra)
    write_json(place / MANIFEST, manifest)
    return manifest


def verify_manifest(
    folder: Path | str, *, known_versions: Collection[int], allowed_extra: Iterable[str] = ()
) -> dict[str, Any]:
    """Check every file of `folder` against its manifest, and return the manifest.

    Args:
        folder: the folder.
        known_versions: the versions of the layout that the caller can read.
        allowed_extra: patterns (``*.log``) of files that may be there without being listed.

    Raises:
        IntegrityError: no manifest, an unknown version, a path that leaves the folder, or files
            missing, changed or not listed; every one is named.
    """
    place = Path(folder)
    if not (place / MANIFEST).is_file():
        raise IntegrityError(f"{place}: has no {MANIFEST}")
    manifest = read_json(place / MANIFEST)
    files = _checked(place / MANIFEST, manifest, known_versions)
    faults = [fault for name in files if (fault := _unsafe(place, name))]
    if not faults:  # nothing is opened while one path points elsewhere
        faults = [fault for name, facts in files.items() if (fault := _differs(place, name, facts))]
        patterns = list(allowed_extra)
        for name in sorted(set(_files(place)) - set(files)):
            if not any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
                faults.append(Fault("is not listed in the manifest", file=str(place / name)))
    if faults:
        raise IntegrityError(f"{place}: does not match its manifest", faults=faults)
    return dict(manifest)


def _files(place: Path) -> Iterator[str]:
    """Relative paths, with forward slashes, of all files; links to folders count as files."""
    for root, folders, files in os.walk(place):
        links = [name for name in folders if (Path(root) / name).is_symlink()]
        for name in (*files, *links):
            relative = (Path(root) / name).relative_to(place).as_posix()
            if relative != MANIFEST:
                yield relative


def _checked(
    path: Path, manifest: Any, known_versions: Collection[int]
) -> dict[str, dict[str, Any]]:
    """The ``files`` of a manifest whose own structure is sound."""
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise IntegrityError(f"{path}: is no manifest (format_version and files are needed)")
    version = manifest.get("format_version")
    if type(version) is bool or version not in known_versions:
        known = ", ".join(str(one) for one in sorted(known_versions))
        raise IntegrityError(
            f"{path}: format version {version!r} is not known here; known are: {known} "
            "(a newer Graftwork may have written it)"
        )
    files: dict[str, dict[str, Any]] = manifest["files"]
    faults = [
        Fault("needs sha256 (64 hex digits) and size", file=str(path), field=name)
        for name, facts in files.items()
        if not _sound(facts)
    ]
    if faults:
        raise IntegrityError(f"{path}: is damaged", faults=faults)
    return files


def _sound(facts: Any) -> bool:
    if not isinstance(facts, dict) or type(facts.get("size")) is not int:
        return False
    digest = facts.get("sha256")
    return isinstance(digest, str) and _DIGEST.fullmatch(digest) is not None


def _unsafe(place: Path, name: str) -> Fault | None:
    """A fault where the listed path could lead out of the folder."""
    parts = PurePosixPath(name)
    absolute = parts.is_absolute() or "\\" in name or ":" in name or "\0" in name
    if absolute or ".." in parts.parts or str(parts) != name or name in ("", "."):
        return Fault(
            "is no path inside the folder, refused", file=str(place / MANIFEST), field=name
        )
    return _outside(place, name)


def _outside(place: Path, name: str) -> Fault | None:
    real = Path(os.path.realpath(place / name))
    if real.is_relative_to(os.path.realpath(place)):
        return None
    return Fault("is a symbolic link that leaves the folder, refused", file=str(place / name))


def _differs(place: Path, name: str, facts: dict[str, Any]) -> Fault | None:
    path = place / name
    if not path.is_file():
        return Fault("is missing", file=str(path))
    size = path.stat().st_size
    if size != facts["size"]:
        return Fault(f"has changed: {size:,} bytes, not {facts['size']:,}", file=str(path))
    if sha256_file(path) != facts["sha256"]:
        return Fault("has changed: its SHA-256 is not the manifest's", file=str(path))
    return None
