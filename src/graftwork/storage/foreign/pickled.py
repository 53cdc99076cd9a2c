"""Foreign files of tensors, read without trusting them.

A pickle is a program. It is read by an unpickler of our own that knows tensors and dictionaries
only, in a process of its own with little memory and time, no network and no other files; what that
process writes is checked before it is used.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.errors import Fault, IntegrityError, StorageError
from graftwork.storage.disk import disk_errors
from graftwork.storage.foreign._limits import SECONDS
from graftwork.storage.json_files import read_json
from graftwork.storage.tensor_header import check_safetensors
from graftwork.storage.tensors import load_tensors

__all__ = ["ForeignTensors", "read_foreign"]

_CHILD = Path(__file__).with_name("_child.py")
_ROOT = Path(__file__).parents[3]  # the folder that holds the package
_KEPT = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "TEMP", "TMP")
_LONGEST_TOLD = 1 << 27


@dataclass(frozen=True)
class ForeignTensors:
    """What a file holds.

    Attributes:
        format: in words.
        tensors: arrays by their path through the file's dictionaries; bfloat16 as float32.
        types: element type in the file, by path.
        left_out: (path, kind) of entries that are no tensors; the first thousand.
        n_left_out: how many there are.
    """

    format: str
    tensors: dict[tuple[str, ...], np.ndarray]
    types: dict[tuple[str, ...], str]
    left_out: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    n_left_out: int = 0


def read_foreign(path: Path | str) -> ForeignTensors:
    """All tensors of a file of torch.save (new or old), a plain pickle, or a safetensors file.

    Raises:
        StorageError: the file cannot be read.
        IntegrityError: it is damaged, is none of these, or names what no file of tensors needs;
            the message says what, and nothing of it was run.
    """
    with disk_errors("read", path), open(path, "rb") as stream:
        start = stream.read(512)
    other = _other_format(start)
    if other:
        raise _refused(path, other)
    pickled = start[:4] == b"PK\x03\x04" or start[:1] == b"\x80" or start[:1] in _OLDEST
    if pickled and start[8:9] != b"{":
        return _pickled(path)
    return _safetensors(path)


_OLDEST = (b"(", b"c", b"]", b"}")  # pickles of protocol 0 and 1


def _other_format(start: bytes) -> str:
    """What else people keep weights in, and what to do about it."""
    if start[257:262] == b"ustar":
        return "it is a tar archive; unpack it and give the file of weights in it"
    if start[:2] == b"\x1f\x8b":
        return "it is compressed with gzip; unpack it first"
    if start[:8] == b"\x89HDF\r\n\x1a\n":
        return "it is an HDF5 file (Keras); export its weights to safetensors"
    if start[4:8] == b"TFL3":
        return "it is a TensorFlow Lite model; export its weights to safetensors"
    return ""


def _safetensors(path: Path | str) -> ForeignTensors:
    header = check_safetensors(path)
    entries = {name: told for name, told in header.items() if name != "__metadata__"}
    from safetensors import SafetensorError

    try:
        if any(told["dtype"] == "BF16" for told in entries.values()):
            arrays = _with_bfloat16(path, entries)
        else:
            arrays = load_tensors(path)
    except (SafetensorError, ValueError) as error:  # names or shapes that no array can have
        raise _refused(path, f"damaged ({error})"[:600]) from error
    types = {name: _TYPES.get(told["dtype"], told["dtype"]) for name, told in entries.items()}
    return ForeignTensors(
        "safetensors",
        {(name,): arrays[name] for name in entries},
        {(name,): word for name, word in types.items()},
    )


_TYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64",
    "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8", "U16": "uint16", "U32": "uint32",
    "U64": "uint64", "BOOL": "bool", "C64": "complex64",
}  # fmt: skip


def _with_bfloat16(path: Path | str, entries: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Tensors of a file that numpy's reader refuses; the header was checked."""
    foreign = sorted({told["dtype"] for told in entries.values()} - set(_TYPES))
    if foreign:
        raise _refused(path, f"holds tensors of type {', '.join(foreign)}, which cannot be read")
    with disk_errors("read", path):
        content = Path(path).read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")
    arrays = {}
    for name, told in entries.items():
        first, last = told["data_offsets"]
        wide = told["dtype"] == "BF16"
        dtype = np.dtype(np.uint16 if wide else _TYPES[told["dtype"]]).newbyteorder("<")
        values = np.frombuffer(content[begin + first : begin + last], dtype)
        if wide:
            values = (values.astype(np.uint32) << 16).view(np.float32)
        arrays[name] = values.reshape(told["shape"])
    return arrays


def _pickled(path: Path | str) -> ForeignTensors:
    with tempfile.TemporaryDirectory(prefix="graftwork-foreign-") as folder:
        _run_child(path, folder)
        told = _told(path, Path(folder) / "found.json")
        arrays = load_tensors(Path(folder) / "tensors.safetensors")
    paths = [tuple(str(word) for word in names) for names in told["tensors"]]
    if sorted(arrays) != sorted(str(number) for number in range(len(paths))):
        raise _refused(path, "the process that read it told of other tensors than it wrote")
    return ForeignTensors(
        str(told["format"]),
        {names: arrays[str(number)] for number, names in enumerate(paths)},
        {names: str(word) for names, word in zip(paths, told["types"], strict=True)},
        [(tuple(map(str, names)), str(kind)) for names, kind in told["left_out"]],
        int(told["n_left_out"]),
    )


def _run_child(path: Path | str, folder: str) -> None:
    """Let the other process read the file, and wait for it."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # a numerical library reserves memory for each of its threads, which would count
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-I", "-B", str(_CHILD), str(_ROOT), folder]
    with disk_errors("read", path), open(path, "rb") as stream:
        try:
            done = subprocess.run(
                command,
                stdin=stream,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=environment,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _refused(path, f"it was not read within {SECONDS} seconds") from None
    if done.returncode < 0:
        raise _refused(path, f"the process that read it was ended (signal {-done.returncode})")
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no word"]
        raise StorageError(f"cannot read {path}: the process that reads it failed: {lines[-1]}")


def _told(path: Path | str, file: Path) -> dict[str, Any]:
    """What the process found, or its refusal."""
    if not file.is_file() or file.stat().st_size > _LONGEST_TOLD:
        raise _refused(path, "the process that read it left no word")
    told = read_json(file)
    if "refused" in told:
        raise _refused(path, str(told["refused"]))
    return dict(told)


def _refused(path: Path | str, why: str) -> IntegrityError:
    return IntegrityError(faults=[Fault(f"cannot be converted: {why}", file=str(path))])
