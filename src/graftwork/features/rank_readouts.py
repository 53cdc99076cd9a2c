"""Ranking many readouts quickly, by ridge regression out of fold, before any L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from graftwork.features.readout import Readout
from graftwork.features.ridge import ridge_scores
from graftwork.features.stored import Stored
from graftwork.metrics.scoring import score
from graftwork.runs.progress import Progress
from graftwork.runtime.threads import side_by_side
from graftwork.tasks.task import Task

__all__ = ["rank_readouts"]

RANKING_ROWS = 4000  # enough to tell readouts apart; the finalists are judged on all rows
ALPHAS = (1e-2, 1e-1, 1.0)  # relative to the mean variance of a feature


def rank_readouts(
    stored: Sequence[Stored],
    candidates: Sequence[Readout],
    codes: np.ndarray,
    folds: np.ndarray,
    task: Task,
    metric: str,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[tuple[Readout, float]]:
    """Readouts with their out-of-fold ridge score, best first.

    Args:
        stored: features of each input of the same rows (their blocks stand side by side).
        candidates: what to rank.
        codes: int64 (n,) label codes.
        folds: int (n,) fold of each row.
        task: gives what ridge regresses on.
        metric: what ranks.
        seed: draws the `RANKING_ROWS` rows where there are more.
        progress: advanced by one per readout.
    """
    progress = progress or Progress()
    rows = _sample(codes, seed)
    truth, part = codes[rows], folds[rows]
    indicator = task.convex().indicator(truth)
    smaller = [features.take(rows) for features in stored]
    views = [_Views(features.view) for features in smaller]
    for view in views:
        view.read({(layer, r.pooling) for r in candidates for layer in r.layers})

    def work(readout: Readout) -> float:
        progress.check()
        raws = [readout.raw(view) for view in views]
        x = np.concatenate([readout.fit(raw).apply(raw) for raw in raws], axis=1)
        scores = ridge_scores(x, indicator, part, ALPHAS)
        k = indicator.shape[1]
        return max(score(metric, truth, s.argmax(axis=1), k) for s in scores.values())

    ranked = []
    with progress.step("ranking readouts", len(candidates)) as step:
        for readout, best in zip(candidates, side_by_side(work, candidates), strict=True):
            ranked.append((readout, float(best)))
            step.advance()
    order = sorted(range(len(ranked)), key=lambda i: (-ranked[i][1], i))
    return [ranked[i] for i in order]


class _Views:
    """Views of stored features, read from disk once however many readouts use them."""

    def __init__(self, view: Callable[[int, int], np.ndarray]) -> None:
        self._view = view
        self._kept: dict[tuple[int, int], np.ndarray] = {}

    def read(self, wanted: set[tuple[int, int]]) -> None:
        """Read these views now (before several workers ask for them)."""
        for layer, pooling in sorted(wanted):
            self._kept[layer, pooling] = self._view(layer, pooling)

    def __call__(self, layer: int, pooling: int) -> np.ndarray:
        return self._kept[layer, pooling]


def _sample(codes: np.ndarray, seed: int) -> np.ndarray:
    if len(codes) <= RANKING_ROWS:
        return np.arange(len(codes))
    chosen = np.random.default_rng(seed).permutation(len(codes))[:RANKING_ROWS]
    return np.sort(chosen)
