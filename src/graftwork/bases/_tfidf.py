"""Arithmetic on tables of counts: choosing columns, weighing, scaling."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

__all__ = ["document_frequency", "most_frequent", "normalise", "positions", "select", "weigh"]


def positions(names: list[str], known: list[str]) -> np.ndarray:
    """int64: where each name stands in `known`, or −1."""
    import numpy as np

    at = {name: i for i, name in enumerate(known)}
    return np.fromiter((at.get(name, -1) for name in names), np.int64, len(names))


def document_frequency(matrix: csr_matrix, rows: np.ndarray) -> np.ndarray:
    """int64 (columns,): number of those rows in which each n-gram occurs."""
    import numpy as np

    return np.bincount(matrix[rows].indices, minlength=matrix.shape[1])


def most_frequent(frequency: np.ndarray, minimum: int, bound: int) -> np.ndarray:
    """Columns of at least that frequency, ascending; the first of equals wins where too many."""
    import numpy as np

    kept = np.flatnonzero(frequency >= minimum)
    if len(kept) > bound:
        order = np.argsort(-frequency[kept], kind="stable")
        kept = np.sort(kept[order[:bound]])
    return kept


def select(counts: csr_matrix, columns: np.ndarray, width: int) -> csr_matrix:
    """Float32 counts with each column moved to `columns` (ascending), unknown ones left out."""
    import numpy as np
    from scipy.sparse import csr_matrix

    moved = columns[counts.indices]
    known = moved >= 0
    before = np.concatenate([[0], np.cumsum(known)])
    return csr_matrix(
        (
            counts.data[known].astype(np.float32),
            moved[known].astype(np.int32),
            before[counts.indptr].astype(np.int32),
        ),
        shape=(counts.shape[0], width),
    )


def weigh(block: csr_matrix, idf: np.ndarray) -> None:
    """(1 + ln tf) · idf, each row scaled to length 1, in place."""
    import numpy as np

    np.log(block.data, out=block.data)
    block.data += 1.0
    block.data *= idf[block.indices]
    normalise(block)


def normalise(block: csr_matrix) -> None:
    """Each row scaled to length 1, in place; a row of zeros stays."""
    import numpy as np

    lengths = np.diff(block.indptr)
    full = np.flatnonzero(lengths)
    squares = np.add.reduceat(block.data.astype(np.float64) ** 2, block.indptr[:-1][full])
    if len(full):
        block.data *= np.repeat((1 / np.sqrt(squares)).astype(np.float32), lengths[full])
