"""`embed`: a base's features of a file's rows, for other uses."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._open import machine_of, store_folder
from graftwork.bases import open_base
from graftwork.bases.backbone import Shape
from graftwork.data.read import read
from graftwork.data.schema import resolve_schema
from graftwork.data.values import to_list
from graftwork.errors import ParameterError, UnknownNameError, UnsupportedError
from graftwork.features.store import FeatureStore
from graftwork.modalities import MODALITIES
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine
from graftwork.runtime.devices import place
from graftwork.storage.disk import atomic_file, disk_errors

__all__ = ["embed"]


def embed(
    data: Any,
    *,
    base: str | None = None,
    out: str | Path | None = None,
    inputs: tuple[str, ...] = (),
    layer: int | None = None,
    pooling: str | None = None,
    machine: Machine | Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> dict[str, Any]:
    """Encode every row once and keep the features in the store.

    Args:
        data: rows with a text column.
        base: which base; default: the embedded one.
        out: Parquet file: ``row`` and, per input column, a list of float32 (d,).
        inputs: columns to encode; found when left out.
        layer: 0 (embeddings) to the last, which is the default; negative ones count from the end.
        pooling: one of the base's; default: its first.
        machine: device, threads, cache.
        progress: shown to the user.
        encoding: of a text file; found and said when left out.
        delimiter: of a CSV or TSV file; found and said when left out.

    Returns:
        counts, seconds and, where nothing is written, ``vectors``: float32 (n, d) by column.
        Blank rows are encoded as empty texts, so that rows in = rows out.

    Raises:
        UnsupportedError: the base has no fixed features (TF-IDF is fitted to rows).
    """
    progress, how = progress or Progress(), machine_of(machine)
    begun = time.perf_counter()
    _check_out(out)
    table = read(data, encoding=encoding, delimiter=delimiter, progress=progress)
    schema = resolve_schema(table, target=None, inputs=inputs)
    modality = MODALITIES.get("text")()
    backbone = open_base(
        base or modality.default_base, placement=place(how.device, "auto", how.threads)
    )
    if Shape.POOLED not in backbone.shapes:
        raise UnsupportedError(f"{base!r} is fitted to rows and has no features of its own")
    which, pool = _place(backbone, layer, pooling)
    store = FeatureStore(store_folder(how), limit_gb=how.cache_gb)
    vectors = {}
    for name in schema.inputs:
        values = ["" if v is None else str(v) for v in to_list(table.columns.column(name))]
        vectors[name] = store.features(backbone, values, progress=progress).view(which, pool)
    told: dict[str, Any] = {
        "rows": len(table),
        "set_aside": len(table.set_aside),
        "columns": list(vectors),
        "dimensions": int(next(iter(vectors.values())).shape[1]),
        "layer": which,
        "pooling": backbone.poolings[pool],
        "base_passes": store.counters["rows_encoded"],
        "seconds": round(time.perf_counter() - begun, 3),
        "out": None if out is None else str(out),
    }
    if out is None:
        return {**told, "vectors": vectors}
    _write(Path(out), table.rows, vectors)
    return told


def _check_out(out: str | Path | None) -> None:
    if out is not None and Path(out).suffix.lower() != ".parquet":
        raise ParameterError(
            f"out: vectors are written as Parquet; {str(out)!r} must end in .parquet"
        )


def _place(backbone: Any, layer: int | None, pooling: str | None) -> tuple[int, int]:
    last = backbone.n_layers - 1
    which = last if layer is None else layer + backbone.n_layers if layer < 0 else layer
    if not 0 <= which <= last:
        raise ParameterError(f"layer {layer}: the base has layers 0 to {last}")
    if pooling is None:
        return which, 0
    if pooling not in backbone.poolings:
        raise UnknownNameError("pooling", pooling, backbone.poolings)
    return which, backbone.poolings.index(pooling)


def _write(path: Path, rows: np.ndarray, vectors: dict[str, np.ndarray]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {"row": pa.array(rows)}
    for name, values in vectors.items():
        flat = pa.array(np.ascontiguousarray(values).reshape(-1))
        columns[name] = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    with disk_errors("write", path), atomic_file(path) as temporary:
        pq.write_table(pa.table(columns), temporary)
