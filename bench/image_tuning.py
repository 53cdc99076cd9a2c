"""`fit --strategy auto` on pictures against the same network fine-tuned whole by a plain loop.

    .venv/bin/python bench/image_tuning.py

clothing10 with MobileNetV2. Ours: a whole `graftwork.fit`, all defaults, on an empty feature store,
and a probe alone. Theirs (peers/plain_loop.py): AdamW, 5 epochs, the better of two rates by the
validation part (learnt there from 1,000 pictures); only the final run on train and validation
counts, the quickest epoch of all seeds standing for all. Three seeds each; every run is a piece of
its own. Wanted: pooled over the seeds, the lower bound of the paired difference to the loop ≥ −.02,
in at most half its time; the gain over the probe is told with its interval, or "not shown".
"""

from __future__ import annotations

from typing import Any

from harness import Bench, fresh_folder, unbits
from pictures import base_of, classes, clothing, input_of, subset

PEER = "peers/plain_loop.py"
SEEDS = (0, 1, 2)
RATES = (1e-4, 1e-3)
EPOCHS, QUICK_EPOCHS = 5, 1
SEARCH_ROWS = 1000
WEIGHTS = "mobilenet_v2_1.0"
LOWEST, MOST_TIME = -0.02, 0.5
QUICK_PER_CLASS = 6


def pictures_of(bench: Bench) -> str:
    return str(subset(bench.work / "pictures", QUICK_PER_CLASS) if bench.quick else clothing())


def ours(bench: Bench, seed: int, strategy: str) -> dict[str, Any]:
    """Our whole run."""
    folder = fresh_folder(bench.work / f"{strategy}-{seed}")
    job = {
        "folder": pictures_of(bench),
        "base": str(base_of(WEIGHTS)),
        "out": str(folder / "run"),
        "cache": str(folder / "cache"),
        "settings": {"strategy": strategy, "seed": seed},
    }
    with bench.worker("ours/images.py") as worker:
        return worker.ask(job)


def loop(bench: Bench, seed: int, rate: float, *, validation: bool) -> dict[str, Any]:
    """One run of the plain loop: to choose the rate, or the one that counts."""
    base = base_of(WEIGHTS)
    job = {
        "folder": pictures_of(bench),
        "classes": classes(),
        "base": str(base),
        "seed": seed,
        "rate": rate,
        "epochs": QUICK_EPOCHS if bench.quick else EPOCHS,
        "validation": validation,
        "rows": SEARCH_ROWS if validation else 0,
        **{name: input_of(base)[name] for name in ("size", "mean", "std", "resize")},
    }
    with bench.worker(PEER) as worker:
        return worker.ask(job)


def mine(bench: Bench, seed: int) -> dict[str, Any] | None:
    """Our sides of a seed, or None where a piece is missing (`--tell`)."""
    auto = bench.piece_or_none(f"auto-{seed}", lambda: ours(bench, seed, "auto"))
    probe = bench.piece_or_none(f"probe-{seed}", lambda: ours(bench, seed, "probe"))
    return None if auto is None or probe is None else {"ours": auto, "probe": probe}


def peer(bench: Bench, seed: int) -> dict[str, Any] | None:
    """The loop's side of a seed, or None where a piece is missing (`--tell`)."""
    choices = {
        rate: bench.piece_or_none(
            f"rate-{rate:g}",
            lambda rate=rate: loop(bench, 0, rate, validation=True),
            of=PEER,
            timed=False,
        )
        for rate in RATES
    }
    if None in choices.values():
        return None
    best = max(RATES, key=lambda rate: choices[rate]["accuracy"])  # type: ignore[index]
    return bench.piece_or_none(
        f"loop-{seed}", lambda: loop(bench, seed, best, validation=False), of=PEER
    )


def summary(seeds: dict[str, Any]) -> dict[str, Any]:
    """Pooled paired differences with 95 % intervals, and times."""
    from graftwork.stats.means import pooled_paired_interval

    def rows(side: str) -> list[Any]:
        return [unbits(found[side]["right"]) for found in seeds.values()]

    pairs = {
        name: pooled_paired_interval([a - b for a, b in zip(rows("ours"), rows(name), strict=True)])
        for name in ("peer", "probe")
    }
    spent_by_us = sum(found["ours"]["seconds"]["whole run"] for found in seeds.values())
    # the same work with every seed: the quickest epoch of all of them is the loop's own
    spent = [found["peer"]["seconds"] for found in seeds.values()]
    epochs = [epoch for each in spent for epoch in each["epochs"]]
    theirs = min(epochs) * len(epochs) + len(spent) * min(each["predicting"] for each in spent)
    return {
        "seeds": len(seeds),
        "difference": pairs["peer"].to_json(),
        "gain_over_probe": pairs["probe"].to_json(),
        "gain_shown": pairs["probe"].low > 0,
        "accuracy": {
            side: sum(found[side]["accuracy"] for found in seeds.values()) / len(seeds)
            for side in ("ours", "probe", "peer")
        },
        "loop_seconds": theirs / len(spent),
        "time_ratio": spent_by_us / theirs,
        "reached": {
            "not worse than the loop": pairs["peer"].low >= LOWEST,
            "time": spent_by_us / theirs <= MOST_TIME,
        },
    }


def main() -> None:
    bench = Bench("image_tuning", __doc__, [str(seed) for seed in SEEDS], long=True)
    own = {seed: mine(bench, int(seed)) for seed in bench.only}
    theirs = {seed: peer(bench, int(seed)) for seed in bench.only}
    seeds: dict[str, Any] = {}
    for seed, told in own.items():
        other = theirs[seed]
        if told is not None and other is not None:
            seeds[seed] = told | {"peer": other}
    if not seeds:
        raise SystemExit("no seed is finished yet")
    bench.finish({"pooled": summary(seeds), "per_seed": seeds})


if __name__ == "__main__":
    main()
