"""One score of one metric, by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graftwork.errors import ParameterError
from graftwork.metrics import METRICS
from graftwork.metrics.counts import class_counts

if TYPE_CHECKING:
    import numpy as np

__all__ = ["score"]


def score(
    name: str,
    truth: np.ndarray,
    predicted: np.ndarray,
    k: int,
    *,
    probabilities: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> float:
    """The value of a metric.

    Args:
        name: a metric's name or alias.
        truth: int (n,) codes in 0 … k-1.
        predicted: int (n,) codes in 0 … k-1.
        k: number of classes.
        probabilities: (n, k), for the metrics that need them.
        weights: (n,) row weights.

    Raises:
        UnknownNameError: no such metric.
        ParameterError: the metric needs probabilities and there are none.
    """
    import numpy as np

    metric = METRICS.get(name)
    if metric.declaration.facts["needs"] == "labels":
        return float(metric(class_counts(truth, predicted, k, weights)))
    if probabilities is None:
        raise ParameterError(f"the metric {name!r} needs probabilities, and there are only labels")
    return float(np.average(metric(truth, probabilities), weights=weights))
