"""The rows of a job as tuning wants them: tokens, states at the boundary, frozen features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from graftwork.bases.backbone import Prepared
    from graftwork.bases.tunable import Tunable
    from graftwork.features.boundary import BoundaryStates
    from graftwork.features.readout import Readout
    from graftwork.strategies.strategy import Job

__all__ = ["TunedColumn", "TunedRows", "seen"]


@dataclass(frozen=True, eq=False)
class TunedColumn:
    """One input of some rows.

    Attributes:
        prepared: after the processor.
        states: at the boundary, where there is one.
        frozen: float32 (n, d) of the readout's layers that do not train, by (layer, pooling). Those
            of altered views are the row's own: a pass through the whole base for each view would
            cost as much as the states, and does not predict better.
    """

    prepared: Prepared
    states: BoundaryStates | None
    frozen: dict[tuple[int, int], np.ndarray]


@dataclass(frozen=True, eq=False)
class TunedRows:
    """Some rows of a job.

    Attributes:
        columns: one an input, in the dataset's order, each with all versions of all rows.
        codes: int64 (n,) label codes.
        weights: float32 (n,) weights of rows, or None.
        lengths: int64 (n,), cost of each row over all inputs.
        views: versions of each row; the first is the row as it is.
    """

    columns: list[TunedColumn]
    codes: np.ndarray
    weights: np.ndarray | None
    lengths: np.ndarray
    views: int = 1

    @classmethod
    def of(
        cls,
        job: Job,
        tunable: Tunable,
        readout: Readout,
        weights: np.ndarray | None = None,
        altered: int = 0,
    ) -> TunedRows:
        """The rows of `job`: tokens made, states and frozen features looked up or computed.

        Args:
            job: its rows.
            tunable: of the base.
            readout: that the head reads.
            weights: float32 (n,) of rows, or None.
            altered: altered views of each row besides itself (augmentation).
        """
        from graftwork.features.boundary import boundary_states

        columns = []
        for inputs in job.dataset.take(job.rows).values():
            frozen = _frozen(job, tunable, readout, inputs)
            inputs = seen(inputs, altered, job)
            states = None
            if tunable.cached:
                states = boundary_states(
                    job.store, tunable, inputs, progress=job.progress, journal=job.journal
                )
            columns.append(TunedColumn(tunable.backbone.prepare(inputs), states, frozen))
        lengths = np.sum([column.prepared.lengths for column in columns], axis=0)
        codes = job.codes()
        return cls(columns, codes, weights, np.asarray(lengths)[: len(codes)], altered + 1)

    def __len__(self) -> int:
        return len(self.codes)


def seen(inputs: list[Any], altered: int, job: Job) -> list[Any]:
    """The inputs, and behind them all of them again in each of so many altered views."""
    if not altered:
        return inputs
    from graftwork.modalities import MODALITIES

    modality = MODALITIES.get(job.dataset.modality)()
    views = [modality.views(value, altered, job.seed) for value in inputs]
    return [*inputs, *(each[number] for number in range(altered) for each in views)]


def _frozen(
    job: Job, tunable: Tunable, readout: Readout, inputs: list[Any]
) -> dict[tuple[int, int], np.ndarray]:
    """Stored features of the readout's layers up to the boundary; the embeddings never train."""
    below = [layer for layer in readout.layers if tunable.cached and layer <= tunable.boundary]
    if not below:
        return {}
    stored = job.store.features(
        tunable.backbone, inputs, progress=job.progress, journal=job.journal
    )
    return {(layer, readout.pooling): stored.view(layer, readout.pooling) for layer in below}
