"""Choosing among candidate heads out of fold, without fitting all of them in every fold.

All candidates run in the first folds (as many as judge `FIRST_ROWS` rows); the best few go on to
the rest. The early rounds cost most of a full grid's time otherwise, and decide little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graftwork.features.convex import balanced_weights, fit_path
from graftwork.features.out_of_fold import OutOfFold
from graftwork.features.sources import Source
from graftwork.metrics.scoring import score
from graftwork.runs.progress import Progress, Step
from graftwork.runtime.threads import side_by_side
from graftwork.tasks.task import Task

__all__ = ["Entry", "race"]

FIRST_ROWS = 1000
FINALISTS = 4
SEARCH_TOLERANCE = 3e-3  # a choice needs no more digits than this; the final head gets them


@dataclass(frozen=True)
class Entry:
    """A candidate's blocks with the strengths to try on them.

    Attributes:
        name: for people.
        settings: plain values that rebuild it (the strength is added as ``strength``).
        sources: its blocks.
        strengths: values of C, ascending; one fit path.
        balanced: whether rows are weighted so that labels count alike.
    """

    name: str
    settings: dict[str, Any]
    sources: Sequence[Source]
    strengths: Sequence[float]
    balanced: bool = False


@dataclass
class _Tally:
    """Predictions of one (entry, strength) as folds come in."""

    entry: int
    strength: float
    predicted: np.ndarray
    probabilities: np.ndarray


def race(
    entries: Sequence[Entry],
    codes: np.ndarray,
    folds: np.ndarray,
    task: Task,
    metric: str,
    *,
    finalists: int = FINALISTS,
    progress: Progress | None = None,
    title: str = "choosing",
) -> OutOfFold:
    """Run the candidates through the folds and keep the finalists' out-of-fold predictions.

    Args:
        entries: the candidates.
        codes: int64 (n,) label codes.
        folds: int (n,) fold of each row.
        task: gives the convex loss and the probabilities.
        metric: what chooses.
        finalists: how many (entry, strength) pairs see every fold.
        progress: advanced by one per fit path.
        title: words for the progress bar.
    """
    progress = progress or Progress()
    numbers = np.unique(folds)
    sizes = np.cumsum([np.sum(folds == number) for number in numbers])
    n_first = min(int(np.searchsorted(sizes, FIRST_ROWS)) + 1, len(numbers))
    first, rest = numbers[:n_first], numbers[n_first:]
    k = task.convex().n_outputs
    tallies = [
        _Tally(i, strength, np.zeros(len(codes), np.int32), np.zeros((len(codes), k), np.float32))
        for i, entry in enumerate(entries)
        for strength in entry.strengths
    ]
    with progress.step(title, len(entries) * len(first)) as step:
        _run(tallies, entries, codes, folds, first, task, step)
    judged = np.isin(folds, first)
    if len(rest):
        tallies = _best(tallies, codes, judged, metric, k, finalists)
        with progress.step(title, len({t.entry for t in tallies}) * len(rest)) as step:
            _run(tallies, entries, codes, folds, rest, task, step)
    return _collect(tallies, entries, codes, metric, k)


def _run(
    tallies: list[_Tally],
    entries: Sequence[Entry],
    codes: np.ndarray,
    folds: np.ndarray,
    numbers: np.ndarray,
    task: Task,
    step: Step,
) -> None:
    """Fit every entry's path in the folds `numbers` and note what it predicts there."""
    mine: dict[int, list[_Tally]] = {}
    for tally in tallies:
        mine.setdefault(tally.entry, []).append(tally)
    for source in {id(s): s for i in mine for s in entries[i].sources}.values():
        source.warm()  # read once here, not in several workers at a time

    def work(place: tuple[int, int]) -> list[np.ndarray]:
        entry, number = place
        step.progress.check()
        strengths = [tally.strength for tally in mine[entry]]
        train, judge = np.flatnonzero(folds != number), np.flatnonzero(folds == number)
        return _path(entries[entry], codes, train, judge, task, strengths)

    places = [(entry, int(number)) for entry in mine for number in numbers]
    for (entry, number), found in zip(places, side_by_side(work, places), strict=True):
        judge = np.flatnonzero(folds == number)
        for tally, probabilities in zip(mine[entry], found, strict=True):
            tally.probabilities[judge] = probabilities
            tally.predicted[judge] = probabilities.argmax(axis=1)
        step.advance()


def _path(
    entry: Entry,
    codes: np.ndarray,
    train: np.ndarray,
    judge: np.ndarray,
    task: Task,
    strengths: list[float],
) -> list[np.ndarray]:
    """Probabilities (len(judge), k) for each strength, fitted on `train`, warm from weak C up."""
    fitted = [source.fit(train) for source in entry.sources]
    heads = fit_path(
        [source.block(train) for source in fitted],
        codes[train],
        task.convex(),
        strengths,
        sample_weight=balanced_weights(codes[train]) if entry.balanced else None,
        tolerance=SEARCH_TOLERANCE,
    )
    blocks = [source.block(judge) for source in fitted]
    return [task.probabilities(head.scores(blocks)) for head in heads]


def _best(
    tallies: list[_Tally], codes: np.ndarray, judged: np.ndarray, metric: str, k: int, keep: int
) -> list[_Tally]:
    rows = np.flatnonzero(judged)
    keys = [
        (-score(metric, codes[rows], tally.predicted[rows], k), _log_loss(tally, codes, rows))
        for tally in tallies
    ]
    order = sorted(range(len(tallies)), key=lambda i: keys[i])
    return [tallies[i] for i in sorted(order[:keep])]


def _log_loss(tally: _Tally, codes: np.ndarray, rows: np.ndarray) -> float:
    right = tally.probabilities[rows, codes[rows]]
    return float(-np.log(np.maximum(right, 1e-12)).mean())


def _collect(
    tallies: list[_Tally], entries: Sequence[Entry], codes: np.ndarray, metric: str, k: int
) -> OutOfFold:
    rows = np.arange(len(codes))
    found = OutOfFold(
        names=[f"{entries[t.entry].name}, C {t.strength:g}" for t in tallies],
        settings=[
            {
                **entries[t.entry].settings,
                "strength": t.strength,
                "balanced": entries[t.entry].balanced,
            }
            for t in tallies
        ],
        predicted=np.stack([t.predicted for t in tallies]),
        log_loss=np.asarray([_log_loss(t, codes, rows) for t in tallies]),
        truth=codes,
        metric=metric,
        n_classes=k,
    )
    best = tallies[found.best()].probabilities
    return OutOfFold(**{**found.__dict__, "best_probabilities": best})
