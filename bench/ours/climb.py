"""Worker: the ladder that `graftwork fit` (strategy auto) climbs, and every rung's test score."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from workers import peak_memory_mb, serve


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Climb lexical, probe, hybrid out of fold; then fit each and predict the test part."""
    from rows import open_job, right_of, test_rows

    from graftwork.api._fit import _climb, search_job

    opened, whole = open_job(job["csv"], job["cache"], strategy="auto")
    where, truth = test_rows(whole)
    for values in whole.dataset.inputs.values():
        whole.store.features(opened.base, values)
    begun = time.perf_counter()
    ladder = _climb(search_job(whole, whole.seed), opened, None)  # type: ignore[arg-type]
    searching = time.perf_counter() - begun
    inputs = whole.dataset.take(where)
    rungs = {}
    for result in ladder.results:
        begun = time.perf_counter()
        names = result.rung.backbones
        mine = replace(whole, backbones={name: whole.backbones[name] for name in names})
        model = result.rung.strategy.build(mine, result.choice)
        found = model.predict(inputs, store=whole.store)
        rungs[result.rung.name] = {
            "out_of_fold": result.score["value"],
            "accuracy": float((found.codes == truth).mean()),
            "right": right_of(found.codes, truth),
            "chosen": result.choice.words,
            "taken": result.taken,
            "reason": result.reason,
            "seconds": {"search": result.seconds, "fit": time.perf_counter() - begun},
        }
    return {
        "train": len(whole.rows),
        "test": len(where),
        "auto": ladder.chosen.rung.name,
        "rungs": rungs,
        "search_seconds": searching,
        "peak_memory_mb": peak_memory_mb(),
    }


if __name__ == "__main__":
    serve(answer)
