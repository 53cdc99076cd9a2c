"""Objects of Python: pandas, Arrow, Hugging Face `datasets`, lists and dicts.

They are told by the name of their type, so that no package is imported that the user has not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from graftwork.data.readers.class_labels import features_of, named
from graftwork.data.readers.media import PICTURE_ENDINGS, holds_pictures, is_nan, picture_cells
from graftwork.data.readers.parquet import check_names
from graftwork.data.readers.typed import column, mixed_note, plain
from graftwork.data.table import Source, Table
from graftwork.errors import DataError, Fault

__all__ = ["content_hash", "read_object"]

_WANTED = (
    "a path, a pandas DataFrame, a pyarrow Table, a datasets.Dataset, a list of dicts, a dict of "
    "lists, or a list of texts or pictures"
)


def read_object(source: Any) -> Table:
    """A table from an object in memory; its types are kept, its rows are numbered from 1.

    Raises:
        DataError: the object is of another kind, has no rows, uneven columns, or columns without
            a name of their own.
    """
    kind, arrays, notes = _columns(source)
    n = len(next(iter(arrays.values()))) if arrays else 0
    if not n:
        raise DataError(faults=[Fault("holds no rows", file=kind)])
    table = pa.table(arrays)
    rows = np.arange(1, n + 1, dtype=np.int64)
    return Table(table, rows, Source(_title(source), kind, content_hash(table)), (), tuple(notes))


def content_hash(table: pa.Table) -> str:
    """SHA-256 of a table's content (names, types, values), however it is cut into chunks."""
    digest = hashlib.sha256()

    class _Sink:
        """A file that keeps only the hash of what is written."""

        closed = False

        def write(self, data: Any) -> int:
            digest.update(data)
            return len(data)

        def flush(self) -> None: ...

        def close(self) -> None: ...

    whole = table.replace_schema_metadata(None).combine_chunks()
    with (
        pa.PythonFile(_Sink(), mode="w") as sink,
        pa.ipc.new_stream(sink, whole.schema) as writer,
    ):
        writer.write_table(whole, max_chunksize=65_536)
    return digest.hexdigest()


def _title(source: Any) -> str:
    kind = type(source)
    module = kind.__module__.split(".")[0]
    return kind.__name__ if module == "builtins" else f"{module}.{kind.__name__}"


def _columns(source: Any) -> tuple[str, dict[str, Any], list[str]]:
    title = _title(source)
    if title == "pandas.DataFrame":
        return ("pandas", *_pandas(source))
    if isinstance(source, pa.RecordBatch):
        source = pa.table(source)
    if isinstance(source, pa.Table):
        return "arrow", _arrow(source), []
    if title == "datasets.Dataset":
        return "datasets", _arrow(source.with_format("arrow")[:], source.features.to_dict()), []
    if title in ("datasets.DatasetDict", "datasets.IterableDatasetDict"):
        parts = ", ".join(str(name) for name in source)
        raise DataError(f"a {title} holds several parts ({parts}); give one of them")
    if title == "numpy.ndarray" and source.ndim > 2:
        return ("list", *_lists({"image": source}, "array"))
    if isinstance(source, Mapping):
        return ("list", *_lists(dict(source), "dict"))
    if isinstance(source, Sequence) and not isinstance(source, (str, bytes)):
        return ("list", *_list(source))
    raise DataError(f"a {title} cannot be read as a table; wanted is {_WANTED}")


def _arrow(table: pa.Table, features: Mapping[str, Any] | None = None) -> dict[str, Any]:
    check_names(table.column_names, "arrow table")
    told = features or features_of(table.schema)
    return {name: plain(named(name, table.column(name), told)) for name in table.column_names}


def _pandas(frame: Any) -> tuple[dict[str, Any], list[str]]:
    names = [str(name) for name in frame.columns]
    check_names(names, "DataFrame")
    arrays, notes = {}, []
    for place, name in enumerate(names):
        arrays[name], mixed = _series(frame.iloc[:, place], name)
        if mixed:
            notes.append(mixed_note(name))
    return arrays, notes


def _series(series: Any, name: str) -> tuple[Any, bool]:
    """A column of pandas, and whether it mixes kinds."""
    what, rows = "DataFrame", range(1, len(series) + 1)
    if series.dtype == object:
        pictures = picture_cells(series.tolist(), name, what)
        if pictures is not None:
            return column(pictures, name, what, rows)
    try:
        return plain(pa.Array.from_pandas(series)), False
    except (pa.ArrowException, OverflowError):
        values = [None if is_nan(value) else value for value in series.tolist()]
        return column(values, name, what, rows)[0], True


def _lists(columns: dict[Any, Any], what: str) -> tuple[dict[str, Any], list[str]]:
    named = {str(name): values for name, values in columns.items()}
    check_names([str(name) for name in columns], what)
    faults = [
        Fault(f"a list is wanted, a {type(values).__name__} was found", file=what, field=name)
        for name, values in named.items()
        if isinstance(values, (str, bytes, Mapping)) or not hasattr(values, "__len__")
    ]
    if not faults and len({len(values) for values in named.values()}) > 1:
        sizes = ", ".join(f"{name}: {len(values)}" for name, values in named.items())
        faults = [Fault(f"columns must be of one length; found {sizes}", file=what)]
    if faults:
        raise DataError(faults=faults)
    arrays, notes = {}, []
    for name, values in named.items():
        if isinstance(values, (pa.Array, pa.ChunkedArray)):
            arrays[name] = plain(values)
            continue
        listed = _cells(values, name, what)
        arrays[name], mixed = column(listed, name, what, range(1, len(listed) + 1))
        if mixed:
            notes.append(mixed_note(name))
    return arrays, notes


def _cells(values: Any, name: str, what: str) -> list[Any]:
    """The values of a column; pictures as their bytes, paths as text."""
    if getattr(values, "ndim", 1) > 1:  # an array of pictures
        listed = list(values)
    else:
        listed = values.tolist() if hasattr(values, "tolist") else list(values)
    pictures = picture_cells(listed, name, what)
    return listed if pictures is None else pictures


def _list(source: Sequence[Any]) -> tuple[dict[str, Any], list[str]]:
    if not len(source):
        raise DataError(faults=[Fault("holds no rows", file="list")])
    if all(isinstance(item, str) for item in source):
        named = all(item.lower().endswith(PICTURE_ENDINGS) for item in source)
        return _lists({"image" if named else "text": list(source)}, "list")
    if holds_pictures(source):
        return _lists({"image": list(source)}, "list")
    faults = [
        Fault(f"a dict is wanted, a {type(item).__name__} was found", file="list", row=row)
        for row, item in enumerate(source, 1)
        if not isinstance(item, Mapping)
    ]
    if faults:
        raise DataError(f"{len(faults)} items are no dicts", faults[:20])
    names: dict[Any, None] = {}
    for item in source:
        names.update(dict.fromkeys(item))
    return _lists({name: [item.get(name) for item in source] for name in names}, "list")
