"""Worker: epochs of the top layers from the cache, or of all layers, by our own training loop."""

from __future__ import annotations

import time
from typing import Any

from workers import peak_memory_mb, serve


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Seconds of epochs over all training rows of `job["csv"]`.

    `job`: `csv` (text, label, split), `cache` (folder), `layers` (how many top layers; all of them:
    None), `rounds`.
    """
    return {**epochs(job), "peak_memory_mb": peak_memory_mb()}


# --- the one place here that knows how strategies train -------------------------------------------
def epochs(job: dict[str, Any]) -> dict[str, Any]:
    """`rounds` epochs of forward, backward and step over all rows; nothing is scored between them.

    Returns:
        ``filling``: seconds until tokens are made and, with a boundary, the states that enter the
        first layer that trains are stored; ``epochs``: seconds of each; ``rows``; ``tokens``: real
        ones an epoch, without padding.
    """
    from dataclasses import replace

    from rows import open_job

    from graftwork.api._rungs import BASE, make_strategy
    from graftwork.strategies._starts import begin, start_settings
    from graftwork.strategies._trained import trainable
    from graftwork.training.loop import train

    opened, whole = open_job(job["csv"], job["cache"], strategy="probe")
    mine = replace(whole, backbones={BASE: opened.base})
    for values in mine.dataset.inputs.values():  # a fit has these by then
        mine.store.features(opened.base, values)
    top = job["layers"]
    way = make_strategy("finetune", {} if top is None else {"top": top}).way(mine)  # type: ignore[attr-defined]
    settings = start_settings(mine, BASE)
    model = begin(mine, BASE, settings)
    begun = time.perf_counter()
    tuning, _ = trainable(mine, way, BASE, settings, model)
    filling = time.perf_counter() - begun
    curve = train(tuning, replace(way.options, epochs=job["rounds"]), seed=mine.seed)
    return {
        "filling": filling,
        "epochs": list(curve.seconds),
        "rows": len(mine.rows),
        "tokens": int(tuning.lengths.sum()),
    }


# --------------------------------------------------------------------------------------------------


if __name__ == "__main__":
    serve(answer)
