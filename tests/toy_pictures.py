"""Tiny real pictures and image networks made in code."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

SIZE = 64  # side of what enters the tiny networks, in pixels


def png(values: np.ndarray, name: str = "picture.png") -> Any:
    """A `Blob` of uint8 (h, w, 3)."""
    from PIL import Image

    from graftwork.data.blob import Blob

    stream = io.BytesIO()
    Image.fromarray(values).save(stream, format="PNG")
    return Blob.of_bytes(stream.getvalue(), name)


def pictures(n: int, seed: int = 0) -> list[Any]:
    """Pictures of various sizes, each a few coarse random fields of colour."""
    from PIL import Image

    random, made = np.random.default_rng(seed), []
    for number in range(n):
        coarse = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        size = tuple(int(side) for side in random.integers(24, 120, 2))
        values = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR))
        made.append(png(values, f"{seed}-{number}.png"))
    return made


def striped(n: int, seed: int = 0) -> tuple[list[Any], list[int]]:
    """(pictures, labels): stripes that lie (0) or stand (1), under noise."""
    random, made, labels = np.random.default_rng(seed), [], []
    for number in range(n):
        label = number % 2
        waves = 128 + 100 * np.sin(np.arange(SIZE) / random.uniform(2, 4) + random.uniform(0, 6))
        field = np.broadcast_to(waves if label else waves[:, None], (SIZE, SIZE))
        noisy = field[:, :, None] + random.normal(0, 20, (SIZE, SIZE, 3))
        made.append(png(np.clip(noisy, 0, 255).astype(np.uint8), f"{number}.png"))
        labels.append(label)
    return made, labels


def network(architecture: str, folder: Path, *, seed: int = 0, **changes: Any) -> Path:
    """Write an image base with random weights and a small input."""
    from graftwork.bases._convnet_config import default_config
    from graftwork.bases._convnet_loading import random_network, save_network

    config = default_config(architecture)
    config["input"] |= {"size": min(SIZE, config["input"]["size"]), **changes}
    folder.mkdir(parents=True, exist_ok=True)
    save_network(random_network(config, seed), config, folder)
    return folder


def rewrite(folder: Path, **changes: Any) -> Path:
    """Change what a base's `config.json` says."""
    told = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(told | changes), "utf-8")
    return folder


def patterns(n: int, seed: int = 0) -> tuple[list[Any], list[str]]:
    """(pictures, labels): stripes that lie, stand or slope, under noise; the labels of `toys`."""
    import toys

    random, names = np.random.default_rng(seed), list(toys.TOPICS)
    made, labels = [], []
    across, down = np.meshgrid(np.arange(32), np.arange(32))
    ways = (down, across, across + down)
    for number in range(n):
        label = number % len(names)
        waves = np.sin(ways[label] / random.uniform(1.5, 2.5) + random.uniform(0, 6))
        field = 128 + random.uniform(60, 110) * waves
        noisy = field[:, :, None] + random.normal(0, 25, (32, 32, 3))
        made.append(png(np.clip(noisy, 0, 255).astype(np.uint8), f"{seed}-{number}.png"))
        labels.append(names[label])
    return made, labels
