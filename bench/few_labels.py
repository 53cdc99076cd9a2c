"""`fit --strategy auto` against SetFit and FastFit, with 8 and 16 labels a class.

    bench/envs.sh setfit fastfit autointent
    .venv/bin/python bench/peers_status.py
    .venv/bin/python bench/few_labels.py [--draws N] [--sides ours probe setfit …]

MR, SUBJ, AG News (20 draws of the labelled rows), Banking77 and CLINC150 (3 draws, as SetFit takes
long there); all sides learn from the same rows and predict the whole test part. Ours: a whole
`graftwork.fit` on all given rows, on an empty feature store; controls and report are timed apart.
Every run (set, labels a class, draw, side) is a piece of its own: the same command goes on after a
stop, on another machine too: a time counts beside one of the same processor. A peer that does not
run here is left out, and peers_status.py says why. Wanted, against each: the lower bound of the
pooled difference ≥ −.01 and its mean above 0, at most 1/10 of SetFit's time.
The side `probe`, `fit --strategy probe`, shows what the rule of `auto` for few labels rests on.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from harness import BENCH, Bench, fresh_folder, unbits
from protocol import drawn, peer_rows, write_parts

DRAWS = {"mr": 20, "subj": 20, "agnews": 20, "banking77": 3, "clinc150": 3}
QUICK_DRAWS = 2
PER_CLASS = (8, 16)
PEERS = {
    "setfit": "peers/setfit_few.py",
    "fastfit": "peers/fastfit_few.py",
    "autointent": "peers/autointent_few.py",
}
OURS = {"ours": "auto", "probe": "probe"}  # our sides, and the strategy of each
LOWEST, MOST_TIME = -0.01, 0.1
Cell = dict[str, list[dict[str, Any]]]  # side: a piece per draw


def run(bench: Bench, name: str, per_class: int, draw: int, side: str) -> dict[str, Any]:
    """One side's run on one draw."""
    folder = fresh_folder(bench.work / f"{name}-{per_class}-{draw}-{side}")
    train, test = drawn(name, per_class, draw, quick=bench.quick)
    if side in OURS:
        files = write_parts(train, test, folder)
        job: dict[str, Any] = {
            "train": str(files[0]),
            "test": str(files[1]),
            "out": str(folder / "run"),
            "cache": str(folder / "cache"),
            "settings": {"strategy": OURS[side]},
        }
        with bench.worker("ours/auto.py") as worker:
            found = worker.ask(job)
    else:
        rows = peer_rows(train, test, folder / "rows.json")
        job = {"rows": str(rows), "folder": str(folder / "out"), "seed": draw}
        if bench.quick:
            job |= {"epochs": 1, "iterations": 1}
        with bench.worker(PEERS[side], peer=side) as worker:
            found = worker.ask(job)
    fresh_folder(folder).rmdir()  # hundreds of feature stores would fill the disk
    return found


def measure(bench: Bench, name: str, per_class: int, sides: list[str], draws: int) -> Cell:
    """All sides on all draws; a draw counts for a side where the side finished it."""
    cell: Cell = {side: [] for side in sides}
    for draw in range(draws):
        for side in sides:
            piece = f"{name}-{per_class}-{draw}-{side}"
            found = bench.piece_or_none(
                piece,
                lambda draw=draw, side=side: run(bench, name, per_class, draw, side),
                of=PEERS.get(side),
                timed=False,  # `against` compares times of one processor only
            )
            if found is not None:
                cell[side].append(found | {"draw": draw, "processor": bench.processor(piece)})
    return cell


def against(cells: dict[str, Cell], side: str) -> dict[str, Any] | None:
    """Ours against a peer over the cells where both have draws, or None."""
    import numpy as np

    from graftwork.stats.means import draws_paired_interval

    told: dict[str, dict[str, Any]] = {}
    by_set: dict[str, list[dict[int, Any]]] = {}
    for name, cell in cells.items():
        both = _pairs(cell, side)
        if not both:
            continue
        by_draw = {mine["draw"]: _difference(mine, theirs) for mine, theirs in both}
        by_set.setdefault(name.rpartition("-")[0], []).append(by_draw)
        rows = np.stack(list(by_draw.values()))
        told[name] = {
            "draws": len(both),
            "ours": _mean(mine["accuracy"] for mine, _ in both),
            "peer": _mean(theirs["accuracy"] for _, theirs in both),
            "difference": draws_paired_interval(rows).to_json(),
            "times": _times(both),
        }
    if not told:
        return None
    pooled = _pooled(list(by_set.values()))
    times = [each["times"] for each in told.values() if each["times"]]
    mine, whole, theirs = (sum(each[key] for each in times) for key in ("ours", "whole", "peer"))
    return {
        "difference": pooled,
        "draws": sum(each["draws"] for each in told.values()),
        "of": sum(DRAWS.values()) * len(PER_CLASS),
        "timed_draws": sum(each["draws"] for each in times),
        "time_ratio": mine / theirs if times else None,
        "time_ratio_whole_run": whole / theirs if times else None,
        "cells": told,
        "reached": {
            "quality": pooled["low"] >= LOWEST and pooled["value"] > 0,
            "time": bool(times) and mine / theirs <= MOST_TIME,
        },
    }


def _times(both: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, float] | None:
    """Mean seconds over the draws of which both sides ran on one processor; None: there is none."""
    found = [
        (mine["seconds"], theirs["seconds"])
        for mine, theirs in both
        if mine["processor"] == theirs["processor"]
    ]
    if not found:
        return None
    return {
        "draws": len(found),
        "ours": _mean(mine["all"] for mine, _ in found),
        "whole": _mean(mine["whole run"] for mine, _ in found),
        "peer": _mean(theirs["all"] for _, theirs in found),
    }


def _pairs(cell: Cell, side: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Ours and theirs of every draw that both finished."""
    theirs = {each["draw"]: each for each in cell.get(side, [])}
    return [(e, theirs[e["draw"]]) for e in cell.get("ours", []) if e["draw"] in theirs]


def _difference(mine: dict[str, Any], theirs: dict[str, Any]) -> Any:
    """-1, 0 or 1 by test row: ours right less theirs."""
    return unbits(mine["right"]) - unbits(theirs["right"])


def _mean(values: Any) -> float:
    found = list(values)
    return float(sum(found) / len(found))


def _pooled(sets: list[list[dict[int, Any]]]) -> dict[str, float]:
    """The mean over sets, each the same weight, with its interval over draws and test rows.

    The cells of one set (8 and 16 a class) share test rows and draws: their mean is taken row by
    row first, over the draws that all of them have. Within a set draws and rows are resampled
    crossed; sets have no row in common, so that their errors add as independent ones do.
    """
    import numpy as np

    from graftwork.stats.interval import z_of
    from graftwork.stats.means import draws_paired_interval

    values, errors = [], []
    for cells in sets:
        shared = sorted(set.intersection(*(set(cell) for cell in cells)))
        if not shared:
            continue
        rows = np.stack([np.mean([cell[draw] for cell in cells], axis=0) for draw in shared])
        found = draws_paired_interval(rows)
        values.append(found.value)
        errors.append((found.high - found.low) / (2 * z_of(0.95)))
    value = float(np.mean(values))
    reach = z_of(0.95) * float(np.sqrt(np.sum(np.square(errors)))) / len(values)
    return {"value": value, "low": value - reach, "high": value + reach}


def _sides(bench: Bench) -> list[str]:
    """Those asked for, less the peers that are known not to run here."""
    status = BENCH / "results" / "peers_status.json"
    ran = json.loads(status.read_text())["peers"] if status.is_file() else {}
    sides = []
    for side in bench.given.sides:
        if side in ran and not ran[side]["ran"]:
            print(f"few_labels: {side} is left out: {ran[side]['message']}", flush=True)
        else:
            sides.append(side)
    return sides


def _flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--draws", type=int, help="no more draws than that a cell")
    parser.add_argument(
        "--sides", nargs="+", choices=(*OURS, *PEERS), default=["ours", "setfit", "fastfit"]
    )


def main() -> None:
    bench = Bench("few_labels", __doc__, list(DRAWS), long=True, more=_flags)
    sides = _sides(bench)
    cells: dict[str, Cell] = {}
    for per_class in PER_CLASS:
        for name in bench.only:
            draws = min(QUICK_DRAWS if bench.quick else DRAWS[name], bench.given.draws or 99)
            cells[f"{name}-{per_class}"] = measure(bench, name, per_class, sides, draws)
    peers = {side: against(cells, side) for side in sides if side != "ours"}
    if not any(peers.values()):
        raise SystemExit("no draw is finished on both sides yet")
    bench.finish({"sides": sides, "peers": {s: p for s, p in peers.items() if p}, "cells": cells})


if __name__ == "__main__":
    main()
