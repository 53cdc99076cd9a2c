"""Out-of-fold predictions of some candidates, and what may honestly be said of the best."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graftwork.metrics.scoring import score

__all__ = ["OutOfFold"]


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Predictions that no candidate made on rows it was fitted on.

    Attributes:
        names: one readable name a candidate.
        settings: plain values that rebuild each candidate.
        predicted: int32 (candidates, n) label codes.
        log_loss: float64 (candidates,), mean negative log probability of the right label.
        truth: int64 (n,) label codes.
        metric: the metric that chooses.
        n_classes: number of labels.
        best_probabilities: float32 (n, n_classes) of the best candidate.
        rows: int64 (n,), positions in the job's rows where only some of them were judged; None:
            all were.
    """

    names: list[str]
    settings: list[dict[str, Any]]
    predicted: np.ndarray
    log_loss: np.ndarray
    truth: np.ndarray
    metric: str
    n_classes: int
    best_probabilities: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    rows: np.ndarray | None = None

    def scores(self, rows: np.ndarray | None = None) -> np.ndarray:
        """float64 (candidates,): the metric of each, over all rows or those at `rows`."""
        where = slice(None) if rows is None else rows
        truth = self.truth[where]
        return np.asarray(
            [score(self.metric, truth, row[where], self.n_classes) for row in self.predicted]
        )

    def best(self, rows: np.ndarray | None = None) -> int:
        """The candidate with the best score; of equals, the one with the lower log loss."""
        scores = self.scores(rows)
        return int(np.lexsort((self.log_loss, -scores))[0])

    def cross_fitted(self, halves: np.ndarray) -> np.ndarray:
        """int32 (n,): predictions by the candidate that was chosen on the *other* half.

        What chose a candidate may not report its gain (winner's curse). `halves` is bool (n,).

        This takes away the better part of the curse, not all: the finalists were shortlisted by all
        rows, and folds tie the halves together (what is learnt on one half and fits the other by
        chance fits in the other direction too). On pure noise with 160 rows and 48 readouts the
        score is some four points above chance. It therefore decides between rungs, and a verdict
        rests on test rows alone.
        """
        out = np.empty(len(self.truth), dtype=np.int32)
        for half in (halves, ~halves):
            judge, choose = np.flatnonzero(half), np.flatnonzero(~half)
            out[judge] = self.predicted[self.best(choose if len(choose) else None), judge]
        return out

    def to_json(self) -> dict[str, Any]:
        """What the record keeps: candidates with their scores, best first."""
        scores = self.scores()
        order = np.lexsort((self.log_loss, -scores))
        return {
            "metric": self.metric,
            "rows": len(self.truth),
            "candidates": [
                {
                    "name": self.names[i],
                    "score": float(scores[i]),
                    "log_loss": float(self.log_loss[i]),
                    "settings": self.settings[i],
                }
                for i in order.tolist()
            ],
        }
