"""Whether what a model is given is of the kind that it reads; nothing is answered where it is not.

A fit asks what its table holds. A model knows what it reads, so here the question is only whether
the cells are surely something else. A doubt goes in the model's favour: what it cannot read is then
told row by row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graftwork.api._kind import OF_FOLDERS, WIDEST, filled_cells, noun_of
from graftwork.data.table import Table
from graftwork.data.values import is_blank
from graftwork.errors import DataError, Fault, ParameterError
from graftwork.modalities import MODALITIES
from graftwork.modalities.modality import Modality
from graftwork.model.model import Model

__all__ = ["LOOKS_LIKE", "check_columns", "check_values", "kind_instead", "looks_like"]

LOOKS_LIKE = "looks_like"  # fact of a model: the kind that its training cells looked like
TRIED = 8  # cells that are opened before the others are
MANY = 10  # names without a space: no one writes so many messages of that form
SHOWN = 40  # characters of a cell in a message


def check_columns(model: Model, table: Table, columns: Mapping[str, str]) -> None:
    """Refuse a table that holds another kind of input than the model reads.

    Args:
        model: it may read what only looks like another kind, where it was fitted to such cells.
        table: its rows.
        columns: column by the model's input.

    Raises:
        DataError: all such columns.
    """
    faults = []
    for name, column in columns.items():
        own, cells = model.graph.inputs[name], filled_cells(table, column)
        if table.source.format == "folder":  # of pictures, whatever their names look like
            found = None if own == OF_FOLDERS else OF_FOLDERS
        else:
            found = kind_instead(cells, own, table.source.folder)
        if found is not None and not _used_to(model, found, cells):
            faults.append(_fault(table, column, own, found, cells))
    if faults:
        raise DataError(faults=faults)


def check_values(model: Model, values: Mapping[str, Any]) -> None:
    """The same for one value by the model's input.

    Raises:
        ParameterError: all values of another kind.
    """
    faults = []
    for name, value in values.items():
        own = model.graph.inputs[name]
        cells = [] if is_blank(value) else [value]
        found = kind_instead(cells, own, None)
        if found is not None and not _used_to(model, found, cells):
            message = f"the model reads {noun_of(own)}; {_shown(value)} is {_one(found)}"
            faults.append(Fault(message, field=name, hint=_hint(own, found)))
    if faults:
        raise ParameterError(faults=faults)


def looks_like(table: Table, columns: Sequence[str], own: str) -> str | None:
    """The kind that some of the cells of one of the columns look like, if another than `own`.

    Asked when a model is fitted: one that was meant to read names of files, among others too, goes
    on doing so.
    """
    cells = (cell for column in columns for cell in filled_cells(table, column))
    return next((kind for cell in cells if (kind := _recognised([cell], own))), None)


def kind_instead(cells: Sequence[Any], own: str, folder: Path | None) -> str | None:
    """The kind that cells surely are; None: they may well be of the kind `own`.

    Args:
        cells: some that are filled.
        own: modality that is wanted.
        folder: where paths among the cells begin.
    """
    if not cells or (own != WIDEST and _modality(own).recognises(cells)):
        return None
    other = _recognised(cells, own)
    if other is not None:
        return other if _surely(other, cells, folder) else None
    if own != WIDEST and all(isinstance(cell, str) for cell in cells):
        return None if _any_opens(own, cells, folder) else WIDEST
    return None


def _recognised(cells: Sequence[Any], own: str) -> str | None:
    """The first other modality that knows its own in the cells, but for the one that knows any."""
    others = (name for name in MODALITIES.names() if name not in (own, WIDEST))
    return next((name for name in others if _modality(name).recognises(cells)), None)


def _surely(kind: str, cells: Sequence[Any], folder: Path | None) -> bool:
    """Whether cells that look like names of files are such, not texts that read so."""
    if not all(isinstance(cell, str) for cell in cells):
        return True
    bare = not any(character.isspace() for cell in cells for character in cell.strip())
    return (bare and len(cells) >= MANY) or _any_opens(kind, cells[:TRIED], folder)


def _any_opens(kind: str, cells: Sequence[Any], folder: Path | None) -> bool:
    """Whether one of the cells can be taken as an input of that kind; most do at once."""
    modality = _modality(kind)
    return any(
        value is not None
        for some in (cells[:TRIED], cells[TRIED:])
        for value in modality.take(some, folder=folder)[0]
    )


def _used_to(model: Model, found: str, cells: Sequence[Any]) -> bool:
    """Whether it was fitted to texts that look so (names of files, on purpose)."""
    fitted = model.facts.get(LOOKS_LIKE) == found
    return fitted and all(isinstance(cell, str) for cell in cells)


def _fault(table: Table, column: str, own: str, found: str, cells: Sequence[Any]) -> Fault:
    reads, holds, hint = noun_of(own), noun_of(found), _hint(own, found)
    if table.source.format == "folder":
        held = f"{table.source.name} holds {holds} (a folder of pictures)"
        return Fault(f"the model reads {reads}; {held}", hint=hint)
    example = f" ({_shown(cells[0])}, for one)" if isinstance(cells[0], str) else ""
    message = f"the model reads {reads}; this column holds {holds}{example}"
    return Fault(message, file=table.source.name, field=column, hint=hint)


def _hint(own: str, found: str) -> str:
    return (
        f"give it {noun_of(own)}, or use a run that was fitted to {noun_of(found)}; "
        "`graftwork info RUN` tells what a run reads"
    )


def _shown(cell: Any) -> str:
    if not isinstance(cell, (str, Path)):
        return f"a value of type {type(cell).__name__}"
    text = str(cell)
    return repr(text if len(text) <= SHOWN else text[:SHOWN].rstrip() + "…")


def _one(kind: str) -> str:
    return kind if kind == WIDEST else f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _modality(kind: str) -> Modality:
    modality: Modality = MODALITIES.get(kind)()
    return modality
