"""Blocks of features that a head can be fitted on, each fitted to the training rows of a fold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from graftwork.bases.backbone import Backbone, Prepared, Shape
from graftwork.features.readout import FittedReadout, Readout

if TYPE_CHECKING:
    from graftwork.features.stored import Stored

__all__ = ["DenseSource", "Fitted", "FittedDense", "FittedSparse", "Source", "SparseSource"]


class Fitted(Protocol):
    """A block whose statistics come from training rows."""

    def block(self, rows: np.ndarray) -> Any:
        """float32 (len(rows), d), dense or CSR."""
        ...


class Source(Protocol):
    """Where one block comes from."""

    @property
    def node(self) -> str:
        """Name of the feature node in the model's graph."""
        ...

    def warm(self) -> None:
        """Read what all folds share, before several of them run side by side."""
        ...

    def fit(self, rows: np.ndarray) -> Fitted:
        """Learn standardisation or vocabulary from the rows at `rows` alone."""
        ...


@dataclass(frozen=True, eq=False)
class DenseSource:
    """A readout of stored features.

    Attributes:
        node: name in the model's graph.
        stored: features of all rows of the job.
        readout: what is read of them.
        weight: factor on the block, relative to other blocks.
    """

    node: str
    stored: Stored
    readout: Readout
    weight: float = 1.0
    _raw: list[np.ndarray] = field(default_factory=list, repr=False)

    def raw(self) -> np.ndarray:
        """float32 (n, d) of all rows, read once and kept while this source lives."""
        if not self._raw:
            self._raw.append(self.readout.raw(self.stored.view))
        return self._raw[0]

    def warm(self) -> None:
        """Read the features."""
        self.raw()

    def fit(self, rows: np.ndarray) -> FittedDense:
        """Standardise by the rows at `rows`."""
        raw = self.raw()
        return FittedDense(self.node, self.raw, self.readout.fit(raw[rows]), self.weight)


@dataclass(frozen=True, eq=False)
class FittedDense:
    """A dense block standardised by training rows."""

    node: str
    raw: Callable[[], np.ndarray]
    readout: FittedReadout
    weight: float

    def block(self, rows: np.ndarray) -> np.ndarray:
        """float32 (len(rows), d)."""
        values = self.readout.apply(self.raw()[rows])
        return values if self.weight == 1.0 else values * np.float32(self.weight)


@dataclass(frozen=True, eq=False)
class SparseSource:
    """A backbone that is fitted to rows (TF-IDF), on inputs counted once.

    Attributes:
        node: name in the model's graph.
        backbone: has Capability.FIT and gives Shape.SPARSE.
        prepared: its `prepare` over all rows of the job.
        weight: factor λ on the block.
        fits: fitted tables by training rows, shared by sources that differ in weight alone.
    """

    node: str
    backbone: Backbone
    prepared: Prepared
    weight: float = 1.0
    fits: dict[bytes, FittedSparse] = field(default_factory=dict, repr=False)

    def warm(self) -> None:
        """Nothing: inputs are counted already."""

    def fit(self, rows: np.ndarray) -> FittedSparse:
        """Fit vocabulary and weights to the rows at `rows`."""
        key = _rows_key(rows)
        if key not in self.fits:
            fitted = self.backbone.fit(self.prepared, rows)  # type: ignore[attr-defined]
            self.fits[key] = FittedSparse(self.node, fitted, self.prepared, 1.0)
        return replace(self.fits[key], weight=self.weight)


@dataclass(frozen=True, eq=False)
class FittedSparse:
    """A sparse block whose backbone was fitted to training rows."""

    node: str
    backbone: Backbone
    prepared: Prepared
    weight: float
    blocks: dict[bytes, Any] = field(default_factory=dict, repr=False)

    def block(self, rows: np.ndarray) -> Any:
        """CSR float32 (len(rows), vocabulary)."""
        key = _rows_key(rows)
        if key not in self.blocks:
            self.blocks[key] = self.backbone.encode(self.prepared, rows, Shape.SPARSE)
        block = self.blocks[key]
        return block if self.weight == 1.0 else block * np.float32(self.weight)


def _rows_key(rows: np.ndarray) -> bytes:
    """What these very rows are found again by."""
    return hashlib.blake2b(np.ascontiguousarray(rows).tobytes(), digest_size=16).digest()
