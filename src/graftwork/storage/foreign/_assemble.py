"""From what a file says of its tensors to arrays, each claim checked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from graftwork.storage.foreign._stand_ins import Array, NumpyType, Refused, Storage, Tensor

__all__ = ["array_of", "walk"]

MOST_AXES = 32
MOST_ENTRIES = 200_000
DEEPEST = 16
Path = tuple[str, ...]


def walk(root: Any) -> Iterator[tuple[Path, Any]]:
    """Every leaf of nested dictionaries and lists with the way to it, in their own order.

    A file may name one dictionary a million times inside itself, so leaves are counted.
    """
    waiting: list[tuple[Path, Any]] = [((), root)]
    seen = 0
    while waiting:
        path, value = waiting.pop()
        seen += 1
        if seen > MOST_ENTRIES:
            raise Refused(f"more than {MOST_ENTRIES:,} entries")
        inner = _entries(value)
        if inner is None:
            yield path, value
        elif len(path) >= DEEPEST:
            raise Refused(f"nested more than {DEEPEST} deep")
        else:
            waiting.extend(((*path, name), item) for name, item in reversed(inner))


def _entries(value: Any) -> list[tuple[str, Any]] | None:
    if isinstance(value, dict):
        return [(_word(key), item) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [(str(number), item) for number, item in enumerate(value)]
    return None


def _word(key: Any) -> str:
    if isinstance(key, str):
        # what is no Unicode (a lone surrogate) can be no name of a tensor
        return key[:500].encode("utf-8", "replace").decode("utf-8")
    return str(key) if type(key) is int and abs(key) < 1 << 63 else f"({type(key).__name__})"


def array_of(value: Any, where: str, most: int) -> np.ndarray | None:
    """The array that a leaf describes; None where it is no tensor.

    Args:
        value: a leaf.
        where: its name, for messages.
        most: bytes that it may take.
    """
    if isinstance(value, Tensor):
        return _from_tensor(value, where, most)
    return _from_array(value, where, most) if isinstance(value, Array) else None


def _from_tensor(tensor: Tensor, where: str, most: int) -> np.ndarray:
    storage = tensor.storage
    if not isinstance(storage, Storage):
        raise Refused(f"tensor {where!r} has no storage")
    shape, stride = _counts(tensor.shape, where), _counts(tensor.stride, where)
    (offset,) = _counts((tensor.offset,), where)
    if len(shape) != len(stride):
        raise Refused(f"tensor {where!r} has {len(shape)} axes and {len(stride)} strides")
    name = tensor.dtype or storage.dtype
    dtype = np.dtype("<u2" if name == "bf16" else f"<{name}" if name != "?" else "?")
    _bound(shape, dtype.itemsize, where, most)
    content = storage.content()
    held = len(content) // dtype.itemsize
    if not tensor.dtype and held < storage.count:
        raise Refused(
            f"tensor {where!r}: its storage should have {storage.count:,} elements, it has {held:,}"
        )
    if 0 in shape:
        return np.zeros(shape, np.float32 if name == "bf16" else dtype)
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    if last >= held:
        raise Refused(
            f"tensor {where!r} of shape {shape} reads element {last:,} of a storage of {held:,}"
        )
    flat = np.frombuffer(content, dtype, count=held)[offset:]
    steps = [step * dtype.itemsize for step in stride]
    values = np.lib.stride_tricks.as_strided(flat, shape, steps, writeable=False)
    if name == "bf16":  # the upper half of a float32
        return (values.astype(np.uint32) << 16).view(np.float32)
    return np.array(values, order="C")


def _from_array(array: Array, where: str, most: int) -> np.ndarray:
    shape = _counts(array.shape, where)
    kind, content = array.dtype, array.content
    code = kind.code if isinstance(kind, NumpyType) else None
    if not isinstance(code, str) or code not in _NUMPY_CODES:
        raise Refused(f"array {where!r} has an element type that is no number's")
    if not isinstance(content, (bytes, bytearray)):
        raise Refused(f"array {where!r} has no content")
    dtype = np.dtype(code).newbyteorder(">" if kind.big else "<")
    wanted = _bound(shape, dtype.itemsize, where, most)
    if wanted != len(content):
        raise Refused(
            f"array {where!r} of shape {shape} has {len(content):,} bytes, not {wanted:,}"
        )
    values = np.frombuffer(content, dtype).reshape(shape, order="F" if array.fortran else "C")
    return np.array(values, dtype.newbyteorder("="), order="C")


_NUMPY_CODES = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "c8"}


def _counts(values: Any, where: str) -> tuple[int, ...]:
    """Checked numbers: whole, from 0, few."""
    good = isinstance(values, (tuple, list)) and len(values) <= MOST_AXES
    if not good or any(type(n) is not int or not 0 <= n < 1 << 62 for n in values):
        raise Refused(f"tensor {where!r} has a shape, stride or offset that none can have")
    return tuple(values)


def _bound(shape: tuple[int, ...], width: int, where: str, most: int) -> int:
    """Bytes that a shape needs; one number may be read a billion times (stride 0)."""
    wanted = math.prod(shape) * width
    if wanted > most:
        raise Refused(
            f"tensor {where!r} of shape {shape} needs {wanted:,} bytes, more than the whole file "
            "can account for"
        )
    return wanted
