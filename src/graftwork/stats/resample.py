"""Bootstrap resamples of rows, counted by cell.

Resampling n rows with replacement is the same as drawing how often each *kind* of row occurs, and a
statistic of (truth, prediction, other prediction) only asks for kinds. So rows are first gathered
into cells; few cells make a draw nearly free at any n (accuracy has 2, a paired accuracy 3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

__all__ = ["RESAMPLES", "Cells", "draws", "gather"]

RESAMPLES = 2000  # the 2.5 % bound then stands on 50 values; more changes the third digit only
_NUMBERS_AT_ONCE = 4_000_000  # 32 MB of counts in memory, whatever the number of rows


@dataclass(frozen=True)
class Cells:
    """Rows gathered by what they are.

    Attributes:
        of_row: int (n,) the cell of each row.
        counts: int (c,) rows per cell.
        values: one (c,) array per given column: what the cell's rows hold.
    """

    of_row: np.ndarray
    counts: np.ndarray
    values: tuple[np.ndarray, ...]


def gather(*columns: np.ndarray) -> Cells:
    """Gather rows that agree in all columns, each (n,)."""
    joint = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        _, code = np.unique(column, return_inverse=True)
        _, joint = np.unique(joint * (code.max(initial=0) + 1) + code, return_inverse=True)
    _, first, counts = np.unique(joint, return_index=True, return_counts=True)
    return Cells(joint, counts, tuple(np.asarray(column)[first] for column in columns))


def draws(cells: Cells, resamples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Rows per cell in each resample, int64 (chunk, c), until `resamples` are drawn.

    Few cells are drawn from the multinomial, many by drawing rows; both are the same distribution,
    the cheaper one is taken.
    """
    n, c = len(cells.of_row), len(cells.counts)
    by_cell = c * 8 < n
    chunk = max(1, _NUMBERS_AT_ONCE // max(c if by_cell else n, 1))
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        if by_cell:
            yield rng.multinomial(n, cells.counts / n, size=size)
        else:
            picked = cells.of_row[rng.integers(0, n, size=(size, n))]
            picked += np.arange(size)[:, None] * c
            yield np.bincount(picked.ravel(), minlength=size * c).reshape(size, c)
