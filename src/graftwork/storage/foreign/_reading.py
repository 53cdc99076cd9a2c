"""One file of tensors: which format it has, and what is in it."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np

from graftwork.storage.foreign._archive import read_archive
from graftwork.storage.foreign._assemble import array_of, walk
from graftwork.storage.foreign._older import begins_older, read_older
from graftwork.storage.foreign._stand_ins import Array, Opaque, Refused, Storage, Tensor, Unpickler

__all__ = ["read"]

MOST_LISTED = 1000


def read(stream: BinaryIO, size: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """All tensors of a file.

    Args:
        stream: the file, at its beginning.
        size: of it, in bytes.

    Returns:
        arrays by number, and what they are called: ``format``, ``tensors`` (paths by number),
        ``types`` (of their elements in the file), ``left_out`` (path and kind).
    """
    form, tree = _tree(stream, size)
    arrays: dict[str, np.ndarray] = {}
    paths: list[list[str]] = []
    types: list[str] = []
    left_out: list[tuple[list[str], str]] = []
    # views of one storage may overlap (tied weights), yet not without end
    allowance = 2 * size + 4096
    for path, value in walk(tree):
        array = array_of(value, ".".join(path)[:200], allowance)
        if array is None:
            left_out.append((list(path), _kind(value)))
            continue
        allowance -= array.nbytes if _type(value) != "bfloat16" else array.nbytes // 2
        arrays[str(len(paths))] = array
        paths.append(list(path))
        types.append(_type(value) or array.dtype.name)
    told = {
        "format": form,
        "tensors": paths,
        "types": types,
        "left_out": left_out[:MOST_LISTED],
        "n_left_out": len(left_out),
    }
    return arrays, told


def _tree(stream: BinaryIO, size: int) -> tuple[str, Any]:
    start = stream.read(4)
    stream.seek(0)
    if start == b"PK\x03\x04":
        return "torch.save's archive", read_archive(stream, size)
    if begins_older(stream):
        return "torch.save's older format", read_older(stream, size)
    return "a pickle", Unpickler(stream, _no_storage).load()


def _no_storage(dtype: str, key: str, count: int) -> Storage:
    raise Refused("it refers to storages that a bare pickle cannot hold")


def _type(value: Any) -> str:
    """The element type where numpy has no name for it, else nothing."""
    if isinstance(value, Tensor) and isinstance(value.storage, Storage):
        return "bfloat16" if "bf16" in (value.dtype or value.storage.dtype,) else ""
    return ""


def _kind(value: Any) -> str:
    if isinstance(value, (Opaque, Array)):
        return "something that is no tensor"
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return type(value).__name__
    return "something that is no tensor"
