"""Near-duplicate texts: MinHash signatures, bands of them as buckets, pairs verified exactly.

Two texts are near-duplicates when the Jaccard similarity of their sets of character shingles (see
`_text_shingles`) is at least 0.8: letter case, punctuation and white space do not count, a typo in
a sentence or a changed word in a paragraph passes, another word in a short question does not.
Groups are the connected components of such pairs.

Candidates come from 12 bands of 5 MinHashes (Broder 1997; Leskovec et al., *Mining of Massive
Datasets*, chapter 3): a pair at 0.8 is found with probability 1 − (1 − 0.8⁵)¹² = .991, one at 0.9
with .9999. Similarity itself is computed on the sets, so that nothing below 0.8 is ever joined. All
pairs of a bucket are tried up to 32 members, beyond that each with the 31 after it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from graftwork.modalities._text_shingles import Shingles, fold, positions, shingle

__all__ = ["THRESHOLD", "near_duplicate_groups"]

THRESHOLD = 0.8
BANDS, ROWS = 12, 5
HOPEFUL = 0.55  # share of equal MinHashes below which a pair at 0.8 is practically never met
NEIGHBOURS = 31
CHUNK = 1 << 20  # characters shingled, and shingles compared, at a time: bounds memory
BUSY = 20_000_000  # characters above which MinHash sees an even part of the shingles only


def near_duplicate_groups(texts: Sequence[str], threshold: float = THRESHOLD) -> np.ndarray:
    """int64 (n,): group of each text, from 0 in order of first appearance.

    Args:
        texts: any texts; equal ones are in one group.
        threshold: least Jaccard similarity of shingle sets.
    """
    if not len(texts):
        return np.empty(0, np.int64)
    numbers: dict[str, int] = {}
    member = np.asarray([numbers.setdefault(fold(text), len(numbers)) for text in texts], np.int64)
    different = list(numbers)
    lengths = np.fromiter(map(len, different), np.int64, len(different))
    part = 1 + int(lengths.sum()) // BUSY
    signatures = np.concatenate(
        [_signatures(positions(different[a:b]), part) for a, b in _chunks(lengths)]
    )
    pairs = _similar(different, _candidates(signatures), signatures, threshold)
    return _components(pairs, len(different))[member]


def _chunks(lengths: np.ndarray) -> Iterator[tuple[int, int]]:
    """Ranges of texts of about `CHUNK` characters."""
    piece = np.cumsum(lengths) // CHUNK
    edges = np.flatnonzero(np.diff(piece)) + 1
    bounds = [0, *edges.tolist(), len(lengths)]
    yield from itertools.pairwise(bounds)


def _signatures(shingles: Shingles, part: int) -> np.ndarray:
    """uint32 (n, BANDS * ROWS): smallest value of each hash function over a text's shingles."""
    hashes, starts = shingles.hashes, shingles.starts[:-1]
    if part > 1:
        # the same shingles fall out of every text, so that similarity is estimated without bias;
        # a text's first shingle stays, so that none is left empty
        keep = hashes % np.uint32(part) == 0
        keep[starts] = True
        starts = np.concatenate([[0], np.cumsum(keep)])[starts]
        hashes = hashes[keep]
    random = np.random.default_rng(20240607)  # fixed: groups must not depend on the run's seed
    odd = random.integers(0, 2**31, BANDS * ROWS, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    mask = random.integers(0, 2**32, BANDS * ROWS, dtype=np.uint32)
    out = np.empty((len(starts), BANDS * ROWS), np.uint32)
    mixed = np.empty_like(hashes)
    for k in range(BANDS * ROWS):
        np.multiply(hashes, odd[k], out=mixed)  # the hashes are mixed well already
        np.bitwise_xor(mixed, mask[k], out=mixed)
        out[:, k] = np.minimum.reduceat(mixed, starts)
    return out


def _candidates(signatures: np.ndarray) -> np.ndarray:
    """int64 (pairs, 2), first below second: texts that share a bucket of some band."""
    n = len(signatures)
    found: list[np.ndarray] = []
    for band in range(BANDS):
        bucket = np.zeros(n, np.uint64)
        for column in signatures[:, band * ROWS : (band + 1) * ROWS].T:
            bucket = (bucket ^ column) * np.uint64(0x9E3779B97F4A7C15)
            bucket ^= bucket >> np.uint64(32)
        order = np.argsort(bucket, kind="stable")
        ordered = bucket[order]
        alive = np.arange(n - 1)
        for gap in range(1, NEIGHBOURS + 1):
            alive = alive[alive + gap < n]
            alive = alive[ordered[alive] == ordered[alive + gap]]
            if not len(alive):
                break
            # a stable sort keeps the smaller position first
            found.append(order[alive].astype(np.int64) * n + order[alive + gap])
    if not found:
        return np.empty((0, 2), np.int64)
    # sorted by hand: np.unique hashes since numpy 2.3, which is far slower here
    keys = np.sort(np.concatenate(found))
    keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])]
    return np.stack([keys // n, keys % n], axis=1)


def _similar(
    texts: Sequence[str], pairs: np.ndarray, signatures: np.ndarray, threshold: float
) -> np.ndarray:
    """Those of the pairs whose Jaccard similarity is at least `threshold`."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    kept = []
    for start in range(0, len(pairs), 65_536):
        piece = pairs[start : start + 65_536]
        equal = (signatures[piece[:, 0]] == signatures[piece[:, 1]]).mean(axis=1)
        piece = piece[equal >= HOPEFUL]
        cost = np.cumsum(lengths[piece].sum(axis=1)) // (4 * CHUNK)
        for block in np.split(piece, np.flatnonzero(np.diff(cost)) + 1):
            if len(block):
                # shingled again, and only here: keeping the sets of all texts would take gigabytes
                used, inside = np.unique(block, return_inverse=True)
                sets = shingle([texts[i] for i in used])
                kept.append(block[_jaccard(sets, inside.reshape(block.shape)) >= threshold])
    return np.concatenate(kept) if kept else np.empty((0, 2), np.int64)


def _jaccard(shingles: Shingles, pairs: np.ndarray) -> np.ndarray:
    """float64 (pairs,): exact similarity of the shingle sets."""
    sizes = np.diff(shingles.starts)
    number = np.arange(len(pairs))
    keys = []
    for side in pairs.T:
        count = sizes[side]
        offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        hashes = shingles.hashes[np.repeat(shingles.starts[side], count) + offset]
        keys.append((np.repeat(number, count).astype(np.uint64) << np.uint64(32)) | hashes)
    both = np.sort(np.concatenate(keys))
    twice = both[1:][both[1:] == both[:-1]] >> np.uint64(32)
    common = np.bincount(twice.astype(np.int64), minlength=len(pairs))
    return np.asarray(common / (sizes[pairs].sum(axis=1) - common))


def _components(pairs: np.ndarray, n: int) -> np.ndarray:
    """int64 (n,): connected component of each text, numbered by first appearance."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    links = coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, parts = connected_components(links, directed=False)
    _, first, inverse = np.unique(parts, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return np.asarray(rank[inverse], np.int64)
