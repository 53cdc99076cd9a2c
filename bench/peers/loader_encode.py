"""Worker: the features of picture files by a plain torch loop, PIL and a DataLoader of 2 workers.

The same network and weights as ours, in evaluation mode; batches of 32, each decoded, resized and
normalised by a worker process.
"""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

from plain_loop import Pictures
from workers import serve

BATCH, WORKERS = 32, 2


@cache
def network(base: str) -> Any:
    from graftwork.bases import open_base
    from graftwork.runtime.devices import place

    return open_base(base, placement=place("cpu", "float32")).network.eval()


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Seconds for the files of `job`, from the first file to the last vector."""
    import numpy as np
    import torch
    from torch.utils.data import DataLoader

    files = json.loads(Path(job["files"]).read_text("utf-8"))[: job["count"]]
    body = network(job["base"])
    items = [(file, 0) for file in files]
    begun = time.perf_counter()
    loader = DataLoader(Pictures(items, job, altered=False), batch_size=BATCH, num_workers=WORKERS)  # type: ignore[arg-type]
    with torch.inference_mode():
        vectors = np.concatenate(
            [body.features(pixels).mean(dim=(2, 3)).numpy() for pixels, _ in loader]
        )
    seconds = time.perf_counter() - begun
    if job.get("vectors"):
        np.save(job["vectors"], vectors)
    return {"seconds": seconds, "files": len(files)}


if __name__ == "__main__":
    serve(answer)
