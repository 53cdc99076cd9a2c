"""`convert`: a file of image weights becomes a base, whatever it was kept in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._convert_huggingface import convert_checkpoint, pickled_checkpoint
from graftwork.api._foreign_weights import LISTED, WIDENED, check_values, narrowed, opened
from graftwork.api._state_dict import StateDict, chosen
from graftwork.bases._convnet_config import RESIZES, class_count, default_config, is_head
from graftwork.errors import (
    BaseModelError,
    Fault,
    ParameterError,
    RunError,
    StorageError,
    nearest,
)
from graftwork.runs.progress import Progress
from graftwork.storage.directory import committed
from graftwork.storage.foreign.pickled import ForeignTensors, read_foreign
from graftwork.storage.hashing import sha256_file
from graftwork.storage.json_files import write_json
from graftwork.storage.tensors import save_tensors

__all__ = ["convert"]

LARGEST = 4096  # side of an input, in pixels


def convert(
    weights: str | Path,
    *,
    architecture: str | None = None,
    out: str | Path,
    size: int | None = None,
    mean: Sequence[float] | str | None = None,
    std: Sequence[float] | str | None = None,
    resize: str | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Make a base of a file of image weights (`.pth`, `.pt`, `.th`, `.bin`, `.safetensors`, …).

    A pickle is never trusted: it is read by an unpickler of our own that knows tensors and
    dictionaries only, in a process without network and with limits. Nested checkpoints and the
    names that wrappers put before others are seen through. Of a Hugging Face directory (of text
    too) whose weights are `pytorch_model.bin`, or shards of it, the same base comes out, with its
    weights as safetensors.

    Args:
        weights: the file, or a Hugging Face directory.
        architecture: whose weights they are: one of our own, ``torchvision/<name>`` or
            ``timm/<name>``; None: the one that fits, if there is just one.
        out: folder to write; new or empty.
        size: side of the pictures that enter, in pixels.
        mean: of red, green and blue on values from 0 to 1; one number or three.
        std: their spread, in the same way.
        resize: ``squash``, ``crop`` or ``pad``.
        options: of the architecture, as ``{"padding": "tf"}``.
        progress: shown to the user.

    Returns:
        ``out``, ``architecture``, ``format``, ``found`` (where in the file), ``tensors``,
        ``left_out`` (names; the first thousand), ``n_left_out``, ``widened`` (tensors of bfloat16
        or float64 that became float32), ``bytes``, ``classes``, ``input`` and ``parameters``.

    Raises:
        BaseModelError: the tensors do not fit the architecture, are no fractions, or hold values
            that are no numbers; the first are named.
        ParameterError: no architecture was named and none or several fit; or a value is wrong.
        UnknownNameError: there is no such architecture.
        IntegrityError: the file is damaged, or names what no file of tensors needs; nothing of it
            was run.
        RunError: `out` holds something.
    """
    progress = progress or Progress()
    source = Path(weights)
    _refuse(out)
    folder = pickled_checkpoint(source) if architecture is None else None
    if folder is not None:
        _refuse_changes({"size": size, "mean": mean, "std": std, "resize": resize})
        return convert_checkpoint(folder, out, progress)
    _check_source(source)
    changes = _checked_input(size, mean, std, resize)
    if architecture is not None:
        default_config(architecture, **(options or {}))  # before a large file is read
    with progress.step(f"reading {source.name}"):
        found = read_foreign(source)
    with progress.step("finding its architecture"):
        table, name = chosen(found, architecture, str(source))
        classes = class_count(name, table.shapes)
    config = default_config(name, n_classes=classes, **(options or {}))
    config["input"] |= changes
    config["converted_from"] = {"file": source.name, "sha256": sha256_file(source)}
    tensors = _written(table, classes)
    check_values(tensors, str(source))
    with progress.step("writing the base"), committed(out) as temporary:
        write_json(temporary / "config.json", config)
        save_tensors(temporary / "model.safetensors", tensors)
        told = opened(temporary)
    return {
        "out": str(out),
        "architecture": config["architecture"],
        "format": found.format,
        "found": table.words,
        "tensors": len(tensors),
        **_left_out(found, table, tensors),
        "widened": sum(found.types[table.path(name)] in WIDENED for name in tensors),
        "bytes": (Path(out) / "model.safetensors").stat().st_size,
        "classes": classes,
        "input": told["input"],
        "parameters": told["parameters"],
    }


def _refuse_changes(given: Mapping[str, Any]) -> None:
    """A Hugging Face directory says itself how its inputs are read."""
    message = "cannot be set: a Hugging Face directory says so itself"
    hint = "change its preprocessor_config.json"
    named = [name for name, value in given.items() if value is not None]
    if named:
        raise ParameterError(faults=[Fault(message, field=name, hint=hint) for name in named])


def _refuse(out: str | Path) -> None:
    """Nothing that is there is replaced."""
    place = Path(out)
    if place.exists() and not place.is_dir():
        raise StorageError(f"cannot create the folder {out}: a file of that name exists")
    if place.is_dir() and any(place.iterdir()):
        raise RunError(
            f"{out} holds files; nothing was touched: choose a folder that is new or empty"
        )


def _check_source(source: Path) -> None:
    if source.is_dir():
        ready = (source / "config.json").is_file() and (source / "model.safetensors").is_file()
        hint = f"it is a base already: --base {source}" if ready else "give the file of weights"
        if pickled_checkpoint(source) is not None:
            hint = "a Hugging Face directory tells its architecture itself: leave it out"
        message = "is a directory; convert reads one file of weights"
        raise BaseModelError(faults=[Fault(message, file=str(source), hint=hint)])
    if not source.is_file():
        raise BaseModelError(faults=[Fault("there is no such file", file=str(source))])


def _checked_input(size: Any, mean: Any, std: Any, resize: Any) -> dict[str, Any]:
    """What of the input is set otherwise than the architecture has it."""
    faults: list[Fault] = []
    changes: dict[str, Any] = {}
    if size is not None:
        changes["size"] = size
        if type(size) is not int or not 1 <= size <= LARGEST:
            faults.append(Fault(f"found {size!r}, allowed: 1 to {LARGEST}", field="size"))
    for field, value in (("mean", mean), ("std", std)):
        if value is not None:
            numbers = _three(value)
            changes[field] = numbers
            if not numbers or (field == "std" and min(numbers) <= 0):
                above = " above 0" if field == "std" else ""
                message = f"found {value!r}, allowed: one or three numbers{above}, as 0.5,0.5,0.5"
                faults.append(Fault(message, field=field))
    if resize is not None:
        changes["resize"] = resize
        if resize not in RESIZES:
            close = nearest(str(resize), RESIZES)
            message = f"found {resize!r}, allowed: {', '.join(RESIZES)}"
            hint = f"did you mean {close!r}?" if close else None
            faults.append(Fault(message, field="resize", hint=hint))
    if faults:
        raise ParameterError(faults=faults)
    return changes


def _three(value: Any) -> list[float]:
    """Three numbers; nothing where it holds others."""
    words = value.split(",") if isinstance(value, str) else value
    words = [words] if isinstance(words, (int, float)) else list(words)
    try:
        numbers = [float(word) for word in words]
    except (TypeError, ValueError):
        return []
    numbers = numbers * 3 if len(numbers) == 1 else numbers
    return numbers if len(numbers) == 3 and all(map(math.isfinite, numbers)) else []


def _written(table: StateDict, classes: int | None) -> dict[str, np.ndarray]:
    """What the base holds.

    A classifier that is not the architecture's is left out: features do not need it.
    """
    return {
        name: narrowed(array)
        for name, array in table.tensors.items()
        if classes is not None or not is_head(name)
    }


def _left_out(
    found: ForeignTensors, table: StateDict, tensors: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """Names of what the file holds besides: other tensors, and what is no tensor."""
    used = {table.path(name) for name in tensors}
    others = [path for path in found.tensors if path not in used]
    entries = [path for path, _ in found.left_out]
    names = [".".join(path) or "(the whole)" for path in [*others, *entries]]
    return {"left_out": names[:LISTED], "n_left_out": len(others) + found.n_left_out}
