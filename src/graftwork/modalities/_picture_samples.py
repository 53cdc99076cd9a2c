"""Pictures that need no file: drawn from numbers, the same on every machine."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from graftwork.data.blob import Blob

__all__ = ["samples"]

SHORTEST, LONGEST = 120, 320  # pixels


def samples(count: int) -> list[Blob]:
    """That many different pictures, as PNG: fields of colour under a grain."""
    random, made = np.random.default_rng(7), []
    for number in range(count):
        fields = tuple(int(each) for each in random.integers(2, 9, 2))
        width, height = (int(each) for each in random.integers(SHORTEST, LONGEST, 2))
        coarse = Image.fromarray(random.integers(0, 256, (*fields, 3), dtype=np.uint8))
        # the nearest field, not a blend: blends differ in the last bit between releases of Pillow
        values = np.asarray(coarse.resize((width, height), Image.Resampling.NEAREST), np.int16)
        grain = random.integers(-12, 13, (height, width, 1), dtype=np.int16)
        held = io.BytesIO()
        picture = Image.fromarray((values + grain).clip(0, 255).astype(np.uint8))
        picture.save(held, format="PNG", compress_level=1)
        made.append(Blob.of_bytes(held.getvalue(), f"sample {number + 1}.png"))
    return made
