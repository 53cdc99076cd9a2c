"""The pictures of the image benches, and the shared weights as base directories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import WORK
from protocol import data_folder

__all__ = ["ARCHITECTURES", "base_of", "classes", "clothing", "input_of", "subset"]

# Shared weights by name: the architecture that they are of. ImageNet's, but for the last three.
ARCHITECTURES = {
    "squeezenet1_0": "squeezenet1_0",
    "squeezenet1_1": "squeezenet1_1",
    "mobilenet_v1_0.25": "mobilenet_v1_0.25",
    "mobilenet_v1_1.0_backbone": "mobilenet_v1_1.0",
    "mobilenet_v2_1.0": "mobilenet_v2",
    "darknet_tiny": "darknet_tiny",
    "resnet20_cifar10": "resnet20_cifar",
    "resnet32_cifar10": "resnet32_cifar",
    "resnet56_cifar10": "resnet56_cifar",
}


def clothing() -> Path:
    """Clothes photographed by volunteers: train, validation and test with ten classes in each."""
    folder = data_folder() / "clothing10"
    if not folder.is_dir():
        raise SystemExit(f"{folder} is not there")
    return folder


def base_of(weights: str) -> Path:
    """A base directory made of shared weights by `convert`, once."""
    import graftwork

    folder = WORK / "bases" / weights
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        source = data_folder() / "weights" / weights / f"{weights}.safetensors"
        graftwork.convert(source, architecture=ARCHITECTURES[weights], out=folder)
    return folder


def subset(folder: Path, per_class: int) -> Path:
    """The same folders with links to the first files of each class (`--quick`)."""
    for part in ("train", "validation", "test"):
        for name in sorted(each.name for each in (clothing() / part).iterdir()):
            place = folder / part / name
            place.mkdir(parents=True, exist_ok=True)
            for file in sorted((clothing() / part / name).iterdir())[:per_class]:
                target = place / file.name
                if not target.exists():
                    target.write_bytes(file.read_bytes())
    return folder


def classes() -> list[str]:
    """Names of the ten."""
    return sorted(each.name for each in (clothing() / "train").iterdir())


def input_of(base: Path) -> dict[str, Any]:
    """Size, mean and deviation that the base wants."""
    import json

    found: dict[str, Any] = json.loads((base / "config.json").read_text("utf-8"))["input"]
    return found
