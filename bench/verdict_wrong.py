"""How often the verdict says "helped" where nothing can have helped.

    .venv/bin/python bench/verdict_wrong.py

The "pre-trained" base is the architecture with random weights of seed 0; the controls are the same
architecture with seeds 1, 2, 3; the lexical control is off. 100 resplits each of a pool of
Banking77 and of MR training rows, from stored features; in every resplit each network gets the
whole search of `probe` (readout and strength by 5 folds) on the same rows, then `decide`. Wanted:
"helped" in at most 15 of the 200.

Beside it, for nothing, each network in turn is the base and the three others its controls: 800
verdicts, among which one network's luck cannot hide.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

from harness import Bench
from protocol import rows_of

MOST_WRONG = 15
BASE, SEEDS = 0, (0, 1, 2, 3)
SETS = ("banking77", "mr")
LABELS = {"banking77": 20}  # of 77, so that a few hundred rows hold several of each
RESPLITS, POOL, TRAIN, TEST = 100, 1200, 300, 500
QUICK_RESPLITS, QUICK_POOL, QUICK_TRAIN, QUICK_TEST = 2, 160, 60, 60
STEP = 10  # resplits a piece: what an interruption loses


def pool_file(bench: Bench, name: str) -> Path:
    """Training rows of the set, of some labels, as many as the pool holds."""
    import numpy as np

    rows = [row for row in rows_of(name) if row[2] == "train"]
    rng = np.random.default_rng(0)
    labels = sorted({label for _, label, _ in rows})
    few = {labels[i] for i in rng.permutation(len(labels))[: LABELS.get(name, len(labels))]}
    rows = [row for row in rows if row[1] in few]
    drawn = rng.permutation(len(rows))[: QUICK_POOL if bench.quick else POOL]
    path = bench.work / f"{name}.csv"
    with open(path, "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(
            [("text", "label", "split"), *(rows[i] for i in sorted(drawn))]
        )
    return path


def measure(bench: Bench, name: str) -> dict[str, Any]:
    csv = pool_file(bench, name)
    quick = bench.quick
    count = QUICK_RESPLITS if quick else RESPLITS
    step = 1 if quick else STEP
    job: dict[str, Any] = {
        "csv": str(csv),
        "cache": str(bench.cache),
        "seeds": list(SEEDS),
        "train": QUICK_TRAIN if quick else TRAIN,
        "test": QUICK_TEST if quick else TEST,
    }
    outcomes: dict[str, dict[str, str]] = {}
    with bench.worker("ours/random_probes.py") as ours:
        for first in range(0, count, step):
            part = {**job, "first": first, "last": first + step}
            found = bench.piece(f"{name}-{first}", lambda part=part: ours.ask(part))
            outcomes |= found["outcomes"]
    return {
        "resplits": count,
        "train": job["train"],
        "test": job["test"],
        "outcomes": dict(Counter(told[str(BASE)] for told in outcomes.values())),
        "outcomes_in_turn": {
            str(seed): dict(Counter(told[str(seed)] for told in outcomes.values()))
            for seed in SEEDS
        },
    }


def main() -> None:
    bench = Bench("verdict_wrong", __doc__, SETS)
    sets = {name: measure(bench, name) for name in bench.only}
    wrong = sum(found["outcomes"].get("helped", 0) for found in sets.values())
    in_turn = sum(
        told.get("helped", 0) for f in sets.values() for told in f["outcomes_in_turn"].values()
    )
    resplits = sum(found["resplits"] for found in sets.values())
    bench.finish(
        {
            "helped": wrong,
            "resplits": resplits,
            "helped_in_turn": in_turn,
            "verdicts_in_turn": resplits * len(SEEDS),
            "reached": {"at most 15 of 200": wrong <= MOST_WRONG * resplits / 200},
            "sets": sets,
        }
    )


if __name__ == "__main__":
    main()
