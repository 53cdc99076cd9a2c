"""Which row of another file belongs to which labelled row."""

from __future__ import annotations

import numpy as np

from graftwork.data.table import Table
from graftwork.data.values import missing_mask, to_list
from graftwork.errors import DataError, Fault

__all__ = ["by_key", "by_place", "by_row", "records"]

ROW = "row"  # column of a file that `predict` wrote: the line of the file that it read
_SHOWN = 5  # rows of one key in a message
_MOST_FAULTS = 20
_NO_ROW = "blank_line"  # the reason of a line that a reader sets aside, but that is no row


def records(table: Table) -> np.ndarray:
    """The line numbers of all rows of a file in order, those set aside among them; int64 (m,).

    Who answers a file answers these: a row that cannot be read here still has its place.
    """
    aside = [each.row for each in table.set_aside if each.reason != _NO_ROW]
    return np.sort(np.concatenate([table.rows, np.asarray(aside, dtype=np.int64)]))


def by_place(table: Table, other: Table) -> tuple[np.ndarray, list[str]]:
    """For each row of the table the position of the other file's row at the same place.

    Rows that either file could not use keep their place, so that one faulty line moves nothing.

    Returns:
        int64 (n,) positions, -1 where the other file's row was set aside; and notes.

    Raises:
        DataError: one has more rows.
    """
    mine, theirs = records(table), records(other)
    if len(mine) != len(theirs):
        message = (
            f"has {len(theirs):,} rows, {table.source.name} has {len(mine):,}; rows are joined "
            "by their place unless --key names a column that both files have"
        )
        raise DataError(faults=[Fault(message, other.source.name)])
    at = np.full(len(theirs), -1, dtype=np.int64)
    at[np.searchsorted(theirs, other.rows)] = np.arange(len(other))
    place = at[np.searchsorted(mine, table.rows)]
    gone = int((place < 0).sum())
    said = f"{other.source.name}: {gone:,} rows could not be read; they count as empty"
    return place, [said] if gone else []


def by_row(table: Table, other: Table) -> np.ndarray | None:
    """The same for a file that `predict` wrote of this very table, by the lines that it names.

    Returns:
        int64 (n,) positions; None where it names other lines.
    """
    if ROW not in other.names:
        return None
    try:
        lines = np.asarray([int(line) for line in to_list(other.column(ROW))], dtype=np.int64)
    except (TypeError, ValueError, OverflowError):
        return None
    all_lines = [*table.rows.tolist(), *(each.row for each in table.set_aside)]
    if sorted(lines.tolist()) != sorted(all_lines):
        return None
    order = np.argsort(lines, kind="stable")
    return np.asarray(order[np.searchsorted(lines[order], table.rows)], dtype=np.int64)


def by_key(table: Table, other: Table, key: str) -> tuple[np.ndarray, list[str]]:
    """The same by a column that both have; -1 where the other file lacks the key.

    Raises:
        DataError: keys that are missing or stand twice; or not one that both files have.
        UnknownNameError: there is no such column.
    """
    theirs, mine = _keys(other, key), _keys(table, key)
    place = {value: i for i, value in enumerate(theirs)}
    found = np.asarray([place.get(value, -1) for value in mine], dtype=np.int64)
    without, extra = int((found < 0).sum()), len(set(theirs) - set(mine))
    if without == len(mine):
        message = f"has not one key of {table.source.name} (as {theirs[0]!r} and {mine[0]!r})"
        raise DataError(faults=[Fault(message, other.source.name, field=key)])
    notes = []
    if without:
        notes.append(f"{other.source.name} has no row for {without:,} keys; they count as empty")
    if extra:
        notes.append(f"{other.source.name} has {extra:,} keys that no labelled row has")
    return found, notes


def _keys(table: Table, key: str) -> list[str]:
    """The values of a key column as text.

    Raises:
        DataError: values that are missing or stand twice, each with its rows.
    """
    column = table.column(key)
    gone = missing_mask(column)
    values = ["" if none else str(value) for value, none in zip(to_list(column), gone, strict=True)]
    rows: dict[str, list[int]] = {}
    for number, value in zip(table.rows.tolist(), values, strict=True):
        rows.setdefault(value, []).append(number)
    faults = [Fault("has no key", table.source.name, row, key) for row in rows.pop("", [])]
    faults += [
        Fault(f"key {value!r} stands in rows {', '.join(map(str, where[:_SHOWN]))}",
              table.source.name, where[1], key)
        for value, where in rows.items()
        if len(where) > 1
    ]  # fmt: skip
    if faults:
        more = len(faults) - _MOST_FAULTS
        shown = [*faults[:_MOST_FAULTS], *([Fault(f"and {more:,} more")] if more > 0 else [])]
        raise DataError("every key must stand once", shown)
    return values
