"""1,000 labelled rows, from the command line to verdict and report: the second start.

    .venv/bin/python bench/second_start.py

`graftwork fit rows.csv --target label`, wall-clock of the whole process (Python's start, imports,
audit, encoding, the ladder, all controls, the saved and checked model, the report). Three starts
per set, each with its own run directory:

  first    the program's first start in this bench, empty feature store
  second   the program was started before; the feature store is empty again: new rows for it
  stored   the features of these rows are there too (the second fit of the same file)

Wanted: second ≤ 60 s on each set.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from harness import Bench, fresh_folder
from protocol import labelled_file

MOST_SECONDS = 60.0
SETS = ("mr", "banking77", "agnews")
ROWS, QUICK_ROWS = 1000, 80


def measure(bench: Bench, name: str) -> dict[str, Any]:
    folder = fresh_folder(bench.work / name)
    rows = labelled_file(name, QUICK_ROWS if bench.quick else ROWS)
    found: dict[str, Any] = {"rows": QUICK_ROWS if bench.quick else ROWS}
    for start in ("first", "second", "stored"):
        if start == "second":
            shutil.rmtree(folder / "cache")
        found[start] = _fit(bench, rows, folder, start)
    return found


def _fit(bench: Bench, rows: Path, folder: Path, start: str) -> dict[str, Any]:
    out = folder / start
    command = [str(Path(sys.executable).with_name("graftwork")), "fit", str(rows)]
    command += ["--target", "label", "--out", str(out), "--cache", str(folder / "cache")]
    begun = time.perf_counter()
    with open(folder / f"{start}.log", "w") as log:
        subprocess.run(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=True,
            env={**os.environ, **bench.environment()},
        )
    seconds = time.perf_counter() - begun
    if not (out / "report" / "report.html").is_file():
        raise SystemExit(f"{out} has no report")
    metrics = json.loads((out / "report" / "metrics.json").read_text())
    return {
        "seconds": seconds,
        "inside": metrics["cost"]["steps"],
        "base_passes": metrics["cost"]["base_passes"],
        "outcome": metrics["verdict"]["outcome"],
        "strategy": metrics["chosen"]["strategy"],
    }


def main() -> None:
    bench = Bench("second_start", __doc__, SETS)
    sets = {name: bench.piece(name, lambda name=name: measure(bench, name)) for name in bench.only}
    slowest = max(found["second"]["seconds"] for found in sets.values())
    bench.finish(
        {
            "slowest_second_start": slowest,
            "reached": {"second start": slowest <= MOST_SECONDS},
            "sets": sets,
        }
    )


if __name__ == "__main__":
    main()
