"""Encoding in fp32: texts a second against sentence-transformers' default, and the same vectors.

    .venv/bin/python bench/encoding.py

Both sides stand ready in processes of their own and are asked in turns within one run, in
changing order; medians over the rounds, and the ratio's over the rounds' ratios. "Stored" is what
`fit` does: all 7 layers and 2 poolings into an empty feature store and read back. The cosine is of
the last layer's mean, of every text. Wanted: ≥ 1.15 × their throughput, every cosine ≥ .9999.
"""

from __future__ import annotations

import json
from typing import Any

from harness import Bench, fresh_folder, median
from protocol import rows_of
from workers import Worker

LEAST_RATIO, LEAST_COSINE = 1.15, 0.9999
SETS = ("mr", "subj", "agnews")
TEXTS, ROUNDS = 800, 5
QUICK_TEXTS, QUICK_ROUNDS = 60, 2


def measure(bench: Bench, name: str, ours: Worker, peer: Worker) -> dict[str, Any]:
    import numpy as np

    folder = fresh_folder(bench.work / name)
    count, rounds = (QUICK_TEXTS, QUICK_ROUNDS) if bench.quick else (TEXTS, ROUNDS)
    texts = [row[0] for row in rows_of(name)]
    drawn = np.random.default_rng(0).permutation(len(texts))[:count].tolist()
    job = {"texts": str(folder / "texts.json"), "count": count, "store": str(folder / "store")}
    (folder / "texts.json").write_text(json.dumps([texts[i] for i in drawn]))
    contenders = {
        "stored": (ours, {**job, "stored": True, "vectors": str(folder / "stored.npy")}),
        "plain": (ours, {**job, "stored": False, "vectors": str(folder / "plain.npy")}),
        "peer": (peer, {**job, "vectors": str(folder / "peer.npy")}),
    }
    for worker, each in contenders.values():  # libraries, kernels, files: warm
        worker.ask({**each, "count": min(count, 64)})
    seconds: dict[str, list[float]] = {who: [] for who in contenders}
    for number in range(rounds):
        order = list(contenders) if number % 2 == 0 else list(contenders)[::-1]
        for who in order:
            worker, each = contenders[who]
            seconds[who].append(worker.ask(each)["seconds"])
    return {
        "texts": count,
        "rounds": rounds,
        "seconds": seconds,
        "per_second": {who: round(count / median(spent), 1) for who, spent in seconds.items()},
        "ratio": {who: _ratio(seconds["peer"], seconds[who]) for who in ("stored", "plain")},
        "least_cosine": {
            who: _least_cosine(np.load(folder / f"{who}.npy"), np.load(folder / "peer.npy"))
            for who in ("stored", "plain")
        },
    }


def _ratio(peer: list[float], ours: list[float]) -> float:
    return median([theirs / mine for theirs, mine in zip(peer, ours, strict=True)])


def _least_cosine(a: Any, b: Any) -> float:
    import numpy as np

    a, b = a.astype(np.float64), b.astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float((np.einsum("ij,ij->i", a, b) / norms).min())


def main() -> None:
    bench = Bench("encoding", __doc__, SETS)
    with (
        bench.worker("ours/encode.py") as ours,
        bench.worker("peers/st_encode.py", peer=True) as peer,
    ):
        sets = {
            name: bench.piece(name, lambda name=name: measure(bench, name, ours, peer))
            for name in bench.only
        }
    ratios = {who: [found["ratio"][who] for found in sets.values()] for who in ("stored", "plain")}
    cosine = min(min(found["least_cosine"].values()) for found in sets.values())
    reached = {
        "throughput, stored": min(ratios["stored"]) >= LEAST_RATIO,
        "throughput, not stored": min(ratios["plain"]) >= LEAST_RATIO,
        "cosine": cosine >= LEAST_COSINE,
    }
    bench.finish(
        {
            "least_cosine": cosine,
            "median_ratio": {who: median(values) for who, values in ratios.items()},
            "reached": reached,
            "sets": sets,
        }
    )


if __name__ == "__main__":
    main()
