"""Is this directory a sound Hugging Face checkpoint? Asked before any library opens it."""

from __future__ import annotations

import json
from pathlib import Path
from shlex import quote
from typing import Any

from graftwork.errors import BaseModelError, Fault
from graftwork.storage.tensors import check_safetensors

__all__ = ["PROCESSOR", "TOKENIZER_FILES", "check_checkpoint", "weight_files"]

PROCESSOR = "preprocessor_config.json"  # how an image network wants its pictures
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "tokenizer.model")
_WEIGHTS = (".safetensors", ".pth", ".pt", ".th", ".bin")


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint, one or the shards that its index names."""
    single = folder / "model.safetensors"
    if single.is_file():
        return [single]
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = _json(index).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise BaseModelError(faults=[Fault("has no weight_map", file=str(index))])
        names = sorted({str(name) for name in shards.values()})
        faults = [
            Fault(f"{name!r} is no safetensors file of this folder", str(index), field="weight_map")
            for name in names
            if not _is_shard(name)
        ]
        if faults:
            raise BaseModelError(faults=faults)
        return [folder / name for name in names]
    return []


def _is_shard(name: str) -> bool:
    """A plain file name: transformers follows paths, and reads other endings as pickles."""
    return name.endswith(".safetensors") and not {"/", "\\", ":", "\0"} & set(name)


def check_checkpoint(folder: Path, *, tokenizer: bool = True) -> dict[str, Any]:
    """Check config, weights and processor of a checkpoint directory, without running any of it.

    Args:
        folder: the directory.
        tokenizer: True: a text network's, which needs one; False: an image network's, which needs
            an image processor.

    Returns:
        the parsed `config.json`.

    Raises:
        BaseModelError: everything that is wrong, at once.
    """
    faults: list[Fault] = []
    config: dict[str, Any] = {}
    where = str(folder)
    if not (folder / "config.json").is_file():
        message = "no config.json; a base directory needs one"
        faults.append(Fault(message, file=where, hint=_convertible(folder)))
    else:
        try:
            config = _json(folder / "config.json")
        except BaseModelError as error:
            faults.extend(error.faults)
        if config and "model_type" not in config:
            faults.append(Fault("config.json names no model_type", file=where, field="model_type"))
        faults.extend(_config_faults(config, where))
    faults.extend(_weight_faults(folder))
    if tokenizer and not _has_tokenizer(folder):
        names = ", ".join(TOKENIZER_FILES)
        faults.append(Fault(f"no tokenizer; one of {names} is needed", file=where))
    if not tokenizer and not (folder / PROCESSOR).is_file():
        message = f"no image processor; {PROCESSOR} is needed"
        hint = "the checkpoint comes with one: copy it beside config.json"
        faults.append(Fault(message, file=where, hint=hint))
    if faults:
        raise BaseModelError(f"base {where!r} cannot be used", faults=faults)
    return config


def _has_tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in TOKENIZER_FILES)


def _convertible(folder: Path) -> str | None:
    """What to do with bare weights, which may be an image network's; None where there are none."""
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in _WEIGHTS)
    if not files or _has_tokenizer(folder):
        return None
    command = f"graftwork convert {quote(str(files[0]))} --out FOLDER"
    return f"weights of an image network become a base by `{command}`"


def _config_faults(config: dict[str, Any], where: str) -> list[Fault]:
    """What a config asks for that is never done."""
    refused = {
        "auto_map": (
            "config.json asks for code of its own (auto_map); such code is never run",
            "only architectures that transformers itself knows can be used",
        ),
        "quantization_config": (
            "its weights are quantised (quantization_config), which cannot be read",
            "use the checkpoint in float32, bfloat16 or float16",
        ),
        "transformers_weights": (
            "config.json names a weight file of its own (transformers_weights)",
            "the weights must be model.safetensors or the shards of its index",
        ),
    }
    return [
        Fault(message, file=where, field=key, hint=hint)
        for key, (message, hint) in refused.items()
        if config.get(key) is not None
    ]


def _weight_faults(folder: Path) -> list[Fault]:
    try:
        files = weight_files(folder)
    except BaseModelError as error:
        return list(error.faults)
    if not files:
        foreign = sorted(p.name for p in folder.glob("*") if p.suffix in {".bin", ".pt", ".pth"})
        found = f"; found {', '.join(foreign)}, pickles, which no fit reads" if foreign else ""
        named = any(name.startswith("pytorch_model") for name in foreign)
        hint = f"graftwork convert {folder} --out FOLDER makes safetensors of them, safely"
        return [Fault(f"no model.safetensors{found}", str(folder), hint=hint if named else None)]
    faults = []
    for file in files:
        try:
            check_safetensors(file)
        except (OSError, ValueError) as error:
            faults.append(Fault(str(error)))
    return faults


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise BaseModelError(faults=[Fault(f"not valid JSON: {error}", file=str(path))]) from error
    if not isinstance(value, dict):
        raise BaseModelError(faults=[Fault("not a JSON object", file=str(path))])
    return value
