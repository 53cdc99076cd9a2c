"""A picture cut into 7 × 7 patches: without some of them, and with what each of them counts."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from functools import lru_cache

import numpy as np
from PIL import Image

from graftwork.data.blob import Blob
from graftwork.modalities.picture_views import seen

__all__ = ["SIDE", "names", "overlay", "without"]

SIDE = 7
SHORTER = 512  # pixels of the shorter side that are enough for every base
LONGER = 448  # of an overlay
STRONGEST = 0.65  # how much of the picture the strongest colour covers
FOR, AGAINST = (214, 39, 40), (31, 119, 180)  # red and blue, told apart by the colour-blind too


def names() -> list[str]:
    """Words for the patches, row by row."""
    return [f"row {row + 1}, column {column + 1}" for row in range(SIDE) for column in range(SIDE)]


def without(value: Blob, left_out: Collection[int]) -> Blob:
    """The picture with those patches filled by its mean colour, as PNG.

    A larger picture than any base reads is made smaller, so that 49 of them are quickly done.
    """
    pixels = _small(value).copy()
    mean = np.rint(pixels.mean(axis=(0, 1))).astype(np.uint8)
    down, right = _edges(pixels.shape[0]), _edges(pixels.shape[1])
    for number in set(left_out):
        row, column = divmod(number, SIDE)
        pixels[down[row] : down[row + 1], right[column] : right[column + 1]] = mean
    return Blob.of_bytes(_png(Image.fromarray(pixels)), value.name)


def overlay(value: Blob, importances: Sequence[float]) -> bytes:
    """PNG of the picture, its longer side 448, in red where a patch speaks for the label.

    Blue speaks against it; the more important, the stronger. The picture itself is shown half grey,
    so that its own colours are not taken for importance.

    Args:
        value: the picture.
        importances: of the 49 patches, row by row.

    Raises:
        ValueError: there are not 49 of them.
    """
    grid = np.asarray(importances, np.float32)
    if grid.shape != (SIDE * SIDE,):
        raise ValueError(f"{len(importances)} importances; a picture has {SIDE * SIDE} patches")
    picture = seen(value, size=LONGER)
    scale = LONGER / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    picture = picture.resize(size, Image.Resampling.BICUBIC)
    pale = (np.asarray(picture, np.float32) + np.asarray(picture.convert("L"))[..., None]) / 2
    strongest = float(np.abs(grid).max())
    heat = Image.fromarray(grid.reshape(SIDE, SIDE) / max(strongest, 1e-12))
    signed = np.asarray(heat.resize(size, Image.Resampling.BILINEAR))[..., None]
    cover = STRONGEST * np.abs(signed)
    tint = np.where(signed > 0, np.asarray(FOR, np.float32), np.asarray(AGAINST, np.float32))
    mixed = pale * (1 - cover) + tint * cover
    return _png(Image.fromarray(np.rint(mixed).clip(0, 255).astype(np.uint8)))


@lru_cache(maxsize=4)
def _small(value: Blob) -> np.ndarray:
    """Uint8 (height, width, 3); kept, since it is asked for once for each patch."""
    picture = seen(value, size=SHORTER)
    scale = SHORTER / min(picture.size)
    if scale < 1:
        size = (round(picture.width * scale), round(picture.height * scale))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(picture)


def _edges(length: int) -> list[int]:
    return [round(length * i / SIDE) for i in range(SIDE + 1)]


def _png(picture: Image.Image) -> bytes:
    held = io.BytesIO()
    picture.save(held, format="PNG", compress_level=1)
    return held.getvalue()
