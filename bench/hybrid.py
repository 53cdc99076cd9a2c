"""`hybrid` against the better of probe and TF-IDF, and what `auto` chose.

    .venv/bin/python bench/hybrid.py

The ladder of `graftwork fit` on the six sets, all choices out of fold. The better of the two is
told twice: the one that is better out of fold (what a user could have chosen), and the one that
turns out better on the test part (harder; nobody can choose so). "Pays" means: on the test part
hybrid is above the rung that auto would have kept without it. Wanted: a mean gain above 0, and
auto never on hybrid where it does not pay. Uses the features that soft_transfer.py left, if any.
"""

from __future__ import annotations

from typing import Any

from harness import WORK, Bench, unbits
from protocol import SETS, set_file


def measure(bench: Bench, name: str) -> dict[str, Any]:
    kind = "quick" if bench.quick else "full"
    job = {
        "csv": str(set_file(name, quick=bench.quick)),
        "cache": str(WORK / kind / "soft_transfer" / name / "cache"),
    }
    with bench.worker("ours/climb.py") as ours:
        return ours.ask(job)


def _better(rungs: dict[str, Any], by: str) -> str:
    return max(("lexical", "probe"), key=lambda rung: rungs[rung][by])


def _without_hybrid(rungs: dict[str, Any]) -> str:
    return "probe" if rungs["probe"]["taken"] else "lexical"


def summary(sets: dict[str, Any]) -> dict[str, Any]:
    """Per set and pooled: the gain over the better of the two, with 95 % intervals."""
    from graftwork.stats.means import mean_interval, pooled_paired_interval

    gains: dict[str, list[Any]] = {"out_of_fold": [], "accuracy": []}
    wrongly = []
    for name, found in sets.items():
        rungs = found["rungs"]
        right = {rung: unbits(told["right"]) for rung, told in rungs.items()}
        for by, rows in gains.items():
            other = _better(rungs, by)
            rows.append(right["hybrid"] - right[other])
            found[f"better_by_{by}"] = other
            found[f"gain_by_{by}"] = mean_interval(rows[-1]).to_json()
        found["pays"] = bool((right["hybrid"] - right[_without_hybrid(rungs)]).mean() > 0)
        if found["auto"] == "hybrid" and not found["pays"]:
            wrongly.append(name)
    pooled = {by: pooled_paired_interval(rows) for by, rows in gains.items()}
    return {
        **{f"gain_by_{by}": interval.to_json() for by, interval in pooled.items()},
        "wrongly_chosen": wrongly,
        "reached": {
            "mean gain over the better out of fold": pooled["out_of_fold"].value > 0,
            "mean gain over the better on test": pooled["accuracy"].value > 0,
            "never chosen where it does not pay": not wrongly,
        },
    }


def main() -> None:
    bench = Bench("hybrid", __doc__, list(SETS))
    sets = {name: bench.piece(name, lambda name=name: measure(bench, name)) for name in bench.only}
    bench.finish({"pooled": summary(sets), "sets": sets})


if __name__ == "__main__":
    main()
