"""The face of every task, and of the convex loss that heads on stored features use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    import numpy as np

    from graftwork.bases.backbone import Shape
    from graftwork.registry import Declaration

__all__ = ["ConvexLoss", "Task"]


class ConvexLoss(Protocol):
    """A loss that is convex in the scores, so that a linear head has one optimum."""

    n_outputs: int

    def value_and_gradient(
        self, scores: np.ndarray, targets: np.ndarray, weights: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Weighted mean loss and its gradient with respect to `scores`.

        Args:
            scores: float32 (n, n_outputs).
            targets: as `Task.encode` gives them, (n,).
            weights: float32 (n,), summing to 1.

        Returns:
            the loss and a float32 (n, n_outputs) gradient (it may reuse the memory of `scores`).
        """
        ...

    def indicator(self, targets: np.ndarray) -> np.ndarray:
        """float32 (n, n_outputs): what a least-squares head regresses on."""
        ...


class Task(Protocol):
    """What is predicted from features."""

    declaration: ClassVar[Declaration]
    needs: Shape
    metrics: tuple[str, ...]
    labels: tuple[Any, ...]

    def encode(self, targets: Sequence[Any]) -> np.ndarray:
        """Targets as the loss wants them (label codes, int64)."""
        ...

    def convex(self) -> ConvexLoss:
        """The loss for heads on stored features."""
        ...

    def loss(self, scores: Any, codes: np.ndarray, weights: np.ndarray | None = None) -> Any:
        """The loss of torch scores (n, outputs) summed over the rows, for tuning."""
        ...

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """float64 (n, outputs) from scores (n, outputs)."""
        ...

    def decode(self, probabilities: np.ndarray) -> list[Any]:
        """Predictions in the labels' own spelling and type."""
        ...

    def to_json(self) -> dict[str, Any]:
        """The task with its labels, as plain JSON."""
        ...
