"""What a race among candidate heads will take, from one fit of each on a few rows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import issparse

from graftwork.features.convex import balanced_weights, fit_path
from graftwork.features.race import FIRST_ROWS, SEARCH_TOLERANCE, Entry
from graftwork.runtime.threads import cores, side_by_side
from graftwork.tasks.task import Task

__all__ = ["SAMPLE", "race_seconds", "times_longer"]

SAMPLE = 400  # rows that each candidate is fitted on to measure it
LATER = 2  # candidates that go on behind the first folds, about: finalists share theirs


def race_seconds(
    entries: Sequence[Entry], codes: np.ndarray, folds: np.ndarray, task: Task
) -> float:
    """Seconds of a `race` of these candidates.

    Args:
        entries: the candidates, their sources those of the sampled rows.
        codes: int64 (m,) label codes of the sampled rows.
        folds: int (n,) fold of each row of the whole race.
        task: gives the convex loss.
    """

    def work(entry: Entry) -> float:
        """Seconds of one path on as many rows as a fold learns from."""
        begun = time.perf_counter()
        rows = np.arange(len(codes))
        blocks = [source.fit(rows).block(rows) for source in entry.sources]
        weight = balanced_weights(codes) if entry.balanced else None
        fit_path(
            blocks,
            codes,
            task.convex(),
            list(entry.strengths),
            sample_weight=weight,
            tolerance=SEARCH_TOLERANCE,
        )
        return (time.perf_counter() - begun) * _times(blocks, learnt)

    sizes = np.asarray([np.sum(folds == number) for number in np.unique(folds)])
    learnt = float(len(folds) - sizes.mean())
    first = min(int(np.searchsorted(np.cumsum(sizes), FIRST_ROWS)) + 1, len(sizes))
    spent = list(side_by_side(work, entries))
    later = min(LATER, len(entries)) * float(np.mean(spent)) * (len(sizes) - first)
    return (sum(spent) * first + later) / min(cores(), len(entries))


def _times(blocks: Sequence[Any], rows: float) -> float:
    """How much longer a fit on so many rows takes than on those of the blocks.

    Of a table a step costs its filled cells; for others see `times_longer`.
    """
    measured = blocks[0].shape[0]
    if any(issparse(block) for block in blocks):
        return rows / measured
    return times_longer(rows, measured, sum(block.shape[1] for block in blocks))


def times_longer(rows: float, measured: int, width: int) -> float:
    """How much longer a fit on so many rows of `width` dimensions takes than on `measured` ones.

    A step costs rows x dimensions; where there are fewer rows than dimensions a head is found in
    the rows' own span, and a step costs rows x rows.
    """
    return rows * min(rows, width) / (measured * min(measured, width))
