"""The rows of a table as a model reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graftwork.api._kind import noun_of, taker
from graftwork.api._misfit import check_columns
from graftwork.api._open import machine_of
from graftwork.data.blob import Blob
from graftwork.data.table import Table
from graftwork.data.values import is_text, to_list
from graftwork.errors import InputError, UnknownNameError
from graftwork.modalities import MODALITIES
from graftwork.model.model import Model
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine

__all__ = ["Readable", "columns_of", "readable_rows"]


@dataclass(frozen=True, eq=False)
class Readable:
    """The rows of a table that a model can predict.

    Attributes:
        positions: of these m rows in the table.
        inputs: m values by name of the model's input.
        status: of all rows of the table: ``ok``, or the reason why a row cannot be predicted.
        cells: names of the files of all rows, where the input is the content of files.
    """

    positions: list[int]
    inputs: dict[str, list[Any]]
    status: list[str]
    cells: list[str] | None = None


def readable_rows(
    model: Model,
    table: Table,
    machine: Machine | Mapping[str, Any] | None,
    progress: Progress,
) -> Readable:
    """The rows that have an input which the model can read.

    Raises:
        InputError: columns are missing, or hold another kind of input than the model reads.
    """
    modality = MODALITIES.get(next(iter(model.graph.inputs.values())))()
    take = taker(modality, machine_of(machine), progress)
    taken: dict[str, list[Any]] = {}
    faulty: dict[int, tuple[str, str]] = {}
    cells: list[str] | None = None
    for name, column in columns_of(model, table).items():
        values, wrong = take(to_list(table.columns.column(column)), table.source.folder)
        files = table.source.format == "folder" or any(isinstance(v, Blob) for v in values)
        if cells is None and files and is_text(table.column(column)):
            cells = to_list(table.columns.column(column))
        taken[name] = [_input(value) for value in values]
        faulty |= wrong
    status = []
    for i in range(len(table)):
        blank = all(modality.is_blank(values[i]) for values in taken.values())
        status.append(faulty[i][0] if i in faulty else "blank_input" if blank else "ok")
    positions = [i for i, said in enumerate(status) if said == "ok"]
    inputs = {name: [values[i] for i in positions] for name, values in taken.items()}
    return Readable(positions, inputs, status, cells)


def _input(value: Any) -> Any:
    """The value; what is neither text nor a file (a number, say) by its spelling."""
    return value if value is None or isinstance(value, (str, Blob)) else str(value)


def columns_of(model: Model, table: Table) -> dict[str, str]:
    """Column by the model's input; a single column of another name serves a single input.

    Raises:
        InputError: columns are missing (the nearest spelling is named), or hold another kind of
            input than the model reads.
    """
    columns = _named(model, table)
    check_columns(model, table, columns)
    return columns


def _named(model: Model, table: Table) -> dict[str, str]:
    names = list(model.graph.inputs)
    if len(names) == 1:
        own = table.roles.get("input")
        if names[0] not in table.names and own is not None:
            return {names[0]: own}
        if len(table.names) == 1:
            return {names[0]: table.names[0]}
    missing = [name for name in names if name not in table.names]
    if missing:
        faults = [UnknownNameError("column", n, table.names, table.source.name) for n in missing]
        noun = noun_of(model.graph.inputs[names[0]])
        raise InputError(
            f"the model reads {noun} in the column{'s' if len(names) > 1 else ''} "
            f"{', '.join(names)}",
            [fault for error in faults for fault in error.faults],
        )
    return {name: name for name in names}
