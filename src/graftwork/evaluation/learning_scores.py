"""Held-out scores of heads on growing parts of the training rows, from stored features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graftwork.evaluation.controls import subset
from graftwork.features.convex import Head, balanced_weights, fit_path
from graftwork.features.sources import Source
from graftwork.metrics.scoring import score
from graftwork.runs.progress import Progress
from graftwork.runtime.threads import side_by_side
from graftwork.tasks.task import Task

__all__ = ["measure"]

SHARES = (0.125, 0.25, 0.5, 1.0)  # of a fold's training rows
TOLERANCE = 3e-3  # as in the search: a score needs no more digits
LEAST_ROWS_PER_CLASS = 2  # a share with fewer is left out: it would measure absent classes
# multiplications for all fits together, about ten seconds of one core; above, fewer folds and draws
MOST_WORK = 4e11
_PLANS = ((None, 3), (None, 2), (None, 1), (3, 1))  # (folds, draws), the best first


def measure(
    sources: Sequence[Source],
    codes: np.ndarray,
    folds: np.ndarray,
    task: Task,
    metric: str,
    *,
    strength: float,
    balanced: bool,
    seed: int,
    progress: Progress | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The held-out scores.

    Returns:
        float64 (sizes,) mean numbers of training rows, and float64 (folds, draws, sizes) scores.
    """
    progress = progress or Progress()
    for source in sources:
        source.warm()
    k = task.convex().n_outputs
    numbers = np.unique(folds)
    n_train = [int((folds != number).sum()) for number in numbers]
    shares = [s for s in SHARES if s == 1.0 or s * min(n_train) >= LEAST_ROWS_PER_CLASS * k]
    used, draws = _plan(sources, len(codes), k, len(numbers), shares)
    numbers, n_train = numbers[:used], n_train[:used]
    places = [(int(number), draw) for number in numbers for draw in range(draws)]

    def work(place: tuple[int, int]) -> list[float]:
        number, draw = place
        progress.check()
        # all rows are the same rows in every draw: fitted in the first alone
        mine = shares if draw == 0 else shares[:-1]
        sets = _nested(codes, np.flatnonzero(folds != number), mine, seed + 1 + draw)
        judge = np.flatnonzero(folds == number)
        found = []
        start: Head | None = None
        for rows in sets:
            predicted, start = _predict(
                sources, codes, rows, judge, task, strength, balanced, start
            )
            found.append(score(metric, codes[judge], predicted, k))
        return found

    out = np.full((len(numbers), draws, len(shares)), np.nan)
    with progress.step("learning curve", len(places)) as step:
        for i, found in enumerate(side_by_side(work, places)):
            out[i // draws, i % draws, : len(found)] = found
            step.advance()
    out[:, 1:, -1] = out[:, :1, -1]
    return np.mean(n_train) * np.asarray(shares), out


def _nested(
    codes: np.ndarray, train: np.ndarray, shares: Sequence[float], seed: int
) -> list[np.ndarray]:
    """Parts of the training rows, each within the next, with every class in all of them."""
    return [train[subset(codes[train], round(share * len(train)), seed)] for share in shares]


def _plan(
    sources: Sequence[Source], n: int, k: int, n_folds: int, shares: Sequence[float]
) -> tuple[int, int]:
    """(folds, draws) that the work allows, by size alone: the same on every machine."""
    few = np.arange(min(n, 64))
    width = 0.0
    for source in sources:
        block = source.fit(few).block(few)
        width += block.nnz / len(few) if hasattr(block, "indptr") else block.shape[1]
    full = n * (1 - 1 / n_folds) * width * (width + 120 * k)  # Gram matrix and thirty iterations
    for folds, draws in _PLANS:
        used = min(folds or n_folds, n_folds)
        if used * full * (1.0 + draws * sum(shares[:-1])) <= MOST_WORK:
            return used, draws
    return used, draws


def _predict(
    sources: Sequence[Source],
    codes: np.ndarray,
    train: np.ndarray,
    judge: np.ndarray,
    task: Task,
    strength: float,
    balanced: bool,
    start: Head | None,
) -> tuple[np.ndarray, Head | None]:
    """Codes predicted for `judge` by a head on `train`, and the head for a warm start."""
    fitted = [source.fit(train) for source in sources]
    blocks = [source.block(train) for source in fitted]
    if start is not None and any(
        weight.shape[0] != block.shape[1]
        for weight, block in zip(start.weights, blocks, strict=True)
    ):
        start = None  # a lexical table of more rows has more columns
    # from a weaker head where there is no start: a large C alone takes long
    path = [strength] if start is not None or strength <= 1 else [1.0, strength]
    head = fit_path(
        blocks,
        codes[train],
        task.convex(),
        path,
        sample_weight=balanced_weights(codes[train]) if balanced else None,
        start=start,
        tolerance=TOLERANCE,
    )[-1]
    scores = head.scores([source.block(judge) for source in fitted])
    return task.probabilities(scores).argmax(axis=1), head
