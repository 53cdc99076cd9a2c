"""Encoding from JPEG files, pictures a second against a plain torch loop with a DataLoader.

    .venv/bin/python bench/image_encoding.py

The same network and weights on both sides (clothing10), decoding included. Ours is what `fit` does:
every file read and hashed, all layers and both poolings into an empty store and read back. Theirs:
PIL, a DataLoader of two workers, batches of 32, the last layer's mean alone. Both stand ready and
are asked in turns, in changing order; medians of the rounds' ratios. Wanted: ≥ 1.3 × for each of
the networks; the cosine of the last layer's mean, of every picture, is told.
"""

from __future__ import annotations

import json
from typing import Any

from harness import Bench, fresh_folder, median
from pictures import base_of, clothing, input_of
from workers import Worker

LEAST_RATIO = 1.3
NETWORKS = ("mobilenet_v2_1.0", "squeezenet1_0")
FILES, ROUNDS = 512, 5
QUICK_FILES, QUICK_ROUNDS = 24, 2


def measure(bench: Bench, name: str, ours: Worker, peer: Worker) -> dict[str, Any]:
    import numpy as np

    folder = fresh_folder(bench.work / name)
    count, rounds = (QUICK_FILES, QUICK_ROUNDS) if bench.quick else (FILES, ROUNDS)
    files = sorted(map(str, (clothing() / "train").rglob("*.jpg")))
    drawn = np.random.default_rng(0).permutation(len(files))[:count].tolist()
    (folder / "files.json").write_text(json.dumps([files[i] for i in drawn]))
    base = base_of(name)
    job = {"files": str(folder / "files.json"), "count": count, "base": str(base)}
    job |= {key: input_of(base)[key] for key in ("size", "mean", "std", "resize")}
    contenders = {
        "ours": (ours, {**job, "store": str(folder / "store"), "vectors": str(folder / "a.npy")}),
        "peer": (peer, {**job, "vectors": str(folder / "b.npy")}),
    }
    for worker, each in contenders.values():  # libraries, kernels, files: warm
        worker.ask({**each, "count": min(count, 64)})
    seconds: dict[str, list[float]] = {who: [] for who in contenders}
    for number in range(rounds):
        for who in list(contenders)[:: 1 if number % 2 == 0 else -1]:
            worker, each = contenders[who]
            seconds[who].append(worker.ask(each)["seconds"])
    ratios = [b / a for a, b in zip(seconds["ours"], seconds["peer"], strict=True)]
    return {
        "files": count,
        "rounds": rounds,
        "seconds": seconds,
        "per_second": {who: round(count / median(spent), 1) for who, spent in seconds.items()},
        "ratio": median(ratios),
        "least_cosine": _least_cosine(np.load(folder / "a.npy"), np.load(folder / "b.npy")),
    }


def _least_cosine(a: Any, b: Any) -> float:
    import numpy as np

    a, b = a.astype(np.float64), b.astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float((np.einsum("ij,ij->i", a, b) / norms).min())


def main() -> None:
    bench = Bench("image_encoding", __doc__, NETWORKS)
    with (
        bench.worker("ours/encode_images.py") as ours,
        bench.worker("peers/loader_encode.py") as peer,
    ):
        found = {
            name: bench.piece(name, lambda name=name: measure(bench, name, ours, peer))
            for name in bench.only
        }
    ratios = {name: each["ratio"] for name, each in found.items()}
    bench.finish(
        {"networks": found, "ratios": ratios, "reached": min(ratios.values()) >= LEAST_RATIO}
    )


if __name__ == "__main__":
    main()
