"""All shared image weights on the same pictures: accuracy, time and size of a probe.

    .venv/bin/python bench/image_bases.py

clothing10 (3,409 pictures to learn from, 372 of test); HOG and colour without pre-training beside
them. Each base: `graftwork.fit --strategy probe` on an empty store, three seeds (of the folds that
choices are made on; features are stored once), the median accuracy told with the interval of the
first. Wanted: MobileNetV2 ≥ .86, SqueezeNet 1.0 ≥ .84.
"""

from __future__ import annotations

from typing import Any

from harness import Bench, fresh_folder, median
from pictures import ARCHITECTURES, base_of, clothing, subset

SEEDS = (0, 1, 2)
PLAIN = "hog"  # no pre-training
WANTED = {"mobilenet_v2_1.0": 0.86, "squeezenet1_0": 0.84}
QUICK_PER_CLASS = 6


def measure(bench: Bench, name: str) -> dict[str, Any]:
    """One base, every seed."""
    folder = fresh_folder(bench.work / name)
    pictures = subset(folder / "pictures", QUICK_PER_CLASS) if bench.quick else clothing()
    base = PLAIN if name == PLAIN else str(base_of(name))
    found = []
    for seed in SEEDS[: 1 if bench.quick else None]:
        job = {
            "folder": str(pictures),
            "base": base,
            "out": str(folder / f"run-{seed}"),
            "cache": str(folder / "cache"),
            "settings": {"strategy": "probe", "seed": seed},
        }
        with bench.worker("ours/images.py") as worker:
            found.append(worker.ask(job))
    first = found[0]
    return {
        "accuracy": median([each["accuracy"] for each in found]),
        "accuracies": [each["accuracy"] for each in found],
        "interval": first["interval"],
        "right": first["right"],
        "seconds": first["seconds"]["whole run"],
        "seconds_again": median([each["seconds"]["whole run"] for each in found[1:] or found]),
        "parameters": first["parameters"],
        "model_mb": first["model_mb"],
        "latency_ms": first["latency_ms"],
        "base_passes": [each["base_passes"] for each in found],
    }


def main() -> None:
    names = [*ARCHITECTURES, PLAIN]
    bench = Bench("image_bases", __doc__, names)
    bases = {name: bench.piece(name, lambda name=name: measure(bench, name)) for name in bench.only}
    reached = {
        name: bases[name]["accuracy"] >= least for name, least in WANTED.items() if name in bases
    }
    bench.finish({"bases": bases, "reached": reached})


if __name__ == "__main__":
    main()
