"""Batch plans: which rows go through the network together, decided before anything runs."""

from __future__ import annotations

import numpy as np

__all__ = ["plan_batches"]

# Small batches are the quick ones on a CPU: activations stay in the cache (measured in
# bench/encoding.py); on a GPU more rows are needed to fill it.
TOKENS_PER_BATCH = {"cpu": 1024, "cuda": 32_768}
MOST_ROWS = 512


def plan_batches(lengths: np.ndarray, device: str = "cpu") -> list[np.ndarray]:
    """Cut rows into batches of like length, filled by padded token count.

    Args:
        lengths: int (n,), cost of each row (tokens).
        device: chooses the size of a batch.

    Returns:
        positions into `lengths`, longest first (memory trouble shows at once, and the forecast of
        the time left errs on the safe side). The plan depends on `lengths` and `device` alone.
    """
    budget = TOKENS_PER_BATCH[device]
    order = np.lexsort((np.arange(len(lengths)), -np.asarray(lengths)))
    batches: list[np.ndarray] = []
    start = 0
    while start < len(order):
        longest = max(int(lengths[order[start]]), 1)
        size = min(max(budget // longest, 1), MOST_ROWS)
        batches.append(order[start : start + size])
        start += size
    return batches
