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
        found["time_ratio"] = found["ours"]["seconds"]["all"] / found["peer"]["seconds"]["all"]
    pooled = pooled_paired_interval(differences)
    ours, theirs = (sum(s[who]["seconds"]["all"] for s in sets.values()) for who in ("ours", "peer"))
    return {
        "difference": pooled.to_json(),
        "ours_seconds": ours,
        "peer_seconds": theirs,
        "time_ratio": ours / theirs,
        "reached": {
            "quality": pooled.low >= LOWEST and pooled.value > 0,
            "time": ours / theirs <= MOST_TIME,
            "time on every set": all(s["time_ratio"] <= MOST_TIME for s in sets.values()),
        },
    }


def main() -> None:
    bench = Bench("soft_transfer", __doc__, list(SETS))
    sets = {name: bench.piece(name, lambda name=name: measure(bench, name)) for name in bench.only}
    bench.finish({"pooled": summary(sets), "sets": sets})


if __name__ == "__main__":
    main()
