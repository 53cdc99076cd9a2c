"""Metrics of predicted probabilities: one value per row, the score is their mean.

Row values make intervals plain (a mean's) and pair two models row by row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graftwork.registry import declare

if TYPE_CHECKING:
    import numpy as np

__all__ = ["brier", "log_loss"]


@declare(
    "log_loss",
    title="Log loss: mean of -log of the probability given to the true class; lower is better",
    aliases=("log-loss", "cross_entropy", "nll"),
    higher_is_better=False,
    needs="probabilities",
    sklearn="log_loss",
    unit="score",
    range=(0.0, None),
)
def log_loss(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Per row (n,): minus the log of the true class's probability.

    Args:
        truth: int (n,) codes.
        probabilities: float (n, k), rows summing to 1; clipped by the type's epsilon as in
            scikit-learn, so that one sure mistake stays finite.
    """
    import numpy as np

    given = probabilities[np.arange(len(truth)), truth]
    tiny = np.finfo(probabilities.dtype).eps
    values: np.ndarray = -np.log(np.clip(given.astype(float), tiny, 1 - tiny))
    return values


@declare(
    "brier",
    title="Brier score: mean squared distance of probabilities from the truth; lower is better",
    source="Brier 1950, Verification of forecasts expressed in terms of probability",
    aliases=("brier_score",),
    higher_is_better=False,
    needs="probabilities",
    sklearn="brier_score_loss",
    unit="score",
    range=(0.0, 2.0),
)
def brier(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Per row (n,): squared distance from the truth's indicator.

    For two classes it is halved, so that it lies in 0 … 1 (scikit-learn's `scale_by_half="auto"`).
    """
    import numpy as np

    given = probabilities.astype(float)
    true = given[np.arange(len(truth)), truth]
    distance: np.ndarray = (given**2).sum(1) - true**2 + (1 - true) ** 2
    if given.shape[1] == 2:
        distance = distance / 2
    return distance
