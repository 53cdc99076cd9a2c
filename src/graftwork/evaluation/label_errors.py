"""Labels that are most likely wrong, by confident learning on out-of-fold probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Suspects", "label_errors"]

_MANY = 0.25  # a share of suspects above which the model is the likelier one to be wrong


@dataclass(frozen=True, eq=False)
class Suspects:
    """Rows whose label is likely wrong, the most suspect first.

    Attributes:
        index: int64 (m,) positions among the rows that were looked at.
        given: int64 (m,) codes of the labels that they have.
        suggested: int64 (m,) codes of the labels that they may want.
        scores: float64 (m,) from 0.5 to 1, 1 being most suspect: half of one plus the margin by
            which the suggested label is likelier than the given one.
        looked_at: how many rows were looked at.
    """

    index: np.ndarray
    given: np.ndarray
    suggested: np.ndarray
    scores: np.ndarray
    looked_at: int

    def __len__(self) -> int:
        return len(self.index)

    @property
    def many(self) -> bool:
        """Whether there are so many that the model is likelier to be wrong than the labels."""
        return len(self) > _MANY * self.looked_at


def label_errors(codes: np.ndarray, probabilities: np.ndarray) -> Suspects:
    """The off-diagonal of the confident joint, ranked by margin (Northcutt et al. 2021).

    A row counts as confidently of class j where its probability of j is at least the mean that rows
    labelled j have for j: a threshold of each class's own, so that classes of which the model is
    never sure are judged by their own measure. Of several such classes the likeliest counts. A row
    confidently of another class than its label is suspect, if that class is also likelier than the
    label itself (without this, rows that the model gives their own label would be among them where
    the label's threshold is high).

    It needs no share of errors to be guessed, and finds what a model that learnt from the other
    rows would call otherwise: that is a mislabelled row, a row that fits both, or a row that the
    model does not understand.

    Args:
        codes: int (n,) labels as given.
        probabilities: float (n, k), made without the row itself (out of fold).

    Raises:
        ValueError: shapes do not agree.
    """
    codes = np.asarray(codes, dtype=np.int64)
    odds = np.asarray(probabilities, dtype=np.float64)
    if odds.ndim != 2 or len(odds) != len(codes):
        raise ValueError(f"{len(codes)} labels do not fit probabilities of the shape {odds.shape}")
    rows = np.arange(len(codes))
    own = odds[rows, codes]
    counts = np.bincount(codes, minlength=odds.shape[1])
    sums = np.bincount(codes, weights=own, minlength=odds.shape[1])
    # a class without rows has no threshold: nothing can be confidently of it
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    confident = np.where(odds >= thresholds, odds, -1.0)
    likeliest = confident.argmax(axis=1)
    suspect = (confident[rows, likeliest] >= 0) & (likeliest != codes)
    suspect &= odds[rows, likeliest] > own
    index = np.flatnonzero(suspect)
    scores = (1.0 + odds[index, likeliest[index]] - own[index]) / 2
    order = np.argsort(-scores, kind="stable")
    index = index[order]
    return Suspects(index, codes[index], likeliest[index], scores[order], len(codes))
