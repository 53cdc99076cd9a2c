"""What a backbone hands out when its weights shall be tuned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from graftwork.runtime.spread import Spread, in_one

if TYPE_CHECKING:
    import numpy as np

    from graftwork.bases.backbone import Backbone, Prepared

__all__ = ["Tunable"]


class Tunable(Protocol):
    """A copy of a backbone whose upper layers train; made by `Backbone.tunable`.

    Attributes:
        backbone: the frozen one that it was made from.
        boundary: number of the last frozen layer; 0: all layers train, only embeddings stand still.
        cached: whether `pooled` wants the stored states of layer `boundary`.
    """

    backbone: Any
    boundary: int
    cached: bool

    def parameters(self) -> Sequence[tuple[str, Any, int]]:
        """(name, torch parameter, depth) of all that trains; the layer next to the head has 1."""
        ...

    def sharing(self) -> Tunable:
        """Another that shares the memory of all weights, and has gradients of its own.

        Weights may be there in the precision of training; `renew` brings those up to date.
        """
        ...

    def renew(self, spread: Spread = in_one) -> None:
        """Tell what `sharing` gave of the weights as they are now, in shares."""
        ...

    def states(self, prepared: Prepared, index: np.ndarray) -> list[np.ndarray]:
        """Float32 (tokens, d) of each row: what enters the first layer that trains."""
        ...

    def pooled(
        self,
        prepared: Prepared,
        index: np.ndarray,
        wanted: Sequence[tuple[int, int]],
        states: Sequence[np.ndarray] | None,
    ) -> list[Any]:
        """Differentiable float32 (b, d) tensors, one for each (layer, pooling) wanted.

        Layers must lie above `boundary` (or be any where it is 0); `states` as `states` gave them.
        """
        ...

    def tensors(self) -> dict[str, np.ndarray]:
        """All weights that train, by name, copied."""
        ...

    def put(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Set the weights that train."""
        ...

    def finished(self) -> Backbone:
        """A frozen backbone with the weights as they are now."""
        ...
