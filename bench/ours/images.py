"""Worker: a whole `graftwork.fit` on a folder of pictures; which test pictures are right."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from harness import bits
from workers import peak_memory_mb, serve


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Fit once and tell what came of it."""
    import csv

    import graftwork

    begun = time.perf_counter()
    run = graftwork.fit(
        job["folder"],
        out=job["out"],
        settings={"base": job["base"], **job["settings"]},
        machine={"cache": job["cache"]},
    )
    seconds = time.perf_counter() - begun
    with open(Path(job["out"]) / "report" / "predictions.csv", newline="") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: int(row["row"]))
    report, record = run.report, run.record
    return {
        "test": len(rows),
        "right": bits([row["label"] == row["prediction"] for row in rows]),
        "accuracy": report["test"]["accuracy"]["value"],
        "interval": [report["test"]["accuracy"][end] for end in ("low", "high")],
        "chosen": report["chosen"]["title"],
        "verdict": report["verdict"]["outcome"],
        "rungs": report["choice"]["rungs"] if "choice" in report else report["chosen"].get("rungs"),
        "base_passes": record["counts"]["base_passes"],
        "seconds": {"whole run": seconds, "steps": record["seconds"]},
        "parameters": report["cost"]["parameters"],
        "model_mb": report["cost"]["model_mb"],
        "latency_ms": report["cost"].get("latency_ms"),
        "peak_memory_mb": peak_memory_mb(),
    }


if __name__ == "__main__":
    serve(answer)
