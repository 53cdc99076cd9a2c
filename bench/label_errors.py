"""How many wrong labels come back: 3 % of the labels are flipped, then looked for.

    .venv/bin/python bench/label_errors.py

Training labels of Banking77, MR and SUBJ are flipped to another label at random; the file is then
opened as `graftwork fit` does, the frozen rungs (lexical, probe, hybrid) are searched out of fold,
and the suspects are those that the best rung gives. Precision and recall at the number suspected,
and at the number flipped (there the two are one figure). Labels that were wrong before count
against precision. No target is set. Uses the features that soft_transfer.py left, if any.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from harness import WORK, Bench
from protocol import rows_of

SHARE = 0.03
SETS = ("banking77", "mr", "subj")
DRAWS = 2


def flipped_file(bench: Bench, name: str, draw: int) -> tuple[Path, Path]:
    """The set with flipped training labels, and a JSON file of line numbers with the old labels."""
    import numpy as np

    rows = rows_of(name, quick=bench.quick)
    labels = sorted({label for _, label, _ in rows})
    rng = np.random.default_rng(draw)
    train = np.flatnonzero([part == "train" for _, _, part in rows])
    chosen = rng.permutation(train)[: round(SHARE * len(train))].tolist()
    old = {}
    for i in chosen:
        text, label, part = rows[i]
        others = [other for other in labels if other != label]
        rows[i] = (text, others[int(rng.integers(len(others)))], part)
        old[i + 2] = label  # the header is line 1
    data, answers = (bench.work / f"{name}-{draw}.{ending}" for ending in ("csv", "json"))
    with open(data, "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("text", "label", "split"), *rows])
    answers.write_text(json.dumps(old), encoding="utf-8")
    return data, answers


def measure(bench: Bench, name: str) -> dict[str, Any]:
    kind = "quick" if bench.quick else "full"
    draws = []
    with bench.worker("ours/flips.py") as ours:
        for draw in range(1 if bench.quick else DRAWS):
            data, answers = flipped_file(bench, name, draw)
            job = {
                "csv": str(data),
                "cache": str(WORK / kind / "soft_transfer" / name / "cache"),
                "flipped": str(answers),
            }
            draws.append(ours.ask(job))
    return {"draws": draws, **_mean(draws)}


def _mean(draws: list[dict[str, Any]]) -> dict[str, float]:
    names = ("precision", "recall", "at_number_flipped", "suggested_right", "accuracy")
    return {name: sum(draw[name] for draw in draws) / len(draws) for name in names}


def main() -> None:
    bench = Bench("label_errors", __doc__, SETS, timed=False)
    sets = {name: bench.piece(name, lambda name=name: measure(bench, name)) for name in bench.only}
    bench.finish({"share": SHARE, "sets": sets})


if __name__ == "__main__":
    main()
