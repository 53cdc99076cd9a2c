"""Feature blocks as one linear operator, with a preconditioner for each block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from scipy.linalg import cho_solve, cholesky

from graftwork.errors import DataError, ParameterError
from graftwork.features._narrow import narrowed

__all__ = ["Design", "Preconditioner"]

# Rare columns are fitted early, where their curvature is soon spent; measured on TF-IDF of
# Banking77 (C = 10), 69 iterations with all of it, 59 with a tenth.
SPARSE_SHARE = 0.1

_ALIGNED = 16  # floats in a cache line: SciPy's CSR product is twice as fast on whole lines


# Multiplications in one product from which on two threads pay (about 5 ms)
LARGE = 500_000_000


def _is_sparse(block: Any) -> bool:
    return hasattr(block, "indptr")


def _checked(blocks: Sequence[Any]) -> list[Any]:
    if not blocks:
        raise ParameterError("a head needs at least one block of features")
    if len({block.shape[0] for block in blocks}) != 1:
        sizes = ", ".join(str(block.shape[0]) for block in blocks)
        raise ParameterError(f"the blocks of features have different numbers of rows: {sizes}")
    made = []
    for position, block in enumerate(blocks):
        values = block.data if _is_sparse(block) else block
        if not np.isfinite(values).all():
            raise DataError(f"block {position} of the features holds NaN or infinite values")
        if _is_sparse(block):
            made.append(block.tocsr().astype(np.float32, copy=False))
        else:
            made.append(np.ascontiguousarray(block, dtype=np.float32))
    return made


class Design:
    """Blocks side by side: `forward` gives scores, `backward` gives gradients.

    A dense block that is wider than it has rows is narrowed to as many columns (`lifts` holds the
    way back); `parameters` and `weights` go from a head to its parameters and back.

    Parameters are one float32 array (width + 1, padded outputs): the rows of each block in turn,
    the bias last. Outputs are padded to whole cache lines where a block is sparse.

    Args:
        blocks: dense float (n, d) arrays or SciPy CSR matrices, all with n rows.
        n_outputs: number of scores a row.

    Raises:
        ParameterError: no block, or different numbers of rows.
        DataError: a value is NaN or infinite.
    """

    def __init__(self, blocks: Sequence[Any], n_outputs: int) -> None:
        self.blocks: list[Any] = []
        self.lifts: list[np.ndarray | None] = []
        for block in _checked(blocks):
            rows, lift = (block, None) if _is_sparse(block) else narrowed(block)
            self.blocks.append(rows)
            self.lifts.append(lift)
        self.n_rows = int(self.blocks[0].shape[0])
        self.n_outputs = n_outputs
        self.parts = _halves(self.n_rows, sum(_size(block) for block in self.blocks) * n_outputs)
        self.rows = [[block[part] for part in self.parts] for block in self.blocks]
        self.transposed = [
            [rows.T.tocsr() if _is_sparse(rows) else rows.T for rows in block]
            for block in self.rows
        ]
        self.sparse = any(_is_sparse(block) for block in self.blocks)
        pad = -n_outputs % _ALIGNED if self.sparse and n_outputs >= _ALIGNED // 2 else 0
        self.columns = n_outputs + pad
        ends = np.cumsum([block.shape[1] for block in self.blocks]).tolist()
        self.slices = [slice(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
        self.width = int(ends[-1])

    def zeros(self) -> np.ndarray:
        """Parameters that are all zero, float32 (width + 1, columns)."""
        return np.zeros((self.width + 1, self.columns), np.float32)

    def parameters(self, weights: Sequence[np.ndarray], bias: np.ndarray) -> np.ndarray:
        """Parameters of a head: (d_i, n_outputs) weights a block, as wide as the blocks came."""
        found = self.zeros()
        for weight, where, lift in zip(weights, self.slices, self.lifts, strict=True):
            found[where, : self.n_outputs] = weight if lift is None else lift.T @ weight
        found[-1, : self.n_outputs] = bias
        return found

    def weights(self, parameters: np.ndarray) -> list[np.ndarray]:
        """Float32 (d_i, n_outputs) weights a block, as wide as the blocks came."""
        found = []
        for where, lift in zip(self.slices, self.lifts, strict=True):
            mine = parameters[where, : self.n_outputs]
            found.append(mine.copy() if lift is None else lift @ mine)
        return found

    @property
    def widths(self) -> list[int]:
        """Features of each block, as it came."""
        pairs = zip(self.blocks, self.lifts, strict=True)
        return [int(b.shape[1] if lift is None else lift.shape[0]) for b, lift in pairs]

    def forward(self, parameters: np.ndarray) -> np.ndarray:
        """Scores float32 (n, columns) of all rows."""
        total = np.empty((self.n_rows, self.columns), np.float32)

        def work(number: int) -> None:
            part = np.tile(parameters[-1], (self.parts[number].stop - self.parts[number].start, 1))
            for rows, where in zip(self.rows, self.slices, strict=True):
                part += rows[number] @ parameters[where]
            total[self.parts[number]] = part

        self._each(work)
        return total

    def backward(self, residual: np.ndarray) -> np.ndarray:
        """Gradient (width + 1, columns) from the gradient with respect to the scores."""

        def work(number: int) -> np.ndarray:
            out = np.empty((self.width + 1, self.columns), np.float32)
            mine = residual[self.parts[number]]
            for block, where in zip(self.transposed, self.slices, strict=True):
                out[where] = block[number] @ mine
            out[-1] = mine.sum(axis=0)
            return out

        first, *rest = self._each(work)
        for other in rest:
            first += other
        return np.asarray(first)

    def weighted_gram(self, position: int, curvature: np.ndarray, bias: bool) -> np.ndarray:
        """Xᵀ diag(c) X of a dense block, float32; with `bias` a column of ones is added to X."""
        width = self.blocks[position].shape[1]

        def work(number: int) -> np.ndarray:
            rows = self.rows[position][number]
            weighted = rows * curvature[self.parts[number], None]
            gram = np.zeros((width + bias, width + bias), np.float32)
            np.matmul(rows.T, weighted, out=gram[:width, :width])
            if bias:
                gram[width, :width] = gram[:width, width] = weighted.sum(axis=0)
                gram[width, width] = curvature[self.parts[number]].sum()
            return gram

        return np.asarray(sum(self._each(work)))

    def _each(self, work: Callable[[int], Any]) -> list[Any]:
        """`work` of every part: two at a time where the design is large."""
        numbers = range(len(self.parts))
        if len(self.parts) == 1:
            return [work(number) for number in numbers]
        with ThreadPoolExecutor(max_workers=len(self.parts)) as pool:
            return list(pool.map(work, numbers))


def _size(block: Any) -> int:
    """Numbers that a product with the block reads."""
    return int(block.nnz if _is_sparse(block) else block.size)


def _halves(n_rows: int, work: int) -> list[slice]:
    """Two halves of the rows of a large design, for two threads; else all rows as one part.

    By size alone and not by the number of cores, so that the sums, and with them the last bits of
    a head, are the same on every machine.
    """
    if work < LARGE:
        return [slice(0, n_rows)]
    middle = n_rows // 2
    return [slice(0, middle), slice(middle, n_rows)]


class Preconditioner:
    """Approximate inverse Hessian: a Cholesky factor for dense blocks, a diagonal for sparse ones.

    Where row i of the loss has curvature cᵢ in its scores, the Hessian of a column of weights is
    about Xᵀ diag(c) X + α (Böhning 1992 bounds it so for the softmax). The bias is joined to the
    first dense block, with which it is most entangled.

    Args:
        design: the blocks.
    """

    def __init__(self, design: Design) -> None:
        self.design = design
        dense = [i for i, block in enumerate(design.blocks) if not _is_sparse(block)]
        self.with_bias = dense[0] if dense else None
        self.dense: dict[int, tuple[np.ndarray, float]] = {}
        self.squared: dict[int, Any] = {}
        for position, block in enumerate(design.blocks):
            if _is_sparse(block):
                self.squared[position] = block.T.tocsr()
                self.squared[position].data **= 2

    def set(self, curvature: np.ndarray, penalty: float) -> None:
        """Build the inverses.

        Args:
            curvature: float32 (n,), weight of the row times the mean curvature of its loss.
            penalty: α.
        """
        self.inverses: list[np.ndarray] = []
        total = float(curvature.sum())
        self.bias = np.float32(1.0 / float(curvature.sum()))
        for position, block in enumerate(self.design.blocks):
            if _is_sparse(block):
                diagonal = np.asarray(self.squared[position] @ curvature).ravel()
                diagonal = SPARSE_SHARE * diagonal + penalty
                self.inverses.append((1.0 / diagonal).astype(np.float32))
            else:
                if position not in self.dense:
                    hessian = self.design.weighted_gram(
                        position, curvature, position == self.with_bias
                    )
                    self.dense[position] = hessian, total
                hessian, then = self.dense[position]
                # Along a path the curvature falls, but about alike everywhere: its scale is enough,
                # and the product that costs most is made once.
                hessian = hessian * np.float32(total / then)
                _add_ridge(hessian, penalty, block.shape[1])
                self.inverses.append(cholesky(hessian, lower=True, overwrite_a=True))

    def __call__(self, gradient: np.ndarray) -> np.ndarray:
        """The approximate inverse Hessian times `gradient`, as a new array."""
        out = np.empty_like(gradient)
        out[-1] = gradient[-1] * self.bias
        for position, inverse in enumerate(self.inverses):
            where = self.design.slices[position]
            if inverse.ndim == 1:
                np.multiply(gradient[where], inverse[:, None], out=out[where])
            elif position == self.with_bias:
                both = _solve(inverse, np.vstack([gradient[where], gradient[-1:]]))
                out[where], out[-1] = both[:-1], both[-1]
            else:
                out[where] = _solve(inverse, gradient[where])
        return out


def _solve(factor: np.ndarray, right: np.ndarray) -> np.ndarray:
    """A⁻¹ right from the lower Cholesky factor of A: a tenth of the price of an inverse."""
    return np.asarray(cho_solve((factor, True), right, overwrite_b=False, check_finite=False))


def _add_ridge(hessian: np.ndarray, penalty: float, width: int) -> None:
    """α on the diagonal of the weights, none on the bias, in place."""
    ridge = np.full(len(hessian), penalty)
    ridge[width:] = 0.0
    # Float32 needs a floor well above its rounding for a factor that is positive definite.
    ridge += 1e-6 * float(np.trace(hessian)) / np.sqrt(len(hessian)) + 1e-30
    hessian[np.diag_indices_from(hessian)] += ridge.astype(np.float32)
