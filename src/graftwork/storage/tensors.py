"""Tensors in and out of `.safetensors` files, as numpy arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.errors import IntegrityError
from graftwork.storage.disk import atomic_file, disk_errors
from graftwork.storage.tensor_header import check_safetensors

__all__ = ["check_safetensors", "load_tensors", "save_tensors"]

# Formats that numpy has no type for; reading them would need torch.
_NOT_NUMPY = ("BF16", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F4", "F6_E2M3", "F6_E3M2")
_SAVED = "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64 complex64"


def save_tensors(
    path: Path | str, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None
) -> None:
    """Write arrays to a safetensors file, whole or not at all.

    Args:
        path: the file; an existing one is replaced.
        tensors: arrays of any shape by name, of bool, integers, floats or complex64.
        metadata: texts by name, kept in the header.

    Raises:
        ValueError: an array of another type (text, objects), or the name ``__metadata__``.
        StorageError: the disk says no; the file is what it was.
    """
    import safetensors.numpy

    ready = {name: _ready(name, array) for name, array in tensors.items()}
    if "__metadata__" in ready:
        raise ValueError("a tensor cannot be named '__metadata__'")
    with atomic_file(path) as temporary:
        # None, not {}: the file of the same tensors is the same byte for byte.
        safetensors.numpy.save_file(ready, temporary, dict(metadata) if metadata else None)


def _ready(name: str, array: np.ndarray) -> np.ndarray:
    array = np.asarray(array)
    little = array.dtype.newbyteorder("<")
    if little.name not in _SAVED.split():
        raise ValueError(f"tensor {name!r} has dtype {array.dtype}; allowed are: {_SAVED}")
    # order="C" keeps a 0-d array 0-d, where ascontiguousarray makes it 1-d.
    return np.asarray(array, dtype=little, order="C")


def load_tensors(path: Path | str) -> dict[str, np.ndarray]:
    """All arrays of a safetensors file, by name; its structure is checked first.

    Raises:
        StorageError: the file cannot be read.
        IntegrityError: it is damaged or no safetensors file, or holds a type without a numpy
            counterpart (bfloat16, 8-bit floats).
    """
    import safetensors.numpy

    header = check_safetensors(path)
    foreign = sorted(
        {entry["dtype"] for name, entry in header.items() if name != "__metadata__"}
        & set(_NOT_NUMPY)
    )
    if foreign:
        raise IntegrityError(
            f"{path}: holds tensors of type {', '.join(foreign)}, which numpy has not"
        )
    with disk_errors("read", path):
        loaded = safetensors.numpy.load_file(path)
    return _as_promised(path, header, loaded)


def _as_promised(
    path: Path | str, header: dict[str, Any], loaded: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Guard against a file that changed between the check and the reading."""
    for name, array in loaded.items():
        shape = header.get(name, {}).get("shape")
        if shape is None or math.prod(shape) != array.size:
            raise IntegrityError(f"{path}: changed while it was read (tensor {name!r})")
    return loaded
