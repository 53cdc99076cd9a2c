"""Rows that `graftwork select` picks against rows drawn at random, labelled in rounds.

    .venv/bin/python bench/select_rows.py

Both sides start from the same few labelled rows, get the same number of labels a round and fit the
same kind of head (last layer, mean pooling, fixed strength) on stored features; only the choice of
rows differs. Accuracy on the whole test part after every round, for several draws of the start.
Differences are paired by test row and draw, and their intervals cover other rows and other draws.
Wanted: on both sets, the mean over the rounds above that of random choice, lower bound above 0.
Uses the features that soft_transfer.py left, if any.
"""

from __future__ import annotations

from typing import Any

from harness import WORK, Bench, unbits
from protocol import set_file

# labelled at the start, labels a round, rounds: two a class and one more a class each round; where
# classes are few, `--n`'s default
SETS = {"banking77": (154, 77, 8), "mr": (50, 50, 8)}
QUICK = (18, 12, 3)
SEEDS, QUICK_SEEDS = 20, 2


def measure(bench: Bench, name: str) -> dict[str, Any]:
    """All seeds of one set, and the differences between the two ways of choosing."""
    start, step, rounds = QUICK if bench.quick else SETS[name]
    kind = "quick" if bench.quick else "full"
    job = {
        "csv": str(set_file(name, quick=bench.quick)),
        "cache": str(WORK / kind / "soft_transfer" / name / "cache"),
        "start": start,
        "step": step,
        "rounds": rounds,
    }
    with bench.worker("ours/rounds.py") as ours:
        seeds = range(QUICK_SEEDS if bench.quick else SEEDS)
        answers = [ours.ask({**job, "seed": seed}) for seed in seeds]
    sizes = {"start": start, "step": step, "rounds": rounds, "seeds": len(answers)}
    sizes |= {"pool": answers[0]["pool"], "test": answers[0]["test"]}
    seconds = sum(each["seconds"] for each in answers)
    return {
        **sizes,
        "seconds": seconds,
        **compare(answers),
        "right": [each["right"] for each in answers],
    }


def compare(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean accuracy by round on both sides; the difference over the rounds, and in the last."""
    import numpy as np

    from graftwork.stats.means import draws_paired_interval

    # (seeds, rounds + 1, test rows)
    right = {
        arm: np.asarray([[unbits(each) for each in told["right"][arm]] for told in answers])
        for arm in ("select", "random")
    }
    apart = right["select"].astype(float) - right["random"]
    return {
        "accuracy": {arm: each.mean(axis=(0, 2)).tolist() for arm, each in right.items()},
        # the first is before any choice, and the same on both sides
        "gain": draws_paired_interval(apart[:, 1:].mean(axis=1)).to_json(),
        "gain_at_the_end": draws_paired_interval(apart[:, -1]).to_json(),
    }


def labels_needed(found: dict[str, Any]) -> float | None:
    """Labels that random choice needs for the accuracy that picked rows end on; None: more."""
    picked, drawn = found["accuracy"]["select"], found["accuracy"]["random"]
    labels = [found["start"] + found["step"] * i for i in range(found["rounds"] + 1)]
    for i in range(1, len(drawn)):
        if drawn[i] >= picked[-1]:
            share = (picked[-1] - drawn[i - 1]) / max(drawn[i] - drawn[i - 1], 1e-12)
            return labels[i - 1] + max(share, 0.0) * found["step"]
    return None


def main() -> None:
    bench = Bench("select_rows", __doc__, list(SETS))
    sets = {name: bench.piece(name, lambda name=name: measure(bench, name)) for name in bench.only}
    for found in sets.values():
        found["random_needs"] = labels_needed(found)
    reached = all(
        found["gain"]["low"] is not None and found["gain"]["low"] > 0 for found in sets.values()
    )
    bench.finish({"reached": {"better than random choice": reached}, "sets": sets})


if __name__ == "__main__":
    main()
