"""How the score grows with the number of labels, and what twice as many would bring.

Heads with the settings already chosen are fitted on nested parts of each fold's training rows and
judged on the rows held out; features are stored, so no base runs. To the mean errors a power law
a + b·n^-c is fitted (Hestness et al. 2017; Viering & Loog 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graftwork.evaluation.learning_scores import measure
from graftwork.evaluation.power_law import PowerLaw, fit_power_law, fit_power_laws
from graftwork.features.sources import Source
from graftwork.runs.progress import Progress
from graftwork.stats.interval import Interval, percentile_interval
from graftwork.stats.resample import RESAMPLES
from graftwork.tasks.task import Task

__all__ = ["Curve", "CurvePoint", "learning_curve", "read_curve"]


@dataclass(frozen=True)
class CurvePoint:
    """The score with so many training rows.

    Attributes:
        rows: mean number of training rows over the folds.
        score: of the metric, held out, with its interval.
    """

    rows: int
    score: Interval


@dataclass(frozen=True)
class Curve:
    """A measured learning curve and what it says of twice the labels.

    Attributes:
        metric: of the scores.
        points: by rising number of rows.
        rows: from where on labels are doubled.
        gain: what twice as many would bring; None where the points do not say.
        law: the fitted power law of the error; None where there is none.
        sentence: all that in plain words.
    """

    metric: str
    points: tuple[CurvePoint, ...]
    rows: int
    gain: Interval | None
    law: PowerLaw | None
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """Plain values: ``points``, ``twice`` (None where unknown), ``sentence``, ``law``."""
        twice = None
        if self.gain is not None and self.law is not None:
            told = self.gain.to_json()
            twice = {
                "rows": 2 * self.rows,
                "score": 1.0 - self.law.at(2 * self.rows),
                "gain": told["value"],
                "low": told["low"],
                "high": told["high"],
            }
        return {
            "metric": self.metric,
            "points": [
                {
                    "rows": point.rows,
                    "score": point.score.value,
                    "low": point.score.to_json()["low"],
                    "high": point.score.to_json()["high"],
                }
                for point in self.points
            ],
            "twice": twice,
            "law": None if self.law is None else self.law.to_json(),
            "sentence": self.sentence,
        }


def learning_curve(
    sources: Sequence[Source],
    codes: np.ndarray,
    folds: np.ndarray,
    task: Task,
    metric: str,
    *,
    strength: float,
    balanced: bool = False,
    rows: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Curve:
    """Measure the curve and say what twice the labels would bring.

    Args:
        sources: blocks of features of the n rows, as chosen.
        codes: int64 (n,) labels.
        folds: int (n,) fold of each row.
        task: gives loss and probabilities.
        metric: over labels, more is better, 1 is perfect.
        strength: C of the head, as chosen.
        balanced: whether rows are weighted so that labels count alike, as chosen.
        rows: labelled rows that there are in all, where these n are a part of them.
        seed: of the parts and the resamples.
        progress: advanced by one per fold and draw.
    """
    sizes, scores = measure(
        sources,
        codes,
        folds,
        task,
        metric,
        strength=strength,
        balanced=balanced,
        seed=seed,
        progress=progress,
    )
    return read_curve(metric, sizes, scores, rows or len(codes), seed=seed)


def read_curve(
    metric: str, sizes: np.ndarray, scores: np.ndarray, rows: int, *, seed: int
) -> Curve:
    """Points with intervals, the power law, and what twice the labels would bring.

    Intervals by a bootstrap over folds, and in each over draws (the n of its widening is that of
    the folds). The gain is told from the number of rows that there are, where the curve comes near
    it, else from its own end.

    Args:
        metric: name, for the sentence.
        sizes: float (m,) numbers of training rows, rising.
        scores: float (folds, draws, m).
        rows: labelled rows that there are in all.
        seed: of the resamples.
    """
    n_folds, n_draws, _ = scores.shape
    rng = np.random.default_rng(seed)
    picked = rng.integers(0, n_folds, (RESAMPLES, n_folds))
    drawn = rng.integers(0, n_draws, (RESAMPLES, n_folds, n_draws))
    resampled = scores[picked[:, :, None], drawn].mean(axis=(1, 2))  # (RESAMPLES, m)
    mean = scores.mean(axis=(0, 1))
    points = tuple(
        CurvePoint(
            round(float(size)),
            percentile_interval(float(value), resampled[:, i], n_folds).clipped(-1.0, 1.0),
        )
        for i, (size, value) in enumerate(zip(sizes, mean, strict=True))
    )
    # beyond twice its end the curve is not believed: then it is told from its end
    base = rows if rows <= 2 * sizes[-1] else round(float(sizes[-1]))
    reason = _unfit(sizes, mean, resampled)
    if reason:
        return Curve(metric, points, base, None, None, _unknown(reason))
    # very few rows may not lie on the law yet (Hestness et al. 2017): then without the first point
    for used in (slice(None), slice(1, None))[: 2 if len(sizes) > 3 else 1]:
        law = fit_power_law(sizes[used], 1.0 - mean[used])
        if law.residual <= _tolerated(resampled[:, used]):
            break
    else:
        reason = "the measured points do not lie on a curve of the usual kind"
        return Curve(metric, points, base, None, None, _unknown(reason))
    laws = fit_power_laws(sizes[used], 1.0 - resampled[:, used])
    gains = np.asarray([_gain(each, base) for each in laws])
    gain = percentile_interval(_gain(law, base), gains, n_folds)
    return Curve(metric, points, base, gain, law, _sentence(metric, base, rows, gain))


def _gain(law: PowerLaw, rows: int) -> float:
    return float(law.at(rows) - law.at(2 * rows))


def _unfit(sizes: np.ndarray, mean: np.ndarray, resampled: np.ndarray) -> str:
    """Why no curve should be drawn through the points, or nothing."""
    if len(sizes) < 3:
        return "there are too few rows per class to measure it with fewer"
    worse = float((resampled[:, -1] <= resampled[:, 0]).mean())
    if mean[-1] <= mean[0] or worse > 0.05:
        return "the score does not grow measurably with the number of labels"
    return ""


def _tolerated(resampled: np.ndarray) -> float:
    """How far points may lie off the curve: twice their own error, half a point at least."""
    shape = resampled - resampled.mean(axis=1, keepdims=True)  # what moves all alike is no misfit
    return max(0.005, 2.0 * float(np.sqrt((shape.std(axis=0) ** 2).mean())))


def _unknown(reason: str) -> str:
    return f"What twice the labels would bring cannot be told: {reason}."


def _sentence(metric: str, base: int, rows: int, gain: Interval) -> str:
    points = f"{100 * gain.value:+.1f} points of {metric.replace('_', ' ')}"
    span = f"95 % interval {100 * gain.low:+.1f} to {100 * gain.high:+.1f}"
    often = f"{2 * base:,} in place of {base:,}"
    told = f"Twice the labels ({often}) would bring about {points} ({span})"
    if base != rows:
        return (
            f"{told}. The curve was measured up to there; you have {rows:,} labelled rows already, "
            "so expect less of twice as many."
        )
    if gain.low < 0.0005:  # shown as 0.0; the law never falls, so that it is never below 0
        return f"{told}: perhaps nothing."
    return f"{told}."
