"""Linear heads on stored features: one convex optimum, found quickly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graftwork.errors import ParameterError
from graftwork.features._design import Design, Preconditioner
from graftwork.features._quasi_newton import Evaluate, Linear, minimise

if TYPE_CHECKING:
    from graftwork.tasks.task import ConvexLoss

__all__ = ["Head", "balanced_weights", "fit_head", "fit_path"]

TOLERANCE = 1e-4
MAX_ITERATIONS = 300
CURVATURE_STEP = 0.5
APPROACH_FACTOR, APPROACH_FROM = 16.0, 2.0  # a C is approached by way of so much weaker ones
APPROACH_TOLERANCE = 1e-2


@dataclass(frozen=True)
class Head:
    """A linear head over blocks of features.

    Attributes:
        weights: one float32 (d_i, k) a block.
        bias: float32 (k,).
        n_iterations: iterations that it took.
        converged: False where the iterations ran out.
        objective: weighted mean loss plus penalty at the head.
    """

    weights: list[np.ndarray]
    bias: np.ndarray
    n_iterations: int = 0
    converged: bool = True
    objective: float = float("nan")

    def scores(self, blocks: Sequence[Any]) -> np.ndarray:
        """float32 (n, k) scores of rows, given as the blocks that the head was fitted on."""
        if len(blocks) != len(self.weights):
            raise ParameterError(
                f"the head reads {len(self.weights)} blocks of features, got {len(blocks)}"
            )
        total = np.tile(self.bias, (blocks[0].shape[0], 1))
        for block, weight in zip(blocks, self.weights, strict=True):
            total += block.astype(np.float32, copy=False) @ weight
        return np.asarray(total, dtype=np.float32)


def balanced_weights(codes: np.ndarray) -> np.ndarray:
    """float32 (n,) row weights that give every label that occurs the same total; their mean is 1.

    Args:
        codes: int64 (n,) label codes.
    """
    counts = np.bincount(codes)
    present = int((counts > 0).sum())
    return np.asarray(len(codes) / (present * np.maximum(counts, 1))[codes], dtype=np.float32)


def fit_head(
    blocks: Sequence[Any],
    targets: np.ndarray,
    loss: ConvexLoss,
    *,
    strength: float,
    sample_weight: np.ndarray | None = None,
    start: Head | None = None,
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
) -> Head:
    """Fit one linear head to all blocks together.

    Minimises weighted mean loss + 1/(2·C·Σ sample_weight)·Σ‖W_i‖²; the bias is not penalised. This
    is scikit-learn's objective for `LogisticRegression(C=strength)`. Preconditioned L-BFGS in
    float32 (Liu & Nocedal 1989), deterministic for a given number of BLAS threads.

    Args:
        blocks: dense float (n, d_i) arrays and SciPy CSR matrices, n rows each.
        targets: (n,), as `Task.encode` gives them.
        loss: the task's convex loss.
        strength: C, above 0; larger means less regularisation.
        sample_weight: float (n,), not negative; None gives every row 1.
        start: a head on the same blocks to begin from (its strength may differ).
        tolerance: ends when the gain still to be expected is below this share of the objective.
        max_iterations: ends there in any case.

    Raises:
        ParameterError: a parameter or a shape is not allowed.
        DataError: the features hold NaN or infinite values.
    """
    return fit_path(
        blocks,
        targets,
        loss,
        [strength],
        sample_weight=sample_weight,
        start=start,
        tolerance=tolerance,
        max_iterations=max_iterations,
    )[0]


def fit_path(
    blocks: Sequence[Any],
    targets: np.ndarray,
    loss: ConvexLoss,
    strengths: Sequence[float],
    *,
    sample_weight: np.ndarray | None = None,
    start: Head | None = None,
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
) -> list[Head]:
    """Heads for several strengths, in the order given.

    They are fitted from the smallest C to the largest, each beginning at the one before; Gram
    matrices and transposes are made once. With a sparse block others lie on the way to a C that is
    far above the one before it, roughly fitted. Arguments and errors as in `fit_head`.
    """
    _check(strengths, targets, blocks, tolerance, max_iterations)
    design = Design(blocks, loss.n_outputs)
    weights, total = _weights(sample_weight, design.n_rows)
    precondition = Preconditioner(design)
    parameters = _from_head(design, start)
    heads: dict[float, Head] = {}
    asked = sorted(set(strengths))
    for strength in _way(strengths, begun=start is not None) if design.sparse else asked:
        penalty = 1.0 / (strength * total)
        problem = Linear(
            design.forward, design.backward, _evaluator(design, loss, targets, weights), penalty
        )
        curvature = _curvature(problem.loss, design.forward(parameters), design.n_outputs)
        precondition.set(curvature, penalty)
        found = minimise(
            problem,
            parameters,
            precondition,
            tolerance=tolerance if strength in asked else max(tolerance, APPROACH_TOLERANCE),
            max_iterations=max_iterations,
        )
        parameters = found.parameters
        heads[strength] = Head(
            design.weights(parameters),
            parameters[-1, : loss.n_outputs].copy(),
            found.n_iterations,
            found.converged,
            found.value,
        )
    return [heads[strength] for strength in strengths]


def _way(strengths: Sequence[float], *, begun: bool) -> list[float]:
    """The strengths, ascending, and others on the way to each that is far above the one before.

    The preconditioner is exact for dense blocks, for sparse ones diagonal and as good as the
    curvature that it was made from: at zero far from that of a large C. CLINC150 with TF-IDF and
    C = 1000 took three times as long at once as by way of weaker ones.

    Args:
        strengths: those that are asked for.
        begun: the first is not approached, as there is a head to begin at.
    """
    way: list[float] = []
    for strength in sorted(set(strengths)):
        if way or not begun:
            way += _approach(strength, way[-1] if way else 0.0)
        way.append(strength)
    return way


def _approach(strength: float, above: float) -> list[float]:
    """Strengths between `above` and one, a constant factor apart, ascending."""
    way: list[float] = []
    while (strength := strength / APPROACH_FACTOR) >= APPROACH_FROM and strength > above:
        way.insert(0, strength)
    return way


def _evaluator(design: Design, loss: ConvexLoss, targets: np.ndarray, weights: np.ndarray) -> Any:
    k = design.n_outputs

    def evaluate(scores: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = loss.value_and_gradient(scores[:, :k], targets, weights)
        if not np.shares_memory(gradient, scores):
            scores[:, :k] = gradient
        scores[:, k:] = 0.0
        return value, scores

    return evaluate


def _curvature(loss: Evaluate, scores: np.ndarray, n_outputs: int) -> np.ndarray:
    """float32 (n,): mean curvature of each row's weighted loss in its scores.

    One finite difference along random signs (Hutchinson's trace), so that any loss will do.
    """
    signs = np.random.default_rng(0).integers(0, 2, scores.shape).astype(np.float32) * 2 - 1
    signs[:, n_outputs:] = 0.0
    plain = loss(scores.copy())[1]
    moved = loss(scores + np.float32(CURVATURE_STEP) * signs)[1]
    found = np.einsum("ij,ij->i", moved - plain, signs) / (CURVATURE_STEP * n_outputs)
    return np.asarray(np.maximum(found, 1e-3 * max(found.mean(), 1e-12)), dtype=np.float32)


def _weights(sample_weight: np.ndarray | None, n: int) -> tuple[np.ndarray, float]:
    if sample_weight is None:
        return np.full(n, 1.0 / n, np.float32), float(n)
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (n,):
        raise ParameterError(f"sample_weight has shape {weights.shape}, allowed is ({n},)")
    total = float(weights.sum())
    if not np.isfinite(total) or total <= 0 or weights.min() < 0:
        raise ParameterError("sample_weight must be finite, not negative and not all 0")
    return (weights / total).astype(np.float32), total


def _from_head(design: Design, start: Head | None) -> np.ndarray:
    if start is None:
        return design.zeros()
    widths = [weight.shape[0] for weight in start.weights]
    if widths != design.widths or len(start.bias) != design.n_outputs:
        raise ParameterError(
            f"start has blocks of width {widths} and {len(start.bias)} outputs; "
            f"the features have {design.widths} and {design.n_outputs}"
        )
    return design.parameters(start.weights, start.bias)


def _check(
    strengths: Sequence[float],
    targets: np.ndarray,
    blocks: Sequence[Any],
    tolerance: float,
    max_iterations: int,
) -> None:
    if not strengths or any(not np.isfinite(c) or c <= 0 for c in strengths):
        raise ParameterError(f"strength must be a finite number above 0, got {list(strengths)}")
    if not tolerance > 0 or max_iterations < 1:
        raise ParameterError(
            f"tolerance must be above 0 and max_iterations at least 1, "
            f"got {tolerance} and {max_iterations}"
        )
    if blocks and len(targets) != blocks[0].shape[0]:
        raise ParameterError(
            f"there are {len(targets)} targets for {blocks[0].shape[0]} rows of features"
        )
