"""The format of torch.save: a zip archive, nothing in it compressed, a pickle and its storages."""

from __future__ import annotations

import io
import zipfile
from typing import Any, BinaryIO

from graftwork.storage.foreign._stand_ins import Refused, Storage, Unpickler

__all__ = ["read_archive"]

MOST_ENTRIES = 100_000
LONGEST_PICKLE = 1 << 28


def read_archive(stream: BinaryIO, size: int) -> Any:
    """The tree of stand-ins that an archive holds; its storages are read when asked for.

    Args:
        stream: the archive.
        size: of it, in bytes.
    """
    try:
        archive = zipfile.ZipFile(stream)
    except zipfile.BadZipFile as error:
        raise Refused(f"no whole zip archive ({error}); was it cut off?") from error
    entries = archive.infolist()
    _check(entries, size)
    names = {entry.filename: entry for entry in entries}
    pickled = [name for name in names if name == "data.pkl" or name.endswith("/data.pkl")]
    if len(pickled) != 1:
        raise Refused(_no_pickle(names, len(pickled)))
    folder = pickled[0].removesuffix("data.pkl")
    if names[pickled[0]].file_size > LONGEST_PICKLE:
        raise Refused(f"its pickle is {names[pickled[0]].file_size:,} bytes long")
    if f"{folder}byteorder" in names and _content(archive, f"{folder}byteorder") != b"little":
        raise Refused("it was written on a machine of the other byte order")
    held: dict[str, bytes] = {}

    def storage(dtype: str, key: str, count: int) -> Storage:
        name = f"{folder}data/{key}"
        if name not in names:
            raise Refused(f"its storage {key[:50]!r} is missing")

        def content() -> bytes:
            if key not in held:
                held[key] = _content(archive, name)
            return held[key]

        return Storage(dtype, count, content)

    if f"{folder}constants.pkl" in names or f"{folder}code/" in names:
        raise Refused("it is a TorchScript program; save its state_dict() with torch.save")
    return Unpickler(io.BytesIO(_content(archive, pickled[0])), storage).load()


def _check(entries: list[zipfile.ZipInfo], size: int) -> None:
    """An archive can promise far more than it holds."""
    if len(entries) > MOST_ENTRIES:
        raise Refused(f"{len(entries):,} entries, at most {MOST_ENTRIES:,} are allowed")
    if len({entry.filename for entry in entries}) < len(entries):
        raise Refused("an entry stands twice in it")
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise Refused(
                f"its entry {entry.filename[:80]!r} is compressed ({entry.compress_size:,} bytes "
                f"would become {entry.file_size:,}); torch.save compresses nothing"
            )
    promised = sum(entry.file_size for entry in entries)
    if promised > size:
        raise Refused(f"its entries promise {promised:,} bytes, the file has {size:,}")


def _no_pickle(names: dict[str, Any], count: int) -> str:
    if count:
        return f"{count} entries are called data.pkl; torch.save writes one"
    shown = ", ".join(sorted(names)[:5])
    return f"a zip archive, but not one of torch.save: no data.pkl; it holds {shown[:300]}"


def _content(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise Refused(f"its entry {name[:80]!r} is damaged ({error})") from error
