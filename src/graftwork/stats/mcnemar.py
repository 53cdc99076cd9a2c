"""McNemar's exact test: do two classifiers differ on the same rows?"""

from __future__ import annotations

__all__ = ["mcnemar"]


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided exact p-value.

    Args:
        only_a: rows that a alone has right.
        only_b: rows that b alone has right.

    Returns:
        the chance of a split at least as uneven if both were equally good; 1.0 without any.

    Source: McNemar 1947; exact by the binomial distribution.
    """
    if only_a + only_b == 0:
        return 1.0
    from scipy.special import bdtr

    return min(1.0, 2.0 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))
