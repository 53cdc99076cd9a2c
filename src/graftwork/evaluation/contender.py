"""Who is compared: predictions on test rows, with a name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

__all__ = ["Contender", "Control"]


@dataclass(frozen=True, kw_only=True)
class Contender:
    """Predictions of one model on the test rows, or on some of them.

    Attributes:
        name: short word, a key in `metrics.json`.
        title: what people read ("frozen MiniLM with a linear head").
        predicted: int (m,) label codes.
        probabilities: float (m, k), or None.
        index: int (m,) positions among the test rows that are covered; None: all, in order.
        seconds: what its fit took.
        note: one sentence that the report adds.
    """

    name: str
    title: str
    predicted: np.ndarray
    probabilities: np.ndarray | None = None
    index: np.ndarray | None = None
    seconds: float | None = None
    note: str = ""

    def rows(self) -> np.ndarray:
        """Int (m,) positions of the covered test rows."""
        return np.arange(len(self.predicted)) if self.index is None else self.index

    def only(self, keep: np.ndarray) -> Self:
        """The same on the test rows where `keep`, bool (n,), holds; positions stay as they were."""
        rows = self.rows()
        mine = keep[rows]
        odds = None if self.probabilities is None else self.probabilities[mine]
        return replace(self, predicted=self.predicted[mine], probabilities=odds, index=rows[mine])

    def check(self, n: int, k: int) -> None:
        """Raise ValueError where predictions do not fit `n` test rows and `k` classes."""
        m = len(self.predicted)
        if m != len(self.rows()) or (self.index is None and m != n):
            raise ValueError(f"{self.name}: {m} predictions do not fit {n} test rows")
        if m and not (int(self.predicted.min()) >= 0 and int(self.predicted.max()) < k):
            raise ValueError(f"{self.name}: predicted codes leave 0 … {k - 1}")
        if self.probabilities is not None and self.probabilities.shape != (m, k):
            shape = self.probabilities.shape
            raise ValueError(f"{self.name}: probabilities are {shape}, not {(m, k)}")


@dataclass(frozen=True, kw_only=True)
class Control(Contender):
    """What transfer must beat.

    A control that covers some rows only, or was trained on fewer, is met by transfer trained on
    those same rows: `against` holds those predictions.

    Attributes:
        against: int (m,) codes that transfer predicts for the same rows; None: the main ones.
        against_probabilities: float (m, k), for metrics that need them.
    """

    against: np.ndarray | None = None
    against_probabilities: np.ndarray | None = None

    def only(self, keep: np.ndarray) -> Self:
        """As `Contender.only`, the side of transfer included."""
        mine = keep[self.rows()]
        against, odds = self.against, self.against_probabilities
        return replace(
            super().only(keep),
            against=None if against is None else against[mine],
            against_probabilities=None if odds is None else odds[mine],
        )

    def check(self, n: int, k: int) -> None:
        """As `Contender.check`, the side of transfer included."""
        super().check(n, k)
        if self.against is not None and len(self.against) != len(self.predicted):
            raise ValueError(f"{self.name}: {len(self.against)} predictions of transfer to meet")

    def opponent(self, transfer: Contender) -> Contender:
        """Transfer on this control's rows.

        Raises:
            ValueError: transfer does not cover them.
        """
        rows = self.rows()
        if self.against is not None:
            return Contender(
                name=transfer.name,
                title=transfer.title,
                predicted=self.against,
                probabilities=self.against_probabilities,
                index=rows,
            )
        place = {int(row): i for i, row in enumerate(transfer.rows())}
        try:
            mine = np.array([place[int(row)] for row in rows], dtype=np.int64)
        except KeyError as error:
            raise ValueError(f"{transfer.name} has no prediction for row {error}") from None
        odds = None if transfer.probabilities is None else transfer.probabilities[mine]
        return replace(transfer, predicted=transfer.predicted[mine], probabilities=odds, index=rows)
