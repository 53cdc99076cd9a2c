"""L-BFGS for losses of linear scores: preconditioned, with a line search that costs no product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Evaluate", "Linear", "Outcome", "minimise"]

MEMORY = 8
STALL = 1e-7  # relative falls of this size are float32's rounding

Evaluate = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Linear:
    """f(W) = loss(forward(W)) + α/2·‖W without its last row‖².

    Attributes:
        forward: parameters to scores.
        backward: gradient in the scores to gradient in the parameters.
        loss: scores (which it may overwrite) to the loss and its gradient in the scores.
        penalty: α.
    """

    forward: Callable[[np.ndarray], np.ndarray]
    backward: Callable[[np.ndarray], np.ndarray]
    loss: Evaluate
    penalty: float


@dataclass(frozen=True)
class Outcome:
    """The parameters that were found, the objective there, and how it went."""

    parameters: np.ndarray
    value: float
    n_iterations: int
    converged: bool


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.dot(a.ravel(), b.ravel()))


def _add(target: np.ndarray, factor: float, other: np.ndarray, scratch: np.ndarray) -> None:
    """Target += factor · other, through a scratch array rather than a new one.

    SciPy's BLAS would do it in one pass, but brings a second pool of threads that fights NumPy's.
    """
    np.multiply(other, np.float32(factor), out=scratch)
    target += scratch


class _Memory:
    """The last few pairs of step and gradient change, and the direction they give."""

    def __init__(self, size: int, precondition: Callable[[np.ndarray], np.ndarray]) -> None:
        self.size = size
        self.precondition = precondition
        self.pairs: list[tuple[np.ndarray, np.ndarray, float]] = []

    def add(self, step: np.ndarray, change: np.ndarray) -> None:
        curvature = _dot(step, change)
        if curvature <= 1e-12 * _dot(change, change):
            return  # rounding ate the curvature: a pair without it would spoil the direction
        self.pairs.append((step, change, curvature))
        if len(self.pairs) > self.size:
            self.pairs.pop(0)

    def direction(self, gradient: np.ndarray) -> np.ndarray:
        """Descent direction by the two-loop recursion (Nocedal 1980)."""
        rest, scratch = gradient.copy(), np.empty_like(gradient)
        factors = []
        for step, change, curvature in reversed(self.pairs):
            factor = _dot(step, rest) / curvature
            _add(rest, -factor, change, scratch)
            factors.append(factor)
        out = self.precondition(rest)
        for (step, change, curvature), factor in zip(self.pairs, reversed(factors), strict=True):
            _add(out, factor - _dot(change, out) / curvature, step, scratch)
        return np.negative(out, out=out)


@dataclass
class _Point:
    """Value, slope and score gradient at a trial step."""

    step: float
    value: float
    slope: float
    residual: np.ndarray


def _search(at: Callable[[float], _Point], value: float, slope: float) -> _Point | None:
    """A step where the slope has fallen to a third: root finding on a monotone slope (convex f)."""
    low, low_slope, high, high_slope = 0.0, slope, np.inf, np.nan
    step = 1.0
    best: _Point | None = None
    slack = 1e-6 * abs(value)
    for _ in range(20):
        point = at(step)
        if point.value <= value + slack and (best is None or point.value < best.value):
            best = point
            if abs(point.slope) <= 0.3 * abs(slope):
                break
        if point.slope < 0 and point.value <= value + slack:
            low, low_slope = step, point.slope
        else:
            high, high_slope = step, max(point.slope, 0.0)
        if np.isinf(high):
            gain = slope / (slope - point.slope) if point.slope > slope else 4.0
            step *= min(max(gain, 1.5), 4.0)
        else:
            share = low_slope / (low_slope - high_slope)
            # Far beyond the minimum a loss is straight and its slope says nothing of how far: there
            # the bracket shrinks to a third at each trial, 20 of which span ten decades.
            most = 0.9 if point.value <= value + slack else 0.3
            step = low + (high - low) * min(max(share, 0.1), most)
    return best


def minimise(
    problem: Linear,
    start: np.ndarray,
    precondition: Callable[[np.ndarray], np.ndarray],
    *,
    tolerance: float,
    max_iterations: int,
    memory: int = MEMORY,
) -> Outcome:
    """Minimise a penalised loss of linear scores.

    Scores are linear in the parameters, so the line search moves along the scores of the direction
    and costs the loss alone: each iteration takes one `forward` and one `backward`, whatever it
    tries. Ends when the decrement −½·gradient·direction, an estimate of what is left to gain, is
    below `tolerance` times the objective.

    Args:
        problem: what to minimise.
        start: parameters to begin from.
        precondition: approximate inverse Hessian times a gradient.
        tolerance: share of the objective.
        max_iterations: upper bound.
        memory: number of pairs that are kept.

    Returns:
        the best parameters; `converged` is False where `max_iterations` ended it, or where no step
        helped although more was still to be expected.
    """
    parameters = start.copy()
    scores = problem.forward(parameters)
    squared = _dot(parameters[:-1], parameters[:-1])
    loss, residual = problem.loss(scores.copy())
    value = loss + 0.5 * problem.penalty * squared
    gradient = _gradient(problem, parameters, residual)
    history = _Memory(memory, precondition)
    stalled = 0
    for iteration in range(max_iterations):
        direction = history.direction(gradient)
        slope = _dot(gradient, direction)
        if -0.5 * slope <= tolerance * value:
            return Outcome(parameters, value, iteration, True)
        along = problem.forward(direction)
        cross = _dot(parameters[:-1], direction[:-1])
        length = _dot(direction[:-1], direction[:-1])

        def at(
            step: float,
            along: np.ndarray = along,
            base: tuple[float, float, float] = (squared, cross, length),
        ) -> _Point:
            trial = along * np.float32(step)
            trial += scores  # noqa: B023 - called only within this iteration
            loss, residual = problem.loss(trial)
            norm = base[0] + 2 * step * base[1] + step * step * base[2]
            tilt = _dot(residual, along) + problem.penalty * (base[1] + step * base[2])
            return _Point(step, loss + 0.5 * problem.penalty * norm, tilt, residual)

        point = _search(at, value, slope)
        if point is None and history.pairs:  # old pairs mislead: begin afresh from here
            history.pairs.clear()
            continue
        if point is None:  # no step helps: as good as float32 can tell, but not what was asked for
            return Outcome(parameters, value, iteration, False)
        direction *= np.float32(point.step)
        along *= np.float32(point.step)
        parameters += direction
        scores += along
        squared = _dot(parameters[:-1], parameters[:-1])
        renewed = _gradient(problem, parameters, point.residual)
        stalled = stalled + 1 if value - point.value <= STALL * abs(value) else 0
        value = point.value
        if stalled == 3:  # as good as float32 can tell
            return Outcome(parameters, value, iteration + 1, True)
        history.add(direction, renewed - gradient)
        gradient = renewed
    return Outcome(parameters, value, max_iterations, False)


def _gradient(problem: Linear, parameters: np.ndarray, residual: np.ndarray) -> np.ndarray:
    gradient = problem.backward(residual)
    gradient[:-1] += np.float32(problem.penalty) * parameters[:-1]
    return gradient
