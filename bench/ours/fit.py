"""Worker: a whole `graftwork.fit`, with every call of the store and the network counted."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from workers import serve

spent: Counter[str] = Counter()
lock = threading.Lock()


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Fit once; say what encoding took, all controls included."""
    import graftwork

    _watch()
    spent.clear()
    begun = time.perf_counter()
    run = graftwork.fit(
        job["data"],
        out=job["out"],
        settings=job["settings"],
        machine={"cache": job["cache"]},
    )
    record = run.record.to_json() if hasattr(run.record, "to_json") else dict(run.record)
    return {
        "seconds": time.perf_counter() - begun,
        "base_passes": record["counts"]["base_passes"],
        "rows_found": record["counts"]["rows_found"],
        "store_seconds": spent["store seconds"],
        "taking_seconds": spent["taking seconds"],
        "store_rows_encoded": spent["rows in the store"],
        "other_rows_encoded": spent["rows"] - spent["rows in the store"],
    }


def _watch() -> None:
    """Time the store's `features`; count rows through the network, for the store and otherwise."""
    from graftwork.bases.convnet import ConvNet
    from graftwork.bases.huggingface import HuggingFace
    from graftwork.features.store import FeatureStore
    from graftwork.modalities.image import Image

    features, take = FeatureStore.features, Image.take

    def timed(self: Any, *given: Any, **named: Any) -> Any:
        rows, begun = spent["rows"], time.perf_counter()
        found = features(self, *given, **named)
        spent["store seconds"] += time.perf_counter() - begun  # type: ignore[assignment]
        spent["rows in the store"] += spent["rows"] - rows
        return found

    def taken(self: Any, *given: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        found = take(self, *given, **named)
        spent["taking seconds"] += time.perf_counter() - begun  # type: ignore[assignment]
        return found

    def counted(encode: Callable[..., Any]) -> Callable[..., Any]:
        def count(self: Any, prepared: Any, index: Any, shape: Any) -> Any:
            with lock:  # batches run side by side
                spent["rows"] += len(index)
            return encode(self, prepared, index, shape)

        return count

    _replace(FeatureStore, "features", timed)
    _replace(Image, "take", taken)
    for kind in (HuggingFace, ConvNet):
        _replace(kind, "encode", counted(kind.encode))


def _replace(kind: type, name: str, by: Callable[..., Any]) -> None:
    setattr(kind, name, by)


if __name__ == "__main__":
    serve(answer)
