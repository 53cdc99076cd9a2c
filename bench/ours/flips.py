"""Worker: suspected label errors of a set whose flipped labels are known."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from workers import serve


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Search the frozen rungs, take the best one's suspects, and count the flipped among them."""
    from rows import open_job

    from graftwork.api._fit import search_job
    from graftwork.api._rungs import rungs_of
    from graftwork.evaluation.label_errors import label_errors

    opened, whole = open_job(job["csv"], job["cache"], strategy="hybrid")
    search = search_job(whole, whole.seed)
    for values in whole.dataset.inputs.values():
        whole.store.features(opened.base, values)
    begun = time.perf_counter()
    rungs, _ = rungs_of(opened.recipe, opened.base, opened.modality.classical)
    tried = {}
    for rung in rungs:
        mine = {name: whole.backbones[name] for name in rung.backbones}
        choice = rung.strategy.search(replace(search, backbones=mine))
        search.shared[rung.backbones[0] if len(rung.backbones) == 1 else rung.name] = choice
        if choice.out_of_fold is not None:
            tried[rung.name] = choice.out_of_fold
    best = max(tried, key=lambda name: tried[name].scores()[tried[name].best()])
    found = label_errors(search.codes(), tried[best].best_probabilities)
    counts = _count(job["flipped"], search, found)
    return {
        **counts,
        "rung": best,
        "accuracy": float(tried[best].scores()[tried[best].best()]),
        "seconds": time.perf_counter() - begun,
    }


def _count(flipped: str, search: Any, found: Any) -> dict[str, Any]:
    import numpy as np

    old = {int(line): label for line, label in json.loads(Path(flipped).read_text()).items()}
    lines = search.dataset.rows[search.rows]
    wrong = np.isin(lines, list(old))
    hits = wrong[found.index]
    names = search.task.labels
    right = [
        str(names[code]) == old[int(line)]
        for line, code, hit in zip(lines[found.index], found.suggested, hits, strict=True)
        if hit
    ]
    n = int(wrong.sum())
    return {
        "rows_looked_at": found.looked_at,
        "flipped": n,
        "suspected": len(found),
        "precision": float(hits.mean()) if len(hits) else 0.0,
        "recall": float(hits.sum() / max(n, 1)),
        "at_number_flipped": float(hits[:n].sum() / max(n, 1)),
        "suggested_right": float(np.mean(right)) if right else 0.0,
    }


if __name__ == "__main__":
    serve(answer)
