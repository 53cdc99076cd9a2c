"""A readout: which layers of a base are read, how pooled, mixed and standardised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graftwork.bases.vectors import Vectors
from graftwork.errors import ParameterError

__all__ = ["ROOT", "SCALES", "USUAL", "FittedReadout", "Readout", "readout_candidates"]

SCALES = ("zscore", "unit", "root")
USUAL = SCALES[:2]  # those that are tried where a backbone names no others
ROOT = 1e-2  # within the root, so that its slope at 0 stays finite where layers are tuned
MIXES = ("concat", "mean")
FEW_LAYERS = 8  # at most so many single layers are tried; deep bases are sampled evenly


@dataclass(frozen=True)
class Readout:
    """What a head reads of pooled features (n, layers, poolings, d).

    Attributes:
        layers: layer numbers, 0 being the embeddings.
        pooling: position in the backbone's `poolings`.
        mix: several layers side by side (``concat``) or averaged (``mean``).
        scale: ``zscore`` (each dimension centred and divided by its deviation), ``unit`` (each
            vector to length 1, then centred), or ``root`` (square roots that keep their sign, then
            as ``zscore``: for features of which a few are huge; Perronnin et al. 2010). All end
            with rows of mean squared length 1, so that one range of strengths suits them all.
    """

    layers: tuple[int, ...]
    pooling: int
    mix: str = "concat"
    scale: str = "zscore"

    def __post_init__(self) -> None:
        if not self.layers or self.mix not in MIXES or self.scale not in SCALES:
            raise ParameterError(f"not a readout: {self}")

    def raw(self, view: Callable[[int, int], np.ndarray]) -> np.ndarray:
        """float32 (n, d or d·layers) from a function that gives (layer, pooling) → (n, d)."""
        parts = [view(layer, self.pooling) for layer in self.layers]
        mixed = np.concatenate(parts, axis=1) if self.mix == "concat" else _average(parts)
        if self.scale == "unit":
            mixed /= np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-12)
        elif self.scale == "root":
            mixed = np.sign(mixed) * (np.sqrt(np.abs(mixed) + ROOT) - np.float32(ROOT**0.5))
        return mixed

    def fit(self, raw: np.ndarray) -> FittedReadout:
        """Learn the standardisation from training rows (n, d)."""
        mean = raw.mean(axis=0, dtype=np.float64)
        deviation = raw.std(axis=0, dtype=np.float64)
        if self.scale == "unit":
            deviation = np.full_like(deviation, np.sqrt(np.mean(deviation**2)))
        floor = 1e-6 * max(float(deviation.max(initial=0.0)), 1e-6)
        factor = 1.0 / (np.maximum(deviation, floor) * np.sqrt(raw.shape[1]))
        return FittedReadout(self, mean.astype(np.float32), factor.astype(np.float32))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "layers": list(self.layers),
            "pooling": self.pooling,
            "mix": self.mix,
            "scale": self.scale,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Readout:
        """The readout that `to_json` wrote."""
        return cls(tuple(value["layers"]), value["pooling"], value["mix"], value["scale"])

    def describe(self, poolings: tuple[str, ...]) -> str:
        """In words: ``layers 3 to 6 side by side, mean over tokens, z-scores``."""
        names = ", ".join(map(str, self.layers))
        mixed = {"concat": " side by side", "mean": " averaged"}[self.mix]
        layers = f"layer {names}" if len(self.layers) == 1 else f"layers {names}{mixed}"
        pooling = poolings[self.pooling] if self.pooling < len(poolings) else str(self.pooling)
        return f"{layers}, {pooling} pooling, {self.scale}"


@dataclass(frozen=True)
class FittedReadout:
    """A readout with its standardisation.

    Attributes:
        readout: what is read.
        mean, factor: float32 (d,): features are (raw − mean) · factor.
    """

    readout: Readout
    mean: np.ndarray
    factor: np.ndarray

    def apply(self, raw: np.ndarray) -> np.ndarray:
        """float32 (n, d) standardised features."""
        return (raw - self.mean) * self.factor


def readout_candidates(vectors: Vectors, scales: Sequence[str] = USUAL) -> Iterator[Readout]:
    """The readouts that are worth trying, the default (last layer, first pooling) first.

    Single layers, and the last two, four and all of them averaged or (up to four) side by side;
    each by every pooling and standardisation. Layers of different widths cannot be averaged: all of
    them stand side by side instead, as the stages of a convolutional network tell of different
    things.

    Args:
        vectors: how wide the vectors of each layer and pooling are.
        scales: standardisations to try.
    """
    n_layers = len(vectors.widths)
    even = [len(set(vectors.layer_widths(p))) == 1 for p in range(len(vectors.widths[0]))]
    for pooling, alike in enumerate(even):
        for layers, mix in _mixes(n_layers, alike):
            for scale in scales:
                yield Readout(layers, pooling, mix, scale)


def _mixes(n_layers: int, alike: bool) -> list[tuple[tuple[int, ...], str]]:
    """Layers and how they are mixed, the last one alone first."""
    last = n_layers - 1
    singles = sorted({last, *np.linspace(0, last, min(n_layers, FEW_LAYERS)).round().astype(int)})
    mixes: list[tuple[tuple[int, ...], str]] = [((int(layer),), "concat") for layer in singles]
    for depth in (2, 4, n_layers):
        if 1 < depth <= n_layers:
            layers = tuple(range(n_layers - depth, n_layers))
            if alike:
                mixes.append((layers, "mean"))
            if depth <= 4 or not alike:
                mixes.append((layers, "concat"))
    unique = list(dict.fromkeys(mixes))
    unique.sort(key=lambda mix: mix != ((last,), "concat"))
    return unique


def _average(parts: list[np.ndarray]) -> np.ndarray:
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return np.asarray(total / len(parts), dtype=np.float32)
