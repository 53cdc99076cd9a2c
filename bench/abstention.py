"""How often is `--guarantee r` broken?

    .venv/bin/python bench/abstention.py

From stored probabilities of the hybrid rung (`calibration.py` leaves them): thresholds fixed by the
out-of-fold rows; the test rows are split 200 times into calibration rows, on which the threshold
is picked as `graftwork fit --guarantee` does, and the rest. Broken: more than r of what is answered
in the rest is wrong. That is harder than what is promised, since the rest strays from its own long
run; so the share wrong among all answered test rows is counted too. Wanted: broken in at most δ of
the resplits, that is in no more than the 95 % quantile of a binomial count allows.
"""

from __future__ import annotations

from typing import Any

from calibration import measure, probabilities_file
from harness import Bench

SETS = ("banking77", "mr")
RISKS = {"banking77": (0.02, 0.05), "mr": (0.1, 0.15, 0.2)}
DELTA, RESPLITS, CALIBRATION = 0.05, 200, 500
QUICK_RESPLITS, QUICK_CALIBRATION = 20, 60


def resplit(bench: Bench, name: str) -> dict[str, Any]:
    """Every risk of a set, resplit after resplit."""
    import numpy as np

    file = probabilities_file(bench, name)
    if not file.is_file():
        measure(bench, name)
    with np.load(file) as kept:
        arrays = {key: kept[key] for key in kept.files}
    return {f"{risk:g}": _count(bench, arrays, risk) for risk in RISKS[name]}


def _count(bench: Bench, arrays: dict[str, Any], risk: float) -> dict[str, Any]:
    import numpy as np
    from scipy.stats import binom

    from graftwork.evaluation.abstention import thresholds_of
    from graftwork.stats.selective import guaranteed

    thresholds = thresholds_of(arrays["out_of_fold"])
    sure = arrays["test"].max(1)
    wrong = arrays["test"].argmax(1) != arrays["test_truth"]
    count = QUICK_RESPLITS if bench.quick else RESPLITS
    held = QUICK_CALIBRATION if bench.quick else CALIBRATION
    broken = broken_of_all = nothing = 0
    answered, errors = [], []
    for number in range(count):
        order = np.random.default_rng([11, number]).permutation(len(sure))
        mine, rest = order[:held], order[held:]
        found = guaranteed(sure[mine], wrong[mine], thresholds, risk=risk, delta=DELTA)
        if found is None:
            nothing += 1
            continue
        above = sure >= found.threshold
        answered.append(float(above[rest].mean()))
        errors.append(float(wrong[rest][above[rest]].mean()) if above[rest].any() else 0.0)
        broken += errors[-1] > risk
        broken_of_all += bool(wrong[above].mean() > risk)
    limit = int(binom.ppf(0.95, count, DELTA))
    return {
        "risk": risk,
        "delta": DELTA,
        "resplits": count,
        "calibration_rows": held,
        "rest_rows": len(sure) - held,
        "error_of_all": float(wrong.mean()),
        "broken": int(broken),
        "broken_of_all": int(broken_of_all),
        "nothing_promised": nothing,
        "limit": limit,
        "answered": float(np.mean(answered)) if answered else None,
        "error": float(np.mean(errors)) if errors else None,
        "held": bool(broken <= limit),
    }


def main() -> None:
    bench = Bench("abstention", __doc__, SETS)
    sets = {name: bench.piece(name, lambda name=name: resplit(bench, name)) for name in bench.only}
    counts = [found for told in sets.values() for found in told.values() if isinstance(found, dict)]
    bench.finish(
        {
            "worst": max(found["broken"] for found in counts),
            "reached": {"broken in at most δ": all(found["held"] for found in counts)},
            "sets": sets,
        }
    )


if __name__ == "__main__":
    main()
