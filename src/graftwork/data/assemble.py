"""Usable rows of one or several tables, put one after the other; the others set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from graftwork.data.schema import Schema
from graftwork.data.table import SetAside, Table
from graftwork.data.values import missing_mask
from graftwork.errors import DataError, Fault, nearest

__all__ = ["Rows", "assemble"]


@dataclass(frozen=True)
class Rows:
    """Usable rows of all tables.

    Attributes:
        columns: the columns that all tables share, usable rows only.
        rows: int64 (n,) line numbers, each in its own file.
        file_of: int64 (n,) index into `tables`.
        tables: the tables, the main one first.
        parts: the part that each table was given for; None for the main one.
        set_aside: all rows that are not used, of all tables.
    """

    columns: pa.Table
    rows: np.ndarray
    file_of: np.ndarray
    tables: tuple[Table, ...]
    parts: tuple[str | None, ...]
    set_aside: tuple[SetAside, ...]


def assemble(tables: Sequence[tuple[Table, str | None]], schema: Schema) -> Rows:
    """Set aside the rows that cannot be used, and join the rest of all tables.

    A row is unusable where all of its inputs are blank (quarantined) or its label is missing
    (dropped: rows without a label are a habit, not a fault).

    Raises:
        DataError: a table lacks a column of the schema, or has it in another type; all at once.
    """
    main = tables[0][0]
    faults = [fault for table, part in tables[1:] for fault in _unlike(main, table, schema, part)]
    if faults:
        raise DataError("the files do not fit each other" if len(faults) > 1 else "", faults)
    shared = [
        name for name in main.names if all(_same_type(main, table, name) for table, _ in tables[1:])
    ]
    pieces, rows, file_of, set_aside = [], [], [], []
    for place, (table, _) in enumerate(tables):
        needs_label = schema.target is not None
        keep, aside = _usable(table, schema, needs_label)
        chosen = table.columns.select(shared)
        pieces.append(chosen if keep.all() else chosen.filter(pa.array(keep)))
        rows.append(table.rows[keep])
        file_of.append(np.full(int(keep.sum()), place, dtype=np.int64))
        set_aside.extend(aside)
    return Rows(
        pa.concat_tables(pieces),
        np.concatenate(rows),
        np.concatenate(file_of),
        tuple(table for table, _ in tables),
        tuple(part for _, part in tables),
        tuple(set_aside),
    )


def _same_type(main: Table, other: Table, name: str) -> bool:
    return name in other.names and (
        main.columns.schema.field(name).type == other.columns.schema.field(name).type
    )


def _unlike(main: Table, other: Table, schema: Schema, part: str | None) -> list[Fault]:
    file, faults = other.source.name, []
    for name in schema.used:
        if name == schema.split:
            continue
        if name not in other.names:
            close = nearest(name, other.names)
            hint = (
                f"did you mean {close!r}?" if close else f"there are: {', '.join(other.names[:20])}"
            )
            message = f"the {part} file has no column {name!r}, which {main.source.name} has"
            faults.append(Fault(message, file=file, field=name, hint=hint))
        elif not _same_type(main, other, name):
            types = [t.columns.schema.field(name).type for t in (main, other)]
            message = f"is {types[1]} here but {types[0]} in {main.source.name}"
            faults.append(Fault(message, file=file, field=name))
    return faults


def _usable(table: Table, schema: Schema, needs_label: bool) -> tuple[np.ndarray, list[SetAside]]:
    """Bool (n,): the row can be used; and the rows that cannot, those of reading first."""
    masks = [missing_mask(table.columns.column(name)) for name in schema.inputs]
    blank = np.logical_and.reduce(masks)
    missing = np.zeros(len(table), dtype=bool)
    if needs_label and schema.target is not None:
        missing = missing_mask(table.columns.column(schema.target)) & ~blank
    file = table.source.name
    aside = list(table.set_aside)
    what = ", ".join(repr(name) for name in schema.inputs)
    for i in np.flatnonzero(blank):
        aside.append(
            SetAside(int(table.rows[i]), "blank_input", f"{what} blank", "quarantined", file)
        )
    for i in np.flatnonzero(missing):
        detail = f"{schema.target!r} missing"
        aside.append(SetAside(int(table.rows[i]), "missing_label", detail, "dropped", file))
    return ~(blank | missing), aside
