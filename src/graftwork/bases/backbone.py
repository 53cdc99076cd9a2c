"""The face of every backbone."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np

    from graftwork.registry import Declaration

__all__ = ["Backbone", "Capability", "Prepared", "Shape"]


class Shape(StrEnum):
    """The shapes of features that a task can ask for."""

    # float (n, layers, poolings, d): a vector a layer and pooling; `vectors`: where widths differ
    POOLED = "pooled"
    TOKENS = "tokens"  # ragged (n, tokens, d)
    MAP = "map"  # float (n, channels, height, width)
    SPARSE = "sparse"  # scipy CSR (n, vocabulary)


class Capability(StrEnum):
    """What only some backbones can; asked by `supports` and refused with a reason."""

    FIT = "fit"  # is fitted to rows, done inside each fold
    TRAIN = "train"  # its weights can be tuned
    BOUNDARY = "boundary"  # its upper layers can be fed with stored hidden states
    LORA = "lora"  # has linear layers that take low-rank adapters


@runtime_checkable
class Prepared(Protocol):
    """Inputs after the processor (tokens, pixels, counts), with the cost of each row known.

    `lengths` is int (n,): the cost of each row in the backbone's own unit (tokens for text), so
    that batches can be planned before anything runs.
    """

    lengths: np.ndarray

    def __len__(self) -> int: ...


@runtime_checkable
class Backbone(Protocol):
    """Turns inputs into features.

    Attributes:
        kind: the declared name of its kind (``huggingface``, ``lexical``, …).
        modality: a key of `modalities/`.
        n_layers: number of layers that give features (embeddings count as layer 0); 1 for tables.
        poolings: names of the vectors per layer (``mean``, ``first``, ``last``); () for sparse.
        shapes: what `encode` can give.

    What only some have: `loaders`, the classes of transformers that open what `save` writes
    (network, processor); `extras`, those of this package that it needs; `hints`, a `TuningHints`.
    """

    declaration: ClassVar[Declaration]
    kind: str
    modality: str
    n_layers: int
    poolings: tuple[str, ...]
    shapes: frozenset[Shape]

    def fingerprint(self) -> str:
        """Hash over all that changes the features: weights, processor settings, precision."""
        ...

    def supports(self, capability: Capability) -> bool:
        """Whether the backbone can do that."""
        ...

    def prepare(self, inputs: Sequence[Any]) -> Prepared:
        """Run the processor over `inputs`; nothing of the network runs."""
        ...

    def encode(self, prepared: Prepared, index: np.ndarray, shape: Shape) -> Any:
        """Features of the rows at `index`, in that order, as one batch of the network.

        Raises:
            UnsupportedError: the shape is not among `shapes`.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write the backbone to an existing empty folder (safetensors and JSON only)."""
        ...

    def describe(self) -> dict[str, Any]:
        """Plain facts for `info`, cards and records (architecture, size, source, licence)."""
        ...
