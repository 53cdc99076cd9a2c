"""Cross-entropy over softmax scores: the convex loss of single-label classification."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = ["SoftmaxLoss", "softmax"]


class SoftmaxLoss:
    """Multinomial logistic loss (a `ConvexLoss`).

    With two labels it stays a softmax of two scores. Its L2 penalty counts both columns of weights,
    so that strength C here is strength 2 C of scikit-learn's two-label LogisticRegression, which
    keeps one column; from three labels on the two agree.

    Args:
        n_outputs: number of labels, at least 2.
    """

    def __init__(self, n_outputs: int) -> None:
        self.n_outputs = n_outputs

    def value_and_gradient(
        self, scores: np.ndarray, targets: np.ndarray, weights: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Weighted mean of −log p(target), and its gradient, written over `scores`.

        Args:
            scores: float32 (n, n_outputs); overwritten.
            targets: int64 (n,), label codes.
            weights: float32 (n,), summing to 1.

        Returns:
            the loss, and the memory of `scores` holding weights · (p − one-hot).
        """
        import numpy as np

        rows = np.arange(len(targets))
        scores -= scores.max(axis=1, keepdims=True)
        target_scores = scores[rows, targets]
        np.exp(scores, out=scores)
        total = scores.sum(axis=1)
        losses = np.log(total) - target_scores
        value = float(np.dot(weights.astype(np.float64), losses.astype(np.float64)))
        scores *= (weights / total)[:, None]
        scores[rows, targets] -= weights
        return value, scores

    def indicator(self, targets: np.ndarray) -> np.ndarray:
        """One-hot float32 (n, n_outputs)."""
        import numpy as np

        hot = np.zeros((len(targets), self.n_outputs), np.float32)
        hot[np.arange(len(targets)), targets] = 1.0
        return hot


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities from scores: float64 (n, outputs), rows summing to 1, safe for large scores."""
    import numpy as np

    shifted = np.asarray(scores, dtype=np.float64)
    shifted = np.exp(shifted - shifted.max(axis=1, keepdims=True))
    shifted /= shifted.sum(axis=1, keepdims=True)
    return np.asarray(shifted)
