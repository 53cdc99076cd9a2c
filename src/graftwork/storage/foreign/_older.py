"""The format of torch.save before its archives: some pickles, then the storages one by one."""

from __future__ import annotations

from typing import Any, BinaryIO

from graftwork.storage.foreign._stand_ins import Refused, Storage, Unpickler

__all__ = ["begins_older", "read_older"]

MAGIC = 0x1950A86A20F9469CFC6C
_WIDTHS = {"bf16": 2, "?": 1}


def begins_older(stream: BinaryIO) -> bool:
    """Whether the stream begins with torch's magic number; it stands where it stood after."""
    start = stream.tell()
    found = stream.read(64)
    stream.seek(start)
    return MAGIC.to_bytes(10, "little") in found


def read_older(stream: BinaryIO, size: int) -> Any:
    """The tree of stand-ins that such a stream holds, its storages filled.

    Args:
        stream: at its beginning.
        size: of it, in bytes.
    """
    asked: dict[str, tuple[str, int]] = {}
    held: dict[str, bytes] = {}

    def storage(dtype: str, key: str, count: int) -> Storage:
        if asked.setdefault(key, (dtype, count)) != (dtype, count):
            raise Refused(f"storage {key[:50]!r} is described in two ways")
        return Storage(dtype, count, lambda: held[key])

    def load() -> Any:
        return Unpickler(stream, storage).load()

    if load() != MAGIC:
        raise Refused("it does not begin as torch.save writes")
    version, about = load(), load()
    if type(version) is not int or version != 1001:
        known = type(version) is int and abs(version) < 1 << 63
        raise Refused(f"format version {version if known else 'unknown'}; known is 1001")
    if isinstance(about, dict) and about.get("little_endian") is False:
        raise Refused("it was written on a machine of the other byte order")
    tree, keys = load(), load()
    # a list that holds one list over and over is endless when it is spelt out
    words = isinstance(keys, list) and all(type(key) in (str, int) for key in keys)
    if not words or {str(key) for key in keys} != set(asked):
        raise Refused("the list of its storages is not that of its tensors")
    for key in keys:
        dtype, count = asked[str(key)]
        held[str(key)] = _elements(stream, size, dtype, count)
    return tree


def _elements(stream: BinaryIO, size: int, dtype: str, count: int) -> bytes:
    told = int.from_bytes(stream.read(8), "little")
    if told != count:
        raise Refused(f"a storage has {told:,} elements, its tensors say {count:,} (cut off?)")
    wanted = count * (_WIDTHS.get(dtype) or int(dtype[1:]))
    left = size - stream.tell()
    if wanted > left:
        raise Refused(f"cut off: a storage needs {wanted:,} bytes, {left:,} are left")
    return stream.read(wanted)
