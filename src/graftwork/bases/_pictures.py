"""Pictures on their way into a backbone: nothing is read before a batch asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from graftwork.data.blob import Blob

__all__ = ["COST", "Pictures"]

# What a picture costs beside a text's tokens, so that batch plans made in tokens give a CPU batches
# of eight: measured quickest, the maps of more no longer fit the caches.
COST = 128

Made = TypeVar("Made")


class Pictures:
    """Inputs of an image backbone, prepared.

    Args:
        inputs: n pictures; None is one without content.
        cost: of each, in the unit of batch plans.
        workers: threads that decode one batch (more than one where batches come one by one).

    Attributes:
        lengths: int64 (n,), the cost of each: all are resized to one size.
    """

    def __init__(self, inputs: Sequence[Blob | None], cost: int = COST, workers: int = 1) -> None:
        self.inputs = list(inputs)
        self.workers = workers
        self.lengths = np.full(len(self.inputs), cost, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.inputs)

    def each(self, index: np.ndarray, work: Callable[[Blob | None], Made]) -> Iterator[Made]:
        """What `work` makes of the pictures at `index`, in order."""
        chosen = [self.inputs[i] for i in np.asarray(index).tolist()]
        if self.workers == 1:
            yield from map(work, chosen)
        else:
            with ThreadPoolExecutor(self.workers) as pool:
                yield from pool.map(work, chosen)
