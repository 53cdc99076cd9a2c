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


class _Iterate:
    """Where a minimisation stands: the parameters, and the scores, objective and gradient there."""

    def __init__(self, problem: Linear, start: np.ndarray) -> None:
        self.problem = problem
        self.parameters = start.copy()
        self.scores = problem.forward(self.parameters)
        self.squared = _dot(self.parameters[:-1], self.parameters[:-1])
        loss, residual = problem.loss(self.scores.copy())
        self.value = loss + 0.5 * problem.penalty * self.squared
        self.gradient = self._gradient(residual)

    def line(self, direction: np.ndarray, along: np.ndarray) -> Callable[[float], _Point]:
        """What lies a step along `direction`, whose scores are `along`: no product is needed."""
        penalty = self.problem.penalty
        cross = _dot(self.parameters[:-1], direction[:-1])
        length = _dot(direction[:-1], direction[:-1])

        def at(step: float) -> _Point:
            trial = along * np.float32(step)
            trial += self.scores
            loss, residual = self.problem.loss(trial)
            norm = self.squared + 2 * step * cross + step * step * length
            tilt = _dot(residual, along) + penalty * (cross + step * length)
            return _Point(step, loss + 0.5 * penalty * norm, tilt, residual)

        return at

    def move(self, direction: np.ndarray, along: np.ndarray, point: _Point) -> np.ndarray:
        """Go there; `direction` becomes the step itself, and the gradient's change is returned."""
        direction *= np.float32(point.step)
        along *= np.float32(point.step)
        self.parameters += direction
        self.scores += along
        self.squared = _dot(self.parameters[:-1], self.parameters[:-1])
        self.value = point.value
        before, self.gradient = self.gradient, self._gradient(point.residual)
        return self.gradient - before

    def end(self, n_iterations: int, converged: bool) -> Outcome:
        """What is told where it ends here."""
        return Outcome(self.parameters, self.value, n_iterations, converged)

    def _gradient(self, residual: np.ndarray) -> np.ndarray:
        gradient = self.problem.backward(residual)
        gradient[:-1] += np.float32(self.problem.penalty) * self.parameters[:-1]
        return gradient


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
    here, history, stalled = _Iterate(problem, start), _Memory(memory, precondition), 0
    for iteration in range(max_iterations):
        direction = history.direction(here.gradient)
        slope = _dot(here.gradient, direction)
        if -0.5 * slope <= tolerance * here.value:
            return here.end(iteration, True)
        along = problem.forward(direction)
        point = _search(here.line(direction, along), here.value, slope)
        if point is None and history.pairs:  # old pairs mislead: begin afresh from here
            history.pairs.clear()
            continue
        if point is None:  # no step helps: as good as float32 can tell, but not what was asked for
            return here.end(iteration, False)
        stalled = stalled + 1 if here.value - point.value <= STALL * abs(here.value) else 0
        change = here.move(direction, along, point)
        if stalled == 3:  # as good as float32 can tell
            return here.end(iteration + 1, True)
        history.add(direction, change)
    return here.end(max_iterations, False)
