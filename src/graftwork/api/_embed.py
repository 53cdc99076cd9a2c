"""`embed`: a base's features of a file's rows, for other uses."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._kind import check_base, kind_of, taker
from graftwork.api._open import machine_of, store_folder
from graftwork.bases import open_base
from graftwork.bases.backbone import Shape
from graftwork.data.blob import Blob
from graftwork.data.read import read
from graftwork.data.schema import resolve_schema
from graftwork.data.table import Table
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
        data: rows with a text or picture column, or a folder of pictures.
        base: which base; default: the embedded one.
        out: Parquet file: ``row``, for a folder the ``file``, and, per input column, a list of
            float32 (d,).
        inputs: columns to encode; found when left out.
        layer: 0 (embeddings) to the last, which is the default; negative ones count from the end.
        pooling: one of the base's; default: its first.
        machine: device, threads, cache.
        progress: shown to the user.
        encoding: of a text file; found and said when left out.
        delimiter: of a CSV or TSV file; found and said when left out.

    Returns:
        counts, seconds and, where nothing is written, ``vectors``: float32 (n, d) by column.
        Blank texts are encoded as empty ones, and rows that cannot be read (a damaged picture) have
        NaN throughout, so that rows in = rows out.

    Raises:
        UnsupportedError: the base has no fixed features (TF-IDF is fitted to rows).
    """
    progress, how = progress or Progress(), machine_of(machine)
    begun = time.perf_counter()
    _check_out(out)
    table = read(data, encoding=encoding, delimiter=delimiter, progress=progress)
    kind, columns = kind_of(table, inputs, (), None)
    schema = resolve_schema(table, target=None, inputs=columns)
    modality = MODALITIES.get(kind)()
    backbone = open_base(
        base or modality.default_base, placement=place(how.device, "auto", how.threads)
    )
    check_base(backbone, kind, schema.inputs, base)
    if Shape.POOLED not in backbone.shapes:
        raise UnsupportedError(f"{base!r} is fitted to rows and has no features of its own")
    which, pool = _place(backbone, layer, pooling)
    store = FeatureStore(store_folder(how), limit_gb=how.cache_gb)
    take = taker(modality, how, progress)
    vectors: dict[str, np.ndarray] = {}
    unusable: dict[int, str] = {}
    for name in schema.inputs:
        values, wrong = take(to_list(table.columns.column(name)), table.source.folder)
        if any(isinstance(value, Blob) for value in values):  # of no file there is no vector
            blank = {i: ("blank_input", "") for i, value in enumerate(values) if value is None}
            wrong = {**blank, **wrong}
        unusable |= {i: reason for i, (reason, _) in wrong.items()}
        vectors[name] = _vectors(backbone, values, set(wrong), store, which, pool, progress)
    told: dict[str, Any] = {
        "rows": len(table),
        "set_aside": len(table.set_aside),
        "unusable": len(unusable),
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
    _write(Path(out), table, vectors, schema.inputs)
    return told


def _vectors(
    backbone: Any,
    values: list[Any],
    unusable: set[int],
    store: FeatureStore,
    layer: int,
    pooling: int,
    progress: Progress,
) -> np.ndarray:
    """float32 (n, d); rows that cannot be read have NaN throughout, blank ones count as empty."""
    rows = [i for i in range(len(values)) if i not in unusable]
    inputs = [values[i] for i in rows]
    inputs = [v if isinstance(v, (str, Blob)) else "" if v is None else str(v) for v in inputs]
    found = store.features(backbone, inputs, progress=progress).view(layer, pooling)
    if not unusable:
        return found
    out = np.full((len(values), found.shape[1]), np.nan, np.float32)
    out[rows] = found
    return out


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


def _write(
    path: Path, table: Table, vectors: dict[str, np.ndarray], inputs: tuple[str, ...]
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {"row": pa.array(table.rows)}
    if table.source.format == "folder":
        columns["file"] = table.columns.column(inputs[0])
    for name, values in vectors.items():
        flat = pa.array(np.ascontiguousarray(values).reshape(-1))
        columns[name] = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    with disk_errors("write", path), atomic_file(path) as temporary:
        pq.write_table(pa.table(columns), temporary)
