"""`fit --strategy auto` against transformers' Trainer (full fine-tuning), all labels.

    bench/envs.sh trainer
    .venv/bin/python bench/hard_transfer.py

Six sets, same split, base and machine. Ours: a whole `graftwork.fit`, all defaults, on an empty
feature store. Theirs: AutoModelForSequenceClassification, 4 epochs, default TrainingArguments, the
better of two learning rates by a validation split (10 % of train; as a search of full runs would
take hours, it learns there from at most 2,000 rows, fewer than our own pilots); only the time of
one run counts: the final one, on all training rows, its quickest epoch standing for all. Every run
is a piece of its own, so that the same command goes on after a stop, on another machine too: the
two sides of a set stand on one processor, each set on any. Wanted: pooled, the lower
bound of the paired difference ≥ −.005, no mean of a set below −.02; at most 0.4 × the Trainer's
time in all, 0.8 × on any set. Told besides, of our runs: how many epochs took what was foretold
(within 25 %, in 90 % of them), and the share of the time that went into checkpoints (at most 5 %).
"""

from __future__ import annotations

from typing import Any

from harness import Bench, fresh_folder, unbits
from protocol import SETS, drawn, peer_rows, write_parts

PEER = "peers/trainer.py"
RATES = (2e-5, 1e-4)
EPOCHS, QUICK_EPOCHS = 4, 1
SEARCH_ROWS = 2000
HELD_BACK = 10  # one training row in ten chooses the rate
LOWEST, LOWEST_MEAN, MOST_TIME, MOST_TIME_OF_A_SET = -0.005, -0.02, 0.4, 0.8
OFF, FORETOLD, MOST_CHECKPOINTS = 0.25, 0.9, 0.05


def ours(bench: Bench, name: str) -> dict[str, Any]:
    """Our whole run."""
    folder = fresh_folder(bench.work / f"{name}-ours")
    train, test = write_parts(*drawn(name, quick=bench.quick), folder)
    job = {
        "train": str(train),
        "test": str(test),
        "out": str(folder / "run"),
        "cache": str(folder / "cache"),
        "settings": {"strategy": "auto"},
    }
    with bench.worker("ours/auto.py") as worker:
        return worker.ask(job)


def trainer(bench: Bench, name: str, rate: float, *, validation: bool) -> dict[str, Any]:
    """One run of the Trainer: to choose the rate, or the one that counts."""
    folder = fresh_folder(bench.work / f"{name}-trainer")
    rows = peer_rows(*drawn(name, quick=bench.quick), folder / "rows.json", validation=HELD_BACK)
    job = {
        "rows": str(rows),
        "folder": str(folder),
        "rate": rate,
        "epochs": QUICK_EPOCHS if bench.quick else EPOCHS,
        "validation": validation,
        "search_rows": SEARCH_ROWS,
    }
    with bench.worker(PEER, peer="trainer") as worker:
        return worker.ask(job)


def measure(bench: Bench, name: str) -> dict[str, Any] | None:
    """Both sides of a set, or None where a piece is missing (`--tell`)."""
    searches = {rate: f"{name}-rate-{rate:g}" for rate in RATES}
    # on one processor too, as it decides the precision that both are searched in
    timed = not bench.side_by_side(dict.fromkeys(searches.values(), PEER))
    choices = {
        rate: bench.piece_or_none(
            piece,
            lambda rate=rate: trainer(bench, name, rate, validation=True),
            of=PEER,
            timed=timed,
        )
        for rate, piece in searches.items()
    }
    if None in choices.values():
        return None
    best = max(RATES, key=lambda rate: choices[rate]["accuracy"])  # type: ignore[index]
    sides = {f"{name}-ours": None, f"{name}-trainer-{best:g}": PEER}
    own, other = sides
    timed = not bench.side_by_side(sides)
    mine = bench.piece_or_none(own, lambda: ours(bench, name), timed=timed)
    theirs = bench.piece_or_none(
        other, lambda: trainer(bench, name, best, validation=False), of=PEER, timed=timed
    )
    if mine is None or theirs is None:
        return None
    if mine["test"] != theirs["test"]:
        raise SystemExit(f"{name}: the two sides saw different test rows")
    told = {f"{rate:g}": found["accuracy"] for rate, found in choices.items() if found}
    return {
        "processor": bench.processor(*sides),  # None: not one, with --keep
        "ours": mine,
        "peer": theirs | {"validation_accuracy": told},
    }


def summary(sets: dict[str, Any]) -> dict[str, Any]:
    """Per set and pooled: paired differences with 95 % intervals, and times, in all by their sums.

    A time of which the two sides stand on several processors (`--keep`) reaches nothing.
    """
    from graftwork.stats.means import mean_interval, pooled_paired_interval

    differences = [unbits(s["ours"]["right"]) - unbits(s["peer"]["right"]) for s in sets.values()]
    for found, rows in zip(sets.values(), differences, strict=True):
        found["difference"] = mean_interval(rows).to_json()
        found["time_ratio"] = whole_run(found["ours"]) / found["peer"]["seconds"]["all"]
        found["time_ratio_without_evidence"] = (
            found["ours"]["seconds"]["all"] / found["peer"]["seconds"]["all"]
        )
    pooled = pooled_paired_interval(differences)
    mine = sum(whole_run(found["ours"]) for found in sets.values())
    bare = sum(found["ours"]["seconds"]["all"] for found in sets.values())
    theirs = sum(found["peer"]["seconds"]["all"] for found in sets.values())
    near = [near_enough(epoch) for found in sets.values() for epoch in found["ours"]["epochs"]]
    foretold = sum(near) / len(near) if near else None
    comparable = all(found["processor"] for found in sets.values())
    checkpoints = sum(found["ours"]["seconds"]["checkpoints"] for found in sets.values()) / mine
    return {
        "sets": len(sets),
        "of": len(SETS),
        "difference": pooled.to_json(),
        "epochs": len(near),
        "epochs_as_foretold": foretold,
        "checkpoint_share": checkpoints,
        "ours_seconds": mine,
        "ours_seconds_without_evidence": bare,
        "peer_seconds": theirs,
        "time_ratio": mine / theirs,
        "time_ratio_without_evidence": bare / theirs,
        "reached": {
            "pooled": pooled.low >= LOWEST,
            "every set": all(s["difference"]["value"] >= LOWEST_MEAN for s in sets.values()),
            "time": comparable and mine / theirs <= MOST_TIME,
            "time on every set": comparable
            and all(s["time_ratio"] <= MOST_TIME_OF_A_SET for s in sets.values()),
            "forecast": foretold is not None and foretold >= FORETOLD,
            "checkpoints": checkpoints <= MOST_CHECKPOINTS,
        },
    }


def near_enough(epoch: dict[str, Any]) -> bool:
    """Whether an epoch took what was foretold, give or take a quarter."""
    return bool(abs(epoch["foretold"] / epoch["took"] - 1) <= OFF)


def whole_run(side: dict[str, Any]) -> float:
    """Seconds of our whole run: reading, audit, controls and report too."""
    return float(side["seconds"]["whole run"])


def main() -> None:
    bench = Bench("hard_transfer", __doc__, list(SETS), long=True)
    found = {name: measure(bench, name) for name in bench.only}
    sets = {name: told for name, told in found.items() if told is not None}
    if not sets:
        raise SystemExit("no set is finished yet")
    bench.finish({"pooled": summary(sets), "sets": sets})


if __name__ == "__main__":
    main()
