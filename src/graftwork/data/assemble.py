"""Usable rows of one or several tables, put one after the other; the others set aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from graftwork.data.schema import Schema
from graftwork.data.table import SetAside, Table
from graftwork.data.values import missing_mask, to_list
from graftwork.errors import DataError, Fault, nearest

__all__ = ["Rows", "Take", "assemble"]

# Cells and the folder that paths begin in: the inputs, and by position why one cannot be used.
Take = Callable[[Sequence[Any], Path | None], tuple[list[Any], dict[int, tuple[str, str]]]]


class _Fault(NamedTuple):
    """Why a cell cannot be used, and the file that it names."""

    reason: str
    detail: str
    file: str


@dataclass(frozen=True)
class Rows:
    """Usable rows of all tables.

    Attributes:
        columns: the columns that all tables share, usable rows only.
        inputs: the input of each row, by column.
        rows: int64 (n,) line numbers, each in its own file.
        file_of: int64 (n,) index into `tables`.
        tables: the tables, the main one first.
        parts: the part that each table was given for; None for the main one.
        set_aside: all rows that are not used, of all tables.
    """

    columns: pa.Table
    inputs: dict[str, list[Any]]
    rows: np.ndarray
    file_of: np.ndarray
    tables: tuple[Table, ...]
    parts: tuple[str | None, ...]
    set_aside: tuple[SetAside, ...]


def assemble(
    tables: Sequence[tuple[Table, str | None]], schema: Schema, take: Take | None = None
) -> Rows:
    """Set aside the rows that cannot be used, and join the rest of all tables.

    A row is unusable where one of its inputs cannot be taken or all are blank (quarantined), or its
    label is missing (dropped: rows without a label are a habit, not a fault).

    Args:
        tables: each with the part that it was given for.
        schema: which column is what.
        take: makes inputs of cells; None: they are their own.

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
    inputs: dict[str, list[Any]] = {name: [] for name in schema.inputs}
    for place, (table, _) in enumerate(tables):
        taken, faulty = _taken(table, schema, take)
        keep, aside = _usable(table, schema, faulty)
        for name, values in taken.items():
            inputs[name] += [values[i] for i in np.flatnonzero(keep)]
        chosen = table.columns.select(shared)
        pieces.append(chosen if keep.all() else chosen.filter(pa.array(keep)))
        rows.append(table.rows[keep])
        file_of.append(np.full(int(keep.sum()), place, dtype=np.int64))
        set_aside.extend(aside)
    return Rows(
        pa.concat_tables(pieces),
        inputs,
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


def _taken(
    table: Table, schema: Schema, take: Take | None
) -> tuple[dict[str, list[Any]], dict[int, _Fault]]:
    """The inputs of all rows by column, and by position why a row has none that can be used."""
    taken: dict[str, list[Any]] = {}
    faulty: dict[int, _Fault] = {}
    for name in schema.inputs:
        cells = taken[name] = to_list(table.columns.column(name))
        if take is not None:
            taken[name], wrong = take(cells, table.source.folder)
            for i, (reason, detail) in wrong.items():
                file = cells[i] if isinstance(cells[i], str) else ""
                faulty[i] = _Fault(reason, detail, file)
    return taken, faulty


def _usable(
    table: Table, schema: Schema, faulty: dict[int, _Fault]
) -> tuple[np.ndarray, list[SetAside]]:
    """Bool (n,): the row can be used; and the rows that cannot, those of reading first."""
    masks = [missing_mask(table.columns.column(name)) for name in schema.inputs]
    wrong = np.zeros(len(table), dtype=bool)
    wrong[list(faulty)] = True
    blank = np.logical_and.reduce(masks) & ~wrong
    missing = np.zeros(len(table), dtype=bool)
    if schema.target is not None:
        missing = missing_mask(table.columns.column(schema.target)) & ~blank & ~wrong
    file = table.source.name
    aside = list(table.set_aside)
    what = ", ".join(repr(name) for name in schema.inputs)
    for i in sorted(faulty):
        reason, detail, cell = faulty[i]
        aside.append(SetAside(int(table.rows[i]), reason, detail, "quarantined", file, cell))
    for i in np.flatnonzero(blank).tolist():
        aside.append(
            SetAside(int(table.rows[i]), "blank_input", f"{what} blank", "quarantined", file)
        )
    for i in np.flatnonzero(missing).tolist():
        detail = f"{schema.target!r} missing"
        aside.append(SetAside(int(table.rows[i]), "missing_label", detail, "dropped", file))
    return ~(blank | missing | wrong), aside
