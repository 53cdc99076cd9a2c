"""Worker: AutoIntent, its preset `classic-light` (search over heads on frozen features)."""

from __future__ import annotations

import os
import time
from typing import Any

from base import accuracy_of, model_folder, rows_of, versions
from workers import peak_memory_mb, serve


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Search and train on all rows of `train`, then predict the test rows.

    A row that the search's threshold leaves without an intent counts as wrong.
    """
    os.environ["XDG_CACHE_HOME"] = job["folder"]  # its embeddings of this job alone
    from autointent import Dataset, Pipeline

    rows = rows_of(job)
    pipeline = Pipeline.from_preset("classic-light", seed=job["seed"] + 1)  # it takes no 0
    _prepare(pipeline, job)
    clock = [time.perf_counter()]
    train = [
        {"utterance": text, "label": code}
        for text, code in zip(rows["train"], rows["codes"], strict=True)
    ]
    pipeline.fit(Dataset.from_dict({"train": train}))
    clock.append(time.perf_counter())
    predicted = [-1 if code is None else int(code) for code in pipeline.predict(rows["test"])]
    clock.append(time.perf_counter())
    return {
        "train": len(train),
        **accuracy_of(predicted, rows["test_codes"]),
        "unanswered": predicted.count(-1),
        "seconds": {
            "training": clock[1] - clock[0],
            "predicting": clock[2] - clock[1],
            "all": clock[2] - clock[0],
        },
        "versions": versions(),
        "peak_memory_mb": peak_memory_mb(),
    }


def _prepare(pipeline: Any, job: dict[str, Any]) -> None:
    """Our base in place of the preset's, and its files in the bench's folder."""
    from pathlib import Path

    from autointent.configs import LoggingConfig
    from autointent.configs import SentenceTransformerEmbeddingConfig as Embedder

    pipeline.set_config(Embedder(model_name=model_folder(), device="cpu"))
    pipeline.set_config(
        LoggingConfig(project_dir=Path(job["folder"]), dump_modules=False, clear_ram=False)
    )


if __name__ == "__main__":
    serve(answer)
