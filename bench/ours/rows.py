"""Opening a set as `graftwork fit` does, and writing down what the peers learn from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from graftwork.api._open import Opened
    from graftwork.strategies.strategy import Job

__all__ = ["hand_over", "open_job", "right_of", "test_rows"]


def open_job(
    csv: str, cache: str, *, strategy: str, counters: dict[str, int] | None = None
) -> tuple[Opened, Job]:
    """The job that `graftwork fit CSV --target label --split split --strategy …` works on."""
    from graftwork.api._fit import make_job
    from graftwork.api._open import machine_of, open_all, recipe_of
    from graftwork.features.store import FeatureStore
    from graftwork.runs.progress import Progress

    progress = Progress()
    recipe = recipe_of(
        {"target": "label", "input": ("text",), "split": "split", "strategy": strategy}, {}
    )
    opened = open_all(csv, recipe, machine_of({"cache": cache}), progress=progress)
    store = FeatureStore(Path(cache) / "features", counters=counters)
    return opened, make_job(opened, store, progress, None)


def test_rows(job: Job) -> tuple[np.ndarray, np.ndarray]:
    """Positions and label codes of the test part."""
    from graftwork.data.dataset import TEST

    where = job.dataset.where(TEST)
    return where, job.task.encode(job.dataset.labels(where))


def hand_over(job: Job, path: str) -> None:
    """The very rows, folds and strengths that we use, for the peer."""
    from graftwork.strategies._linear import STRENGTHS

    where, codes = test_rows(job)
    told: dict[str, Any] = {
        "train": job.dataset.take(job.rows)["text"],
        "codes": job.codes().tolist(),
        "folds": job.folds.tolist(),
        "test": job.dataset.take(where)["text"],
        "test_codes": codes.tolist(),
        "strengths": list(STRENGTHS),
    }
    Path(path).write_text(json.dumps(told), encoding="utf-8")


def right_of(predicted: Any, truth: Any) -> str:
    """Which test rows are right, as `harness.bits`."""
    import numpy as np
    from harness import bits

    return bits(np.asarray(predicted) == np.asarray(truth))
