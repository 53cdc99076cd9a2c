"""Which column is what: inputs, target, group, time, split, slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from graftwork.data.table import Table
from graftwork.data.types import column_type
from graftwork.data.values import is_text
from graftwork.errors import DataError, Fault, InputError, UnknownNameError, nearest

__all__ = ["Schema", "resolve_schema"]


@dataclass(frozen=True)
class Schema:
    """The columns of a table by what they are for.

    Attributes:
        inputs: input columns, kept apart; at least one.
        target: column of the label, or None for unlabelled rows.
        group: column whose values never straddle parts.
        time: column to order by.
        split: column that says the part of each row.
        slices: columns to report by.
        notes: what was chosen here rather than given, for the user.
    """

    inputs: tuple[str, ...]
    target: str | None = None
    group: str | None = None
    time: str | None = None
    split: str | None = None
    slices: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def used(self) -> list[str]:
        """Every column that has a part to play, each once, inputs first."""
        single = [self.target, self.group, self.time, self.split]
        names = [*self.inputs, *(name for name in single if name), *self.slices]
        return list(dict.fromkeys(names))


def resolve_schema(
    table: Table,
    *,
    target: str | None,
    inputs: Sequence[str] = (),
    group: str | None = None,
    time: str | None = None,
    split: str | None = None,
    slices: Sequence[str] = (),
) -> Schema:
    """Check the names that the user gave against the table, and find the input column if need be.

    Args:
        table: the rows.
        target: column of the label; None for unlabelled rows (predict, embed).
        inputs: input columns; when empty, the text column with the longest mean text is taken.
        group: column whose values never straddle train and test.
        time: column to order by.
        split: column that says train, validation or test.
        slices: columns to report by.

    Raises:
        UnknownNameError: columns that are not there, all at once, each with its nearest spelling.
        DataError: the target is also an input, or the other roles contradict each other, or there
            is no text column to take as input.
    """
    inputs, slices = tuple(dict.fromkeys(inputs)), tuple(dict.fromkeys(slices))
    roles: list[tuple[str, str | None]] = [("target", target), ("group", group), ("time", time)]
    roles += [("split", split), *(("input", name) for name in inputs)]
    roles += [("slice", name) for name in slices]
    _check_known([(role, name) for role, name in roles if name is not None], table)
    _check_kinds([(role, name) for role, name in roles if name is not None], table)
    _check_roles(inputs, target, group, time, split, table.source.name)
    notes: tuple[str, ...] = ()
    if not inputs:
        inputs, notes = _find_input(table, {target, group, time, split, *slices})
    return Schema(inputs, target, group, time, split, slices, notes)


def _check_known(roles: Sequence[tuple[str, str]], table: Table) -> None:
    missing = [(role, name) for role, name in roles if name not in table.names]
    if not missing:
        return
    error = UnknownNameError("column", missing[0][1], table.names, table.source.name)
    shown = ", ".join(table.names[:20]) + (", …" if len(table.names) > 20 else "")
    faults = []
    for role, name in missing:
        close = nearest(name, table.names)
        message = f"no column named {name!r} (asked for as {role}); there are: {shown}"
        hint = f"did you mean {close!r}?" if close else None
        faults.append(Fault(message, file=table.source.name, field=name, hint=hint))
    InputError.__init__(error, "", faults)
    raise error


def _check_kinds(roles: Sequence[tuple[str, str]], table: Table) -> None:
    """Refuse lists and records where a single value is wanted."""
    faults = []
    for role, name in roles:
        kind = table.columns.schema.field(name).type
        if pa.types.is_nested(kind):
            message = f"holds {kind}, a single value is wanted in the {role} column"
            faults.append(Fault(message, file=table.source.name, field=name))
    if faults:
        raise DataError(faults=faults)


def _check_roles(
    inputs: Sequence[str],
    target: str | None,
    group: str | None,
    time: str | None,
    split: str | None,
    file: str,
) -> None:
    faults = []
    if target is not None and target in inputs:
        message = "is both the input and the label column; they must differ"
        faults.append(Fault(message, file=file, field=target))
    for role, name in (("split", split), ("group", group), ("time", time)):
        if name is not None and name == target:
            message = f"is both the label and the {role} column; they must differ"
            faults.append(Fault(message, file=file, field=name))
    if split is not None and split in inputs:
        faults.append(Fault("is both an input and the split column", file=file, field=split))
    given = [f"{role} {name!r}" for role, name in (("split", split), ("time", time)) if name]
    if len(given) > 1:
        message = f"{' and '.join(given)} both say which rows are the test part; give one"
        faults.append(Fault(message, file=file))
    if faults:
        raise DataError(faults=faults)


def _find_input(table: Table, taken: set[str | None]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The text column with the longest mean text among those without another part to play."""
    free = [
        name for name in table.names if name not in taken and is_text(table.columns.column(name))
    ]
    if not free:
        message = "there is no text column to take as input"
        hint = f"name it with --input; there are: {', '.join(table.names[:20])}"
        raise DataError(faults=[Fault(message, file=table.source.name, hint=hint)])
    kinds = {name: column_type(table.columns.column(name)) for name in free}
    rank = {"text": 2, "category": 1}
    lengths = {
        name: pc.mean(pc.utf8_length(table.columns.column(name))).as_py() or 0.0 for name in free
    }
    best = max(free, key=lambda name: (rank.get(kinds[name], 0), lengths[name]))
    rivals = [name for name in free if name != best and kinds[name] == "text"]
    note = f"the input is column {best!r}"
    if rivals:
        shown = ", ".join(repr(name) for name in rivals[:5])
        note += f" (the longest text; {shown} also text: --input chooses)"
    return (best,), (note,)
