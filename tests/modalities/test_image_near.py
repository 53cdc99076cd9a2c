"""Which pictures count as nearly the same, and how quickly that is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Pil

from graftwork.modalities._picture_hash import MOST_BITS, _Alike, near_groups
from graftwork.modalities.image import Image
from picture_files import (
    encoded,
    photo,
)

IMAGE = Image()


def test_near_duplicates() -> None:
    one = photo(300, 200, seed=1)
    copies = [
        encoded(one),
        encoded(one, "JPEG", quality=50),
        encoded(one.resize((150, 100)), "JPEG", quality=80),
        encoded(one.resize((640, 430)), "WEBP"),
    ]
    others = [encoded(photo(300, 200, seed=i), "JPEG") for i in range(2, 30)]
    flat = [encoded(Pil.new("L", (60, 60), grey)) for grey in range(100, 140)]
    flat += [encoded(Pil.new("L", (90, 60), 100), "JPEG")]
    inputs, _ = IMAGE.take([*copies, *others, *flat])
    groups = IMAGE.near_duplicates(inputs).tolist()
    assert len(set(groups[:4])) == 1
    assert len(set(groups)) == 1 + len(others) + 40  # greys do not chain together …
    assert groups[-1] == groups[32]  # … but equal ones are the same


def test_near_duplicates_are_those_that_comparing_all_would_find() -> None:
    random = np.random.default_rng(0)
    n = 600
    base = random.integers(0, 2**64, 60, dtype=np.uint64)
    family = random.integers(0, 60, n)
    hashes = base[family]
    for _ in range(3):
        hashes ^= np.uint64(1) << random.integers(0, 64, n, dtype=np.uint64)
    hashes[:100] = 0
    coarse = random.integers(0, 256, (30, 192))
    small = np.clip(coarse[family // 2] + random.integers(-7, 8, (n, 192)), 0, 255)
    small = small.astype(np.uint8)
    left, right = np.triu_indices(n, 1)
    bits = np.unpackbits((hashes[left] ^ hashes[right]).view(np.uint8)).reshape(-1, 64).sum(1)
    pairs = _Alike(small)(left[bits <= MOST_BITS], right[bits <= MOST_BITS])
    parent = list(range(n))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i, j in pairs.tolist():
        parent[root(i)] = root(j)
    wanted = [root(i) for i in range(n)]
    found = near_groups(hashes, small).tolist()
    assert len(set(zip(found, wanted, strict=True))) == len(set(found)) == len(set(wanted))
    assert 40 < len(set(found)) < n


def test_near_duplicates_of_very_many_are_quick() -> None:
    import time

    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**64, 100_000, dtype=np.uint64)
    hashes[:5000] = 0  # a large family that looks alike by its hash
    small = random.integers(0, 256, (100_000, 192), dtype=np.uint8)
    begun = time.process_time()
    assert len(set(near_groups(hashes, small).tolist())) == 100_000
    assert time.process_time() - begun < 10


def test_on_photographs_of_clothes(shared: Path) -> None:
    root = shared / "data" / "clothing10"
    names = sorted(path.relative_to(root).as_posix() for path in root.glob("*/*/*.jpg"))
    inputs, faults = IMAGE.take(names, folder=root)
    assert faults == {}
    assert IMAGE.audit(inputs, list(range(len(names))), field="image") == []
    counts = np.bincount(IMAGE.near_duplicates(inputs))
    # one photograph that lies in two folders; others only look alike: other clothes, one table
    assert counts.max() == 2
    assert (counts == 2).sum() == 1
