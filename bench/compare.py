"""`graftwork compare` on 100,000 rows with 5 contestants given as columns: seconds and memory.

    .venv/bin/python bench/compare.py

Made answers: five columns that are right on 70 to 92 % of the rows of ten labels, one of them with
its confidence, some answers no label. The whole command as a process of its own. Wanted: at most
20 s and 1 GB.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from harness import Bench, fresh_folder, median

ROWS, QUICK_ROWS = 100_000, 2_000
ROUNDS = 3
RIGHT = {"vendor": 0.92, "llm": 0.9, "local": 0.88, "rules": 0.75, "before": 0.7}
MOST_SECONDS, MOST_MB = 20.0, 1000.0


def made(path: Path, rows: int) -> Path:
    """The labelled file with its columns of answers."""
    import numpy as np

    rng = np.random.default_rng(0)
    labels = np.array([f"class {i}" for i in range(10)])
    truth = rng.integers(0, 10, rows)
    columns = {}
    for name, share in RIGHT.items():
        right = rng.random(rows) < share
        said = labels[np.where(right, truth, (truth + rng.integers(1, 10, rows)) % 10)]
        columns[name] = np.where(rng.random(rows) < 0.01, "no idea", said)
    columns["sure"] = np.round(rng.random(rows), 4).astype(str)
    columns["channel"] = np.array(["mail", "chat", "phone"])[rng.integers(0, 3, rows)]
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label", *columns])
        for i in range(rows):
            row = [columns[name][i] for name in columns]
            writer.writerow([f"message {i} of a customer", labels[truth[i]], *row])
    return path


def measure(bench: Bench) -> dict[str, Any]:
    """Seconds and peak memory of the whole command, several times."""
    folder = fresh_folder(bench.work / "compare")
    data = made(folder / "rows.csv", QUICK_ROWS if bench.quick else ROWS)
    program = str(Path(sys.executable).with_name("graftwork"))
    command = [program, "compare", str(data), "--target", "label"]
    for name in RIGHT:
        command += ["--column", name]
    command += ["--confidence", "local=sure", "--slice", "channel", "--cost", "vendor=4"]
    command += ["--out", str(folder / "out"), "--quiet"]
    environment, seconds = {**os.environ, **bench.environment()}, []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment)
        seconds.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    found = json.loads((folder / "out" / "comparison.json").read_text(encoding="utf-8"))
    return {
        "rows": found["n"],
        "contestants": len(found["contestants"]),
        "seconds": [round(one, 2) for one in seconds],
        "median_seconds": median(seconds, 2),
        "peak_memory_mb": round(peak, 1),
    }


def main() -> None:
    bench = Bench("compare", __doc__)
    found = bench.piece("compare", lambda: measure(bench))
    reached = {
        "time": found["median_seconds"] <= MOST_SECONDS,
        "memory": found["peak_memory_mb"] <= MOST_MB,
    }
    bench.finish({**found, "reached": reached})


if __name__ == "__main__":
    main()
