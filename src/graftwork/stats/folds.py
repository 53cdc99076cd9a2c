"""Folds that keep classes in proportion and groups in one piece."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

__all__ = ["random_halves", "stratified_group_folds"]


def stratified_group_folds(
    codes: np.ndarray, groups: np.ndarray, k: int, seed: int = 0
) -> np.ndarray:
    """Deal rows into folds.

    Groups of several rows go first, the largest first, each to the fold that holds least of its
    classes; single rows then fill every class up to even. A class with fewer rows than folds is
    spread over as many folds as it has rows.

    Args:
        codes: int (n,) label codes (any integers).
        groups: int (n,); rows of one group get the same fold.
        k: number of folds; with fewer groups than that, as many folds as groups.
        seed: same seed, same folds.

    Returns:
        int64 (n,) fold of each row, 0 … k-1; no fold is empty.

    Raises:
        ValueError: fewer than two groups, or k below 2.
    """
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(sizes) < 2 or k < 2:
        raise ValueError(f"{len(sizes)} group(s) of rows cannot be dealt into {k} folds")
    k = min(k, len(sizes))
    _, code = np.unique(codes, return_inverse=True)
    rng = np.random.default_rng(seed)
    several = np.flatnonzero(sizes[group] > 1)
    fold = np.full(len(code), -1, dtype=np.int64)
    held = np.zeros((int(code.max()) + 1, k), dtype=np.int64)
    if len(several):
        fold[several] = _deal_groups(code[several], group[several], k, rng, held)
    _deal_rows(code, np.flatnonzero(sizes[group] == 1), k, rng, held, fold)
    _fill_empty(fold, group, k)
    return fold


def _deal_groups(
    code: np.ndarray, group: np.ndarray, k: int, rng: np.random.Generator, held: np.ndarray
) -> np.ndarray:
    """Greedy: each group to the fold with least of its classes, then with least rows.

    Plain lists: tens of thousands of small steps are faster so than by arrays.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for row, name in enumerate(group.tolist()):
        members[name].append(row)
    names = list(members)
    names = [names[i] for i in rng.permutation(len(names))]
    names.sort(key=lambda name: -len(members[name]))
    share = (1.0 / np.maximum(np.bincount(code, minlength=len(held)), 1)).tolist()
    codes, counts, total = code.tolist(), held.tolist(), [0] * k
    fold = np.empty(len(code), dtype=np.int64)
    for name in names:
        inside = Counter(codes[row] for row in members[name])
        load = [0.0] * k
        for c, amount in inside.items():
            weight, row_counts = amount * share[c], counts[c]
            for f in range(k):
                load[f] += weight * row_counts[f]
        best = min(range(k), key=lambda f: (round(load[f], 12), total[f]))
        for c, amount in inside.items():
            counts[c][best] += amount
        total[best] += len(members[name])
        fold[members[name]] = best
    held[:] = counts
    return fold


def _deal_rows(
    code: np.ndarray,
    rows: np.ndarray,
    k: int,
    rng: np.random.Generator,
    held: np.ndarray,
    fold: np.ndarray,
) -> None:
    """Fill each class up evenly with rows that are their own group, in random order."""
    if not len(rows):
        return
    rows = rng.permutation(rows)
    rows = rows[np.argsort(code[rows], kind="stable")]
    found, starts = np.unique(code[rows], return_index=True)
    total = held.sum(0)
    for c, mine in zip(found, np.split(rows, starts[1:]), strict=True):
        level = held[c][:, None] + np.arange(len(mine))
        seats = np.lexsort((np.broadcast_to(total[:, None], level.shape).ravel(), level.ravel()))
        taken = seats[: len(mine)] // len(mine)
        fold[mine] = taken
        gained = np.bincount(taken, minlength=k)
        held[c] += gained
        total = total + gained


def _fill_empty(fold: np.ndarray, group: np.ndarray, k: int) -> None:
    """Give an empty fold the smallest group of the fold that has most groups."""
    for empty in np.setdiff1d(np.arange(k), fold):
        first = np.unique(group, return_index=True)[1]
        fullest = np.bincount(fold[first], minlength=k).argmax()
        inside, sizes = np.unique(group[fold == fullest], return_counts=True)
        fold[group == inside[sizes.argmin()]] = empty


def random_halves(groups: np.ndarray, seed: int = 0) -> np.ndarray:
    """A random half of the groups, so that duplicates stay on one side; bool (n,).

    Args:
        groups: int (n,); rows of one group are on the same side.
        seed: same seed, same halves.
    """
    names, inverse = np.unique(groups, return_inverse=True)
    side = np.random.default_rng(seed).permutation(len(names)) % 2 == 0
    return np.asarray(side[inverse])
