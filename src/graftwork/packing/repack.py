"""A wheel of an installed distribution, made from its own files."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from importlib import metadata
from pathlib import Path, PurePosixPath

from graftwork.errors import GraftworkError

__all__ = ["repack"]

LEFT_OUT = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same files give the same wheel


def repack(one: metadata.Distribution, folder: Path, package: Path | None = None) -> Path:
    """Write a wheel of `one` into `folder`.

    What lies outside the environment's package folder (scripts, shared data) is not packed: scripts
    are made anew from the entry points when the wheel is installed.

    Args:
        one: installed from a wheel, or in development mode.
        folder: where the wheel goes.
        package: the folder of its package where it is installed in development mode.

    Raises:
        GraftworkError: its files are not known.
    """
    files = _files(one, package)
    tag = _tag(one)
    name = one.name.replace("-", "_")
    info = f"{name}-{one.version}.dist-info"
    path = folder / f"{name}-{one.version}-{tag}.whl"
    record: list[tuple[str, str, str]] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for place, source in sorted(files.items()):
            _put(wheel, record, _renamed(place, info), source.read_bytes())
        listed = io.StringIO()
        csv.writer(listed, lineterminator="\n").writerows([*record, (f"{info}/RECORD", "", "")])
        wheel.writestr(zipfile.ZipInfo(f"{info}/RECORD", EPOCH), listed.getvalue())
    return path


def _put(
    wheel: zipfile.ZipFile, record: list[tuple[str, str, str]], name: str, content: bytes
) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    wheel.writestr(entry, content)
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    record.append((name, f"sha256={digest}", str(len(content))))


def _files(one: metadata.Distribution, package: Path | None) -> dict[str, Path]:
    """Its files by their place in the wheel."""
    found: dict[str, Path] = {}
    for entry in one.files or []:
        place = PurePosixPath(str(entry))
        outside = ".." in place.parts or place.is_absolute()
        if outside or place.suffix in (".pyc", ".pth") or place.name in LEFT_OUT:
            continue
        source = Path(str(one.locate_file(entry)))
        if source.is_file():
            found[str(place)] = source
    if package is not None:
        for source in package.rglob("*"):
            if source.is_file() and "__pycache__" not in source.parts:
                place = PurePosixPath(package.name, *source.relative_to(package).parts)
                found[str(place)] = source
    if not any(name.endswith("METADATA") for name in found):
        raise GraftworkError(f"{one.name} {one.version}: its files are not recorded, so no wheel")
    return found


def _renamed(place: str, info: str) -> str:
    """A file's place, its metadata in the folder that the wheel's name asks for."""
    top, slash, rest = place.partition("/")
    return f"{info}/{rest}" if slash and top.endswith(".dist-info") else place


def _tag(one: metadata.Distribution) -> str:
    """Its tags as file names have them (``py2.py3-none-any``)."""
    told = one.read_text("WHEEL") or ""
    tags = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("Tag:")]
    parts = zip(*(tag.split("-") for tag in tags), strict=True)
    return "-".join(".".join(dict.fromkeys(part)) for part in parts) or "py3-none-any"
