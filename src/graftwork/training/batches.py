"""Which rows train together, in which order, fixed by a seed before the first step."""

from __future__ import annotations

import numpy as np

__all__ = ["epoch_batches", "paired_batches", "shards"]

SPREAD = 0.1  # lengths are blurred by this share, so that rows do not meet the same mates each time


def epoch_batches(lengths: np.ndarray, rows_each: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Batches of like length, filled by padded token count, in random order.

    In random batches of 32 only a third to a half of the tokens are real; sorted by length nearly
    all are.

    Args:
        lengths: int (n,), cost of each row (tokens).
        rows_each: rows of a batch of rows of mean length.
        seed: of the whole training.
        epoch: number of the pass; each has its own order.

    Returns:
        positions into `lengths`; every row once.
    """
    return _batches(lengths, rows_each, np.random.default_rng([seed, epoch]))


def paired_batches(
    lengths: np.ndarray, kinds: np.ndarray, rows_each: int, seed: int, epoch: int
) -> list[np.ndarray]:
    """Batches of pairs of a kind, drawn anew in each epoch, for losses that compare rows.

    A row without a partner (the odd one of its kind) stands alone. Kinds take turns in a batch, so
    that whatever it is cut into meets as many of them as it has room for.

    Args:
        lengths: int (n,), cost of each row.
        kinds: int (n,), what a pair has in common.
        rows_each: rows of a batch of rows of mean length.
        seed: of the whole training.
        epoch: number of the pass.

    Returns:
        positions into `lengths`, partners side by side; every row once.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(kinds))
    order = order[np.argsort(kinds[order], kind="stable")]
    ends = np.flatnonzero(np.diff(kinds[order])) + 1
    pairs = [
        own[start : start + 2] for own in np.split(order, ends) for start in range(0, len(own), 2)
    ]
    costs = np.asarray([lengths[pair].max() for pair in pairs])
    return [
        np.concatenate([pairs[i] for i in _dealt(batch, kinds[[pairs[i][0] for i in batch]])])
        for batch in _batches(costs, max(1, rows_each // 2), rng)
    ]


def _dealt(batch: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """The same in another order: the first of each kind, then the second of each, and so on."""
    order = np.argsort(kinds, kind="stable")
    starts = np.searchsorted(kinds[order], kinds[order], side="left")
    turn = np.arange(len(order)) - starts  # of each among its kind
    return np.asarray(batch[order[np.lexsort((kinds[order], turn))]])


def _batches(lengths: np.ndarray, each: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Positions in batches of like length, `each` of mean length in one, in random order."""
    cost = np.maximum(np.asarray(lengths, dtype=np.float64), 1.0)
    budget = each * cost.mean()
    blurred = cost * rng.uniform(1.0 - SPREAD, 1.0 + SPREAD, len(cost))
    order = np.lexsort((rng.random(len(cost)), blurred))
    batches: list[np.ndarray] = []
    start = 0
    while start < len(order):
        stop, longest = start, 0.0
        while stop < len(order):
            longest = max(longest, cost[order[stop]])
            if stop > start and longest * (stop + 1 - start) > budget * 1.01:
                break
            stop += 1
        batches.append(order[start:stop])
        start = stop
    return [batches[i] for i in rng.permutation(len(batches))]


def shards(batch: np.ndarray, parts: int) -> list[np.ndarray]:
    """A batch cut into `parts` of like size; an empty part is left out.

    The cut, and the order in which gradients are added, depend on `parts` alone: as many threads or
    processes as there are give the same result.
    """
    return [part for part in np.array_split(batch, parts) if len(part)]
