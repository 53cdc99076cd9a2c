"""Near-duplicate pictures: difference hashes that differ in few bits, verified on thumbnails.

dHash (Krawetz 2013) tells for 8 × 8 places whether the picture grows brighter to the right. A copy
that was saved anew or scaled differs in at most 4 of its 64 bits (found: 99 of 100 such copies; 2
bits find 93). By itself it also joins photographs of different shirts on one table, so that the
colours of an 8 × 8 thumbnail have to agree too: on average within 5 of 255, and within a quarter of
the picture's own contrast, lest pale pictures chain together. On 3,781 photographs of clothes this
leaves one pair, one photograph under two labels, of 43 that differ in at most 2 bits.

Candidates are exact by the pigeonhole principle: of 5 parts of the hash one is equal.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

__all__ = ["difference_hash", "near_groups", "thumbnail"]

SIDE = 8
MOST_BITS = 4
PARTS = (13, 13, 13, 13, 12)  # bits; one more part than bits that may differ
MOST_APART = 5.0  # mean difference of thumbnails, of 255
OF_CONTRAST = 0.25
# Pairs of hashes, and of thumbnails, compared for each part: only data with very many hashes that
# are nearly equal reach it. Then those that stand far apart in order of their colours are passed.
MOST_HASHES = 100_000_000
MOST_THUMBNAILS = 2_000_000


def difference_hash(picture: Image.Image) -> int:
    """64 bits, by rows."""
    grey = picture.convert("L").resize((SIDE + 1, SIDE), Image.Resampling.LANCZOS)
    values = np.asarray(grey, np.int16)
    bits = (values[:, 1:] > values[:, :-1]).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def thumbnail(picture: Image.Image) -> bytes:
    """8 × 8 × 3 mean colours, by rows."""
    return picture.resize((SIDE, SIDE), Image.Resampling.BOX).tobytes()


def near_groups(hashes: np.ndarray, thumbnails: np.ndarray) -> np.ndarray:
    """int64 (n,): group of each picture, transitive.

    Args:
        hashes: uint64 (n,).
        thumbnails: uint8 (n, 192).
    """
    n = len(hashes)
    if not n:
        return np.empty(0, np.int64)
    rows = np.concatenate([hashes.view(np.uint8).reshape(n, 8), thumbnails], axis=1)
    _, first, same = np.unique(
        np.ascontiguousarray(rows).view(f"V{rows.shape[1]}").ravel(),
        return_index=True,
        return_inverse=True,
    )
    alike = _Alike(thumbnails[first])
    groups = np.arange(len(first))
    low = 0
    for bits in PARTS:
        turned = _on_top(hashes[first], low, bits)
        low += bits
        pairs, left = [_joined(groups)], MOST_THUMBNAILS
        for one, two in _close(turned, bits):
            new = groups[one] != groups[two]
            one, two = one[new][:left], two[new][:left]
            left -= len(one)
            pairs.append(alike(one, two))
            if not left:
                break
        groups = _components(np.concatenate(pairs), len(first))
    return groups[same.ravel()]


def _on_top(hashes: np.ndarray, low: int, bits: int) -> np.ndarray:
    """The hashes turned so that the `bits` bits from `low` on are the highest."""
    up = (64 - low - bits) % 64
    if not up:
        return hashes
    return np.asarray((hashes << np.uint64(up)) | (hashes >> np.uint64(64 - up)))


def _close(turned: np.ndarray, bits: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions of pairs with the same highest `bits` that differ in at most `MOST_BITS`."""
    order = np.argsort(turned, kind="stable")
    turned = turned[order]
    part = turned >> np.uint64(64 - bits)
    alive, work = np.arange(len(turned)), 0
    for gap in range(1, len(turned)):
        alive = alive[alive + gap < len(turned)]
        alive = alive[part[alive] == part[alive + gap]]
        work += len(alive)
        if not len(alive) or work > MOST_HASHES:
            return
        near = alive[_ones(turned[alive] ^ turned[alive + gap]) <= MOST_BITS]
        if len(near):
            yield order[near], order[near + gap]


def _ones(numbers: np.ndarray) -> np.ndarray:
    """How many bits of each uint64 are set."""
    if hasattr(np, "bitwise_count"):
        return np.asarray(np.bitwise_count(numbers))
    each = np.unpackbits(numbers.view(np.uint8)).reshape(len(numbers), 64)  # numpy 1
    return np.asarray(each.sum(axis=1))


class _Alike:
    """Tells pairs whose thumbnails agree; uint8 (n, 192)."""

    def __init__(self, thumbnails: np.ndarray) -> None:
        self.thumbnails = thumbnails
        colours = thumbnails.reshape(len(thumbnails), SIDE * SIDE, 3)
        contrast = colours.std(axis=1, dtype=np.float32).mean(axis=1)
        self.most = np.minimum(MOST_APART, OF_CONTRAST * contrast)
        self.mean = colours.mean(axis=(1, 2), dtype=np.float32)

    def __call__(self, left: np.ndarray, right: np.ndarray, chunk: int = 20_000) -> np.ndarray:
        """int64 (pairs, 2): those of the pairs that agree."""
        kept = [np.empty((0, 2), np.int64)]
        hopeful = np.abs(self.mean[left] - self.mean[right]) <= MOST_APART
        left, right = left[hopeful], right[hopeful]
        for start in range(0, len(left), chunk):
            i, j = left[start : start + chunk], right[start : start + chunk]
            one, two = self.thumbnails[i], self.thumbnails[j]
            apart = (np.maximum(one, two) - np.minimum(one, two)).mean(axis=1, dtype=np.float32)
            good = apart <= np.minimum(self.most[i], self.most[j])
            kept.append(np.stack([i[good], j[good]], axis=1))
        return np.concatenate(kept)


def _joined(groups: np.ndarray) -> np.ndarray:
    """Pairs that hold the groups together: each member with the first one."""
    _, first, member = np.unique(groups, return_index=True, return_inverse=True)
    return np.stack([np.arange(len(groups)), first[member.ravel()]], axis=1)


def _components(pairs: np.ndarray, n: int) -> np.ndarray:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    links = coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)
