"""Worker: what `graftwork fit --strategy probe` does, controls and report apart."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from workers import peak_memory_mb, serve


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Encode all rows, choose the readout out of fold, fit the final head, predict the test part.

    Reading and auditing the file, and opening the base, come before the clock starts: the peer
    does not do the former and does the latter before its clock starts too.
    """
    from rows import hand_over, open_job, right_of, test_rows

    from graftwork.api._fit import search_job
    from graftwork.api._rungs import BASE, make_strategy

    begun = time.perf_counter()
    counters: dict[str, int] = {}
    opened, whole = open_job(job["csv"], job["cache"], strategy="probe", counters=counters)
    reading = time.perf_counter() - begun
    hand_over(whole, job["rows"])
    mine = replace(whole, backbones={BASE: opened.base})
    where, truth = test_rows(mine)
    probe = make_strategy("probe", {})

    clock = [time.perf_counter()]
    for values in mine.dataset.inputs.values():
        mine.store.features(opened.base, values)
    clock.append(time.perf_counter())
    choice = probe.search(search_job(mine, mine.seed))
    clock.append(time.perf_counter())
    model = probe.build(mine, choice)
    clock.append(time.perf_counter())
    found = model.predict(mine.dataset.take(where), store=mine.store)
    clock.append(time.perf_counter())
    return {
        "train": len(mine.rows),
        "test": len(where),
        "accuracy": float((found.codes == truth).mean()),
        "out_of_fold": float(choice.out_of_fold.scores().max()) if choice.out_of_fold else None,
        "chosen": choice.words,
        "right": right_of(found.codes, truth),
        "predicted": found.codes.tolist(),
        "seconds": {
            "encoding": clock[1] - clock[0],
            "search": clock[2] - clock[1],
            "final head": clock[3] - clock[2],
            "predicting": clock[4] - clock[3],
            "all": clock[4] - clock[0],
        },
        "reading_and_audit_seconds": reading,
        "rows_encoded": counters["rows_encoded"],
        "peak_memory_mb": peak_memory_mb(),
    }


if __name__ == "__main__":
    serve(answer)
