"""Worker: our encoding of picture files into an empty store: read, hashed, decoded, all layers."""

from __future__ import annotations

import json
import shutil
import time
from functools import cache
from pathlib import Path
from typing import Any

from workers import serve


@cache
def base(folder: str) -> Any:
    from graftwork.bases import open_base
    from graftwork.runtime.devices import place

    return open_base(folder, placement=place("cpu", "float32"))


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Seconds for the files of `job`, from the first file to the vectors read back."""
    from graftwork.data.blob import Blob
    from graftwork.features.store import FeatureStore

    files = json.loads(Path(job["files"]).read_text("utf-8"))[: job["count"]]
    backbone = base(job["base"])
    shutil.rmtree(job["store"], ignore_errors=True)
    begun = time.perf_counter()
    inputs = [Blob.of_file(Path(file)) for file in files]
    stored = FeatureStore(Path(job["store"])).features(backbone, inputs)
    vectors = stored.view(backbone.n_layers - 1, 0)
    seconds = time.perf_counter() - begun
    if job.get("vectors"):
        import numpy as np

        np.save(job["vectors"], vectors)
    return {"seconds": seconds, "files": len(files)}


if __name__ == "__main__":
    serve(answer)
