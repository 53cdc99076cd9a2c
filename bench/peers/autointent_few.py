"""Worker: AutoIntent, its preset `classic-light` (search over heads on frozen features)."""

from __future__ import annotations

import os
import time
from typing import Any

from base import model_folder, reply, rows_of
from workers import serve


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
    return {**reply(rows, predicted, clock), "unanswered": predicted.count(-1)}


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
