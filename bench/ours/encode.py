"""Worker: our encoding, with and without storing every layer."""

from __future__ import annotations

import json
import shutil
import time
from functools import cache
from pathlib import Path
from typing import Any

from workers import serve


@cache
def base() -> Any:
    """The embedded base, placed as `fit` places it."""
    from graftwork.bases import open_base
    from graftwork.runtime.devices import place

    return open_base("minilm", placement=place("cpu", "float32"))


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Seconds for the texts of `job` on an empty store, or without one."""
    texts = json.loads(Path(job["texts"]).read_text(encoding="utf-8"))[: job["count"]]
    backbone = base()
    if job["stored"]:
        seconds, vectors = _stored(backbone, texts, Path(job["store"]))
    else:
        seconds, vectors = _plain(backbone, texts)
    if job.get("vectors"):
        import numpy as np

        np.save(job["vectors"], vectors)
    return {"seconds": seconds, "texts": len(texts), "shape": list(vectors.shape)}


def _stored(backbone: Any, texts: list[str], folder: Path) -> tuple[float, Any]:
    """Into an empty store and read back: the path of `fit`."""
    from graftwork.features.store import FeatureStore

    shutil.rmtree(folder, ignore_errors=True)
    begun = time.perf_counter()
    stored = FeatureStore(folder).features(backbone, texts)
    vectors = stored.view(backbone.n_layers - 1, backbone.poolings.index("mean"))
    return time.perf_counter() - begun, vectors


def _plain(backbone: Any, texts: list[str]) -> tuple[float, Any]:
    """All layers and poolings, nothing kept: the path of `predict`."""
    from graftwork.model.model import _encode_all
    from graftwork.runs.progress import Progress

    begun = time.perf_counter()
    pooled = _encode_all(backbone, texts, Progress())
    vectors = pooled[:, backbone.n_layers - 1, backbone.poolings.index("mean")]
    return time.perf_counter() - begun, vectors


if __name__ == "__main__":
    serve(answer)
