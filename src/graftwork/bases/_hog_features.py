"""Histograms of oriented gradients, and of colours, of one picture; numpy alone."""

from __future__ import annotations

import numpy as np

__all__ = ["colours", "gradients"]

CLIP = 0.2  # of a block's length: one strong edge must not outshine the rest
TINY = 1e-6


def gradients(pixels: np.ndarray, cell: int, orientations: int) -> np.ndarray:
    """Float32 ((c − 1)² · 4 · orientations,): HOG, blocks of 2 × 2 cells, each of length 1.

    Dalal & Triggs 2005: of each pixel the colour with the steepest change counts, its direction
    (without sign) is shared between the two nearest bins, and a block is scaled to length 1, cut at
    0.2 and scaled again.

    Args:
        pixels: uint8 (side, side, 3), side a multiple of `cell`.
        cell: pixels on a side of a cell.
        orientations: bins of half a turn.
    """
    light = np.sqrt(pixels.astype(np.float32) / 255)  # shadows count as much as lights
    down, right = np.zeros_like(light), np.zeros_like(light)
    down[1:-1] = light[2:] - light[:-2]
    right[:, 1:-1] = light[:, 2:] - light[:, :-2]
    steepest = (down * down + right * right).argmax(axis=2)[:, :, None]
    down, right = (np.take_along_axis(part, steepest, 2)[:, :, 0] for part in (down, right))
    turn = np.arctan2(down, right) % np.pi * np.float32(orientations / np.pi) - np.float32(0.5)
    lower = np.floor(turn)
    strength, upper_share = np.hypot(down, right), turn - lower
    n = len(pixels) // cell
    first = _cells(len(pixels), n) * orientations
    lower = lower.astype(np.int64)
    found = _sums(first + lower % orientations, strength * (1 - upper_share), n * n * orientations)
    found += _sums(first + (lower + 1) % orientations, strength * upper_share, len(found))
    cells = found.reshape(n, n, orientations)
    corners = (cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:])
    blocks = np.concatenate(corners, axis=2).reshape((n - 1) ** 2, 4 * orientations)
    return _unit(np.minimum(_unit(blocks), np.float32(CLIP))).ravel()


def colours(pixels: np.ndarray, bins: tuple[int, int, int], grids: tuple[int, ...]) -> np.ndarray:
    """Float32: roots of the shares of hue, saturation and brightness in each field of each grid.

    The root makes the plain product of two pictures the overlap of their histograms (Hellinger).

    Args:
        pixels: uint8 (side, side, 3) of hue, saturation and brightness.
        bins: of each of the three.
        grids: fields on a side: 1 is the whole picture, 3 its 3 × 3 parts.
    """
    shares = []
    for grid in grids:
        field = _cells(len(pixels), grid)
        size = np.bincount(field.ravel(), minlength=grid * grid)[:, None]
        for channel, count in enumerate(bins):
            level = pixels[:, :, channel].astype(np.int64) * count // 256
            found = _sums(field * count + level, np.ones(level.shape), grid * grid * count)
            shares.append(np.sqrt(found.reshape(-1, count) / size).ravel())
    return np.concatenate(shares).astype(np.float32)


def _cells(side: int, n: int) -> np.ndarray:
    """Int64 (side, side): number of the cell that each pixel lies in, of n × n."""
    place = np.arange(side) * n // side
    return np.asarray(place[:, None] * n + place[None])


def _sums(where: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    """Float32 (n,): sums of the values that belong to each number."""
    return np.bincount(where.ravel(), values.ravel(), n).astype(np.float32)


def _unit(rows: np.ndarray) -> np.ndarray:
    """Each row scaled to length 1; one of zeros stays."""
    return np.asarray(rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True) + np.float32(TINY)))
