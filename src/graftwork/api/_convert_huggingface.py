"""`convert` of a Hugging Face directory of pickled weights: the same base as safetensors."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._foreign_weights import LISTED, WIDENED, check_values, narrowed, opened
from graftwork.errors import BaseModelError, Fault, GraftworkError
from graftwork.runs.progress import Progress
from graftwork.storage.directory import committed
from graftwork.storage.foreign.pickled import ForeignTensors, read_foreign
from graftwork.storage.json_files import read_json
from graftwork.storage.tensors import save_tensors

__all__ = ["convert_checkpoint", "pickled_checkpoint"]

SINGLE = "pytorch_model.bin"
INDEX = "pytorch_model.bin.index.json"
SHARDS = "pytorch_model-*.bin"
BESIDE = ("*.json", "*.txt", "*.model", "*.jinja")  # how its inputs are read, and its card
SHOWN = 20  # files in a message


def pickled_checkpoint(source: Path) -> Path | None:
    """The Hugging Face directory that a folder, or a file of weights in it, is; None: it is none.

    Told by its `config.json`, which names a `model_type`.
    """
    folder = source if source.is_dir() else source.parent
    part = source.name in (SINGLE, INDEX) or source.match(SHARDS)
    if source.is_file() and not part:
        return None
    if not any((folder / name).is_file() for name in (SINGLE, INDEX)):
        return None
    try:
        told = read_json(folder / "config.json")
    except GraftworkError:  # whatever is wrong with it, it names no model
        return None
    return folder if isinstance(told, dict) and "model_type" in told else None


def convert_checkpoint(folder: Path, out: str | Path, progress: Progress) -> dict[str, Any]:
    """Write the base; the names of its tensors stay as they are.

    Raises:
        BaseModelError: its config asks for what is never done, its index names no files of this
            folder, or what was written cannot be opened as a base.
        IntegrityError: a file of weights is damaged, or names what no file of tensors needs.
    """
    files = _files(folder)
    tensors: dict[str, np.ndarray] = {}
    left_out: list[str] = []
    n_left_out, widened, formats = 0, 0, set()
    for file in files:
        with progress.step(f"reading {file.name}"):
            found = read_foreign(file)
        formats.add(found.format)
        mine = {path[0]: array for path, array in found.tensors.items() if len(path) == 1}
        tensors |= {name: narrowed(array) for name, array in mine.items()}
        widened += sum(found.types[(name,)] in WIDENED for name in mine)
        left_out += _left_out(found)
        n_left_out += len(found.tensors) - len(mine) + found.n_left_out
    if not tensors:
        raise BaseModelError(faults=[Fault("holds no tensors", file=str(files[0]))])
    check_values(tensors, str(folder))
    with progress.step("writing the base"), committed(out) as temporary:
        for beside in _beside(folder):
            shutil.copyfile(beside, temporary / beside.name)
        # transformers opens no file that does not say whose it is
        save_tensors(temporary / "model.safetensors", tensors, {"format": "pt"})
        told = _opened(temporary, folder)
    return {
        "out": str(out),
        "architecture": told["model_type"],
        "format": ", ".join(sorted(formats)),
        "found": "as a Hugging Face checkpoint",
        "tensors": len(tensors),
        "left_out": left_out[:LISTED],
        "n_left_out": n_left_out,
        "widened": widened,
        "bytes": (Path(out) / "model.safetensors").stat().st_size,
        "classes": None,
        "input": told["input"],
        "modality": told["modality"],
        "parameters": told["parameters"],
    }


def _files(folder: Path) -> list[Path]:
    """The weights: one file, or the shards that an index names."""
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    index = folder / INDEX
    told = read_json(index)
    table = told.get("weight_map") if isinstance(told, dict) else None
    names = sorted({str(name) for name in table.values()}) if isinstance(table, dict) else []
    there = {path.name for path in folder.glob("*.bin") if path.is_file()}
    wrong = [name for name in names if name not in there]
    if wrong or not names:
        faults = [
            Fault(f"{name[:80]!r} is no .bin file of this folder", str(index), field="weight_map")
            for name in wrong[:SHOWN]
        ]
        raise BaseModelError(faults=faults or [Fault("names no files", str(index))])
    return [folder / name for name in names]


def _beside(folder: Path) -> list[Path]:
    """The small files of a checkpoint, its index of pickles apart."""
    found = {path for pattern in BESIDE for path in folder.glob(pattern) if path.is_file()}
    return sorted(path for path in found if not path.name.endswith(".index.json"))


def _left_out(found: ForeignTensors) -> list[str]:
    deeper = [".".join(path) for path in found.tensors if len(path) != 1]
    return deeper + [".".join(path) for path, _ in found.left_out]


def _opened(written: Path, source: Path) -> dict[str, Any]:
    """What the base says of itself, once opened as any other is.

    Raises:
        BaseModelError: it cannot be; told of the folder that it was made of.
    """
    try:
        described = opened(written)
    except BaseModelError as error:
        here = str(written)
        faults = [
            replace(fault, file=fault.file and fault.file.replace(here, str(source)))
            for fault in error.faults
        ]
        raise BaseModelError(f"{source} gives no base", faults=faults) from error
    told = read_json(written / "config.json")
    return {"model_type": told["model_type"], "input": None, **described}
