"""Worker: sentence-transformers' `encode` with its defaults."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

from base import open_model
from workers import serve

model = cache(open_model)


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Seconds for the texts of `job`; the vectors go to a file where one is named."""
    import numpy as np

    texts = json.loads(Path(job["texts"]).read_text(encoding="utf-8"))[: job["count"]]
    network = model()
    begun = time.perf_counter()
    vectors = network.encode(texts, batch_size=32)
    seconds = time.perf_counter() - begun
    if job.get("vectors"):
        np.save(job["vectors"], vectors)
    return {"seconds": seconds, "texts": len(texts)}


if __name__ == "__main__":
    serve(answer)
