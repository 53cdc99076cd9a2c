"""Is a model right as often as it is sure? ECE before and after temperature, on the test parts.

    .venv/bin/python bench/calibration.py

The frozen rungs (lexical, probe, hybrid) on the six sets, temperature fitted on their out-of-fold
probabilities, as `graftwork fit` does; ECE over 15 bins of equal mass. Beside it the ECE that a
perfectly calibrated model would show with as many test rows. Where hard_transfer.py has left its
runs, what `auto` ended on is told too. Wanted: at most .03 on the sets with 1,000 test rows or
more. Uses the features that soft_transfer.py left, if any.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness import WORK, Bench
from protocol import SETS, set_file

MOST, FEWEST_ROWS = 0.03, 1000
HEADLINE = "hybrid"


def probabilities_file(bench: Bench, name: str) -> Path:
    """Where a set's probabilities lie; `abstention.py` reads them too."""
    return WORK / ("quick" if bench.quick else "full") / "calibration" / f"{name}.npz"


def measure(bench: Bench, name: str) -> dict[str, Any]:
    """Calibration of the three rungs, and the probabilities left on disk."""
    kind = "quick" if bench.quick else "full"
    out = probabilities_file(bench, name)
    out.parent.mkdir(parents=True, exist_ok=True)
    job = {
        "csv": str(set_file(name, quick=bench.quick)),
        "cache": str(WORK / kind / "soft_transfer" / name / "cache"),
        "out": str(out),
    }
    with bench.worker("ours/sure.py") as ours:
        return ours.ask(job)


def auto(bench: Bench, name: str) -> dict[str, Any] | None:
    """What the run of hard_transfer.py says of its own calibration, if there is one."""
    kind = "quick" if bench.quick else "full"
    file = WORK / kind / "hard_transfer" / f"{name}-ours" / "run" / "report" / "metrics.json"
    told = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    found = told.get("calibration")
    if not found:
        return None
    kept = {key: value for key, value in found.items() if not key.startswith("curve")}
    return {"rung": told["chosen"]["strategy"], **kept}


def main() -> None:
    bench = Bench("calibration", __doc__, list(SETS))
    sets = {name: bench.piece(name, lambda name=name: measure(bench, name)) for name in bench.only}
    for name, found in sets.items():
        found["auto"] = auto(bench, name)
    large = [found for found in sets.values() if found["test"] >= FEWEST_ROWS]
    worst = max((found["rungs"][HEADLINE]["ece_after"] for found in large), default=None)
    ends = [found["auto"]["ece_after"] for found in large if found["auto"]]
    bench.finish(
        {
            "worst": worst,
            "worst_auto": max(ends, default=None),
            "reached": {
                "ECE": worst is not None and max([worst, *ends]) <= MOST,
            },
            "sets": sets,
        }
    )


if __name__ == "__main__":
    main()
