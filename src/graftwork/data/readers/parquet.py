"""Parquet: columns keep their types; a row's number is its position, from 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from graftwork.data.readers.class_labels import features_of, named
from graftwork.data.readers.files import check_file
from graftwork.data.readers.typed import plain
from graftwork.data.table import Source, Table
from graftwork.errors import DataError, Fault
from graftwork.runs.progress import Progress
from graftwork.storage.hashing import sha256_file

__all__ = ["check_names", "read_parquet"]


def read_parquet(path: Path, *, progress: Progress | None = None) -> Table:
    """Read a Parquet file.

    Raises:
        DataError: missing, empty, truncated or no Parquet file, a directory, no rows, or columns
            without a name of their own.
    """
    check_file(path)
    import pyarrow.parquet as pq

    digest = sha256_file(path)
    try:
        with pq.ParquetFile(path) as file:
            check_names(list(file.schema_arrow.names), str(path))
            groups = []
            with (progress or Progress()).step(f"reading {path.name}", file.num_row_groups) as step:
                for group in range(file.num_row_groups):
                    groups.append(file.read_row_group(group))
                    step.advance()
            schema = file.schema_arrow
    except (pa.ArrowException, OSError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = f"is no whole Parquet file (damaged or cut short): {first}"
        raise DataError(faults=[Fault(message, file=str(path))]) from error
    table = pa.concat_tables(groups) if groups else schema.empty_table()
    if not table.num_rows:
        raise DataError(faults=[Fault("the file holds no rows", file=str(path))])
    told = features_of(schema)
    columns = {name: plain(named(name, table.column(name), told)) for name in table.column_names}
    rows = np.arange(1, table.num_rows + 1, dtype=np.int64)
    return Table(pa.table(columns), rows, Source(str(path), "parquet", digest))


def check_names(names: list[str], file: str) -> None:
    """Refuse columns without a name of their own, all at once.

    Raises:
        DataError: a name is blank or stands twice, or there is no column.
    """
    faults = []
    if not names:
        faults.append(Fault("there are no columns", file=file))
    for place, name in enumerate(names, 1):
        if not name.strip():
            faults.append(Fault(f"column {place} of {len(names)} has no name", file=file))
    for name in sorted({name for name in names if names.count(name) > 1}):
        faults.append(Fault(f"{names.count(name)} columns are named {name!r}", file=file))
    if faults:
        raise DataError("the columns cannot be used" if len(faults) > 1 else "", faults)
