"""`probe` (soft transfer) against sentence-transformers + LogisticRegression.

    .venv/bin/python bench/soft_transfer.py

Same six sets, same split, same base, same folds and grid of C, set by set in turns, each in a
process of its own with an empty feature store. Wanted: the lower bound of the pooled paired
difference ≥ −.005 and its mean above 0; at most 1.1 × the peer's time.
"""

from __future__ import annotations

import json
from typing import Any

from harness import Bench, fresh_folder, unbits
from protocol import SETS, set_file

LOWEST, MOST_TIME = -0.005, 1.1


def measure(bench: Bench, name: str) -> dict[str, Any]:
    folder = fresh_folder(bench.work / name)
    rows = str(folder / "rows.json")
    csv = str(set_file(name, quick=bench.quick))
    with bench.worker("ours/probe.py") as ours:
        mine = ours.ask({"csv": csv, "cache": str(folder / "cache"), "rows": rows})
    with bench.worker("peers/st_logreg.py", peer=True) as peers:
        theirs = peers.ask({"rows": rows})
    if (mine["train"], mine["test"]) != (theirs["train"], theirs["test"]):
        raise SystemExit(f"{name}: the two sides saw different rows")
    for side, found in (("ours", mine), ("peer", theirs)):
        (folder / f"predicted-{side}.json").write_text(json.dumps(found.pop("predicted")))
    return {"ours": mine, "peer": theirs}


def summary(sets: dict[str, Any]) -> dict[str, Any]:
    """Per set and pooled: paired differences with 95 % intervals, and times."""
    from graftwork.stats.means import mean_interval, pooled_paired_interval

    differences = [unbits(s["ours"]["right"]) - unbits(s["peer"]["right"]) for s in sets.values()]
    for found, rows in zip(sets.values(), differences, strict=True):
        found["difference"] = mean_interval(rows).to_json()
        found["time_ratio"] = _all(found["ours"]) / _all(found["peer"])
        found["time_ratio_to_cv"] = _all(found["ours"]) / _all_with_cv(found["peer"])
    pooled = pooled_paired_interval(differences)
    ours = sum(_all(found["ours"]) for found in sets.values())
    theirs = sum(_all(found["peer"]) for found in sets.values())
    with_cv = sum(_all_with_cv(found["peer"]) for found in sets.values())
    return {
        "difference": pooled.to_json(),
        "ours_seconds": ours,
        "peer_seconds": theirs,
        "time_ratio": ours / theirs,
        "time_ratio_to_cv": ours / with_cv,
        "reached": {
            "quality": pooled.low >= LOWEST and pooled.value > 0,
            "time": ours / theirs <= MOST_TIME,
            "time on every set": all(s["time_ratio"] <= MOST_TIME for s in sets.values()),
        },
    }


def _all(side: dict[str, Any]) -> float:
    return float(side["seconds"]["all"])


def _all_with_cv(peer: dict[str, Any]) -> float:
    """The peer's time had it used LogisticRegressionCV in place of grid and final fit."""
    spent = peer["seconds"]
    apart = spent["search"] + spent["final head"]
    return float(spent["all"] - apart + peer["logistic_regression_cv"]["seconds"])


def main() -> None:
    bench = Bench("soft_transfer", __doc__, list(SETS))
    sets = {name: bench.piece(name, lambda name=name: measure(bench, name)) for name in bench.only}
    bench.finish({"pooled": summary(sets), "sets": sets})


if __name__ == "__main__":
    main()
