"""One epoch of the top 2 of 6 layers from the cache, against one of all layers.

    .venv/bin/python bench/cached_epoch.py

Both by our own training loop, on the same rows in the same batches (sorted by length, filled by
token count), each in a process of its own; medians of the rounds. Filling the cache, which costs
one pass forward, is told apart: it is paid once, not once an epoch. Wanted: ≤ 0.35 × a full epoch.
"""

from __future__ import annotations

import shutil
from typing import Any

from harness import Bench, fresh_folder, median
from protocol import set_file

SETS = ("mr", "banking77", "agnews")
TOP = 2
ROUNDS, QUICK_ROUNDS = 3, 1
MOST = 0.35


def measure(bench: Bench, name: str) -> dict[str, Any]:
    """Seconds of both kinds of epoch on one set."""
    folder = fresh_folder(bench.work / name)
    csv = str(set_file(name, quick=bench.quick))
    rounds = QUICK_ROUNDS if bench.quick else ROUNDS
    told: dict[str, Any] = {}
    for word, layers in (("cached", TOP), ("full", None)):
        job = {"csv": csv, "cache": str(folder / word), "layers": layers, "rounds": rounds}
        with bench.worker("ours/epoch.py") as worker:
            found = worker.ask(job)
        told[word] = found | {"seconds": median(found["epochs"])}
        shutil.rmtree(folder / word, ignore_errors=True)
    cached, full = told["cached"], told["full"]
    apart = max(cached["filling"] - full["filling"], 0.0)  # tokens are made on both sides
    return told | {
        "filling": apart,
        "ratio": cached["seconds"] / full["seconds"],
        "ratio_over_4": (cached["seconds"] + apart / 4) / full["seconds"],
    }


def main() -> None:
    bench = Bench("cached_epoch", __doc__, SETS)
    sets = {name: bench.piece(name, lambda name=name: measure(bench, name)) for name in bench.only}
    worst = max(found["ratio"] for found in sets.values())
    bench.finish({"worst_ratio": worst, "reached": {"ratio": worst <= MOST}, "sets": sets})


if __name__ == "__main__":
    main()
