"""The vectors of pooled features: how wide each is, and where it lies in a flat row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from graftwork.bases.backbone import Backbone

__all__ = ["Vectors", "vectors_of"]


@dataclass(frozen=True)
class Vectors:
    """Widths of the vectors that `encode` gives for each layer and pooling.

    All are alike in a transformer. In the stages of a convolutional network they are not; `encode`
    then fills narrower ones with zeros behind, and whatever keeps features keeps flat rows without
    them: the vectors one after the other, layer by layer.

    Attributes:
        widths: numbers that count, by layer and pooling.
    """

    widths: tuple[tuple[int, ...], ...]

    @property
    def even(self) -> bool:
        """Whether all are of one width: nothing is filled up, nothing is flattened."""
        return len({width for layer in self.widths for width in layer}) <= 1

    def layer_widths(self, pooling: int) -> tuple[int, ...]:
        """Of every layer, in one pooling."""
        return tuple(layer[pooling] for layer in self.widths)

    @cached_property
    def _starts(self) -> list[list[int]]:
        starts: list[list[int]] = []
        place = 0
        for layer in self.widths:
            starts.append([])
            for width in layer:
                starts[-1].append(place)
                place += width
        return starts

    def flat(self, pooled: np.ndarray) -> np.ndarray:
        """(n, layers, poolings, d) as it is where all are even, else (n, sum of widths)."""
        if self.even:
            return pooled
        import numpy as np

        parts = [
            pooled[:, layer, pooling, :width]
            for layer, widths in enumerate(self.widths)
            for pooling, width in enumerate(widths)
        ]
        return np.concatenate(parts, axis=1)

    def view(self, kept: Any, layer: int, pooling: int) -> Any:
        """(n, d): one vector of rows that `flat` gave, or of a memory map of them."""
        if kept.ndim > 2:
            return kept[:, layer, pooling]
        start = self._starts[layer][pooling]
        return kept[:, start : start + self.widths[layer][pooling]]

    def views(self, kept: Any) -> Sequence[Any]:
        """Every vector of rows that `flat` gave."""
        layers, poolings = range(len(self.widths)), range(len(self.widths[0]))
        return [self.view(kept, layer, pooling) for layer in layers for pooling in poolings]


def vectors_of(backbone: Backbone) -> Vectors:
    """What a backbone says of its vectors: `vector_widths`, `widths` by layer, or `dim` for all."""
    own = getattr(backbone, "vector_widths", None)
    if own is not None:
        return Vectors(tuple(map(tuple, own)))
    widths = getattr(backbone, "widths", None)
    if widths is None:
        widths = (int(getattr(backbone, "dim", 0)),) * backbone.n_layers
    return Vectors(tuple((int(width),) * len(backbone.poolings) for width in widths))
