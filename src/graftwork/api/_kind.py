"""Which kind of input a table holds, and its cells as inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from graftwork.data.assemble import Take
from graftwork.data.blob import Blob
from graftwork.data.table import Table
from graftwork.data.values import to_list
from graftwork.errors import BaseModelError, Fault, InputError
from graftwork.modalities import MODALITIES
from graftwork.modalities.modality import Modality
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine
from graftwork.storage.home import cache_dir

__all__ = [
    "OF_FOLDERS",
    "WIDEST",
    "check_base",
    "filled_cells",
    "holds_files",
    "kind_of",
    "noun_of",
    "taker",
]

SAMPLE = 100  # filled cells of a column that tell what it holds
WIDEST = "text"  # whatever no other modality recognises
OF_FOLDERS = "image"  # a folder is read as one of pictures, whatever their names look like


def kind_of(
    table: Table, inputs: Sequence[str], taken: Sequence[str | None], given: str | None
) -> tuple[str, tuple[str, ...]]:
    """Modality of the inputs, and the input columns as far as they are known now.

    Args:
        table: the rows.
        inputs: columns that the user named.
        taken: columns that have another part to play.
        given: modality that the user named, if any.
    """
    own = table.roles.get("input")
    columns = list(inputs) or ([own] if own else [n for n in table.names if n not in taken])
    if given is None and table.source.format == "folder":
        given = OF_FOLDERS
    for name in [given] if given else MODALITIES.names():
        modality: Modality = MODALITIES.get(name)()
        found = [
            c for c in columns if c in table.names and modality.recognises(filled_cells(table, c))
        ]
        if found and name != WIDEST:
            _check_all(name, found, inputs, table)
            return name, tuple(inputs or found[:1])
    return given or WIDEST, tuple(inputs)


def _check_all(name: str, found: Sequence[str], inputs: Sequence[str], table: Table) -> None:
    """Refuse input columns of several kinds.

    Raises:
        InputError: one holds something else.
    """
    others = [column for column in inputs if column in table.names and column not in found]
    if others:
        held = ", ".join(repr(column) for column in others)
        message = f"{', '.join(map(repr, found))} hold {name}, {held} something else"
        hint = "inputs of one kind go together; name those with --input"
        raise InputError(faults=[Fault(message, file=table.source.name, hint=hint)])


def filled_cells(table: Table, name: str) -> list[Any]:
    """The first `SAMPLE` cells of a column that hold anything, of its first rows."""
    column, found = table.columns.column(name), []
    for start in range(0, min(len(column), 20 * SAMPLE), SAMPLE):  # bytes of pictures are large
        cells = to_list(column.slice(start, SAMPLE))
        found += [value for value in cells if value not in (None, "")]
        if len(found) >= SAMPLE:
            break
    return found[:SAMPLE]


def noun_of(kind: str) -> str:
    """What a column of that modality holds, in words."""
    modality: Modality = MODALITIES.get(kind)()
    return modality.noun


def taker(modality: Modality, machine: Machine, progress: Progress) -> Take:
    """Makes inputs of cells; what is found out about them is kept in the cache."""
    memo = cache_dir(machine.cache) / "inputs"

    def take(values: Sequence[Any], folder: Path | None) -> Any:
        return modality.take(values, folder=folder, memo=memo, progress=progress)

    return take


def holds_files(inputs: dict[str, Sequence[Any]]) -> bool:
    """Whether inputs are the content of files, which the table's own hash does not cover."""
    return any(isinstance(values[0], Blob) for values in inputs.values() if len(values))


def check_base(base: Any, modality: str, columns: Sequence[str], name: str | None) -> None:
    """Refuse a base of another kind of input.

    Raises:
        BaseModelError: it reads something else than the columns hold.
    """
    if base.modality == modality:
        return
    held, noun = ", ".join(repr(column) for column in columns), noun_of(modality)
    reads = noun_of(base.modality)
    message = f"base {name or base.kind!r} reads {reads}; column {held} holds {noun}"
    hint = f"`graftwork list bases` names those that read {noun}"
    raise BaseModelError(faults=[Fault(message, field="base", hint=hint)])
