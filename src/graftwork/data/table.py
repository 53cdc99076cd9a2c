"""Rows as they were read: cells untouched, row numbers kept, nothing lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graftwork.errors import UnknownNameError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["SetAside", "Source", "Table"]


@dataclass(frozen=True)
class SetAside:
    """A row that is not used, and why.

    Attributes:
        row: its line number in the file (header is line 1), or 1-based position in an object.
        reason: a short constant word, e.g. ``ragged``, ``blank_input``, ``missing_label``.
        detail: what was found, for people.
        kind: ``quarantined`` (faulty, someone should look) or ``dropped`` (left out on purpose).
        file: the file it stood in.
        cell: the file that the row is or names, as shown to people, where inputs are files.
    """

    row: int
    reason: str
    detail: str = ""
    kind: str = "quarantined"
    file: str = ""
    cell: str = ""


@dataclass(frozen=True)
class Source:
    """Where a table came from and how it was read.

    Attributes:
        name: path as given, or the type of the Python object.
        format: csv, tsv, jsonl, parquet, folder, pandas, arrow, datasets, list.
        sha256: of the file's bytes (of the canonical content for objects).
        details: encoding, bom, delimiter, header …, each as found, for the audit.
        text_first: True where every cell was read as text (CSV, TSV).
    """

    name: str
    format: str
    sha256: str
    details: dict[str, Any] = field(default_factory=dict)
    text_first: bool = False

    @property
    def folder(self) -> Path | None:
        """Where paths in the cells begin: the file's folder; None for objects in memory."""
        if self.format == "folder":
            return Path(self.name)
        return Path(self.name).parent if self.format in FILE_FORMATS else None


FILE_FORMATS = ("csv", "tsv", "jsonl", "parquet")


@dataclass(frozen=True)
class Table:
    """A table of `len(rows)` usable rows, and the rows that reading set aside.

    Attributes:
        columns: pyarrow table; for text formats every column is `large_string` without nulls
            (an empty cell is the empty text), typed sources keep their types and nulls.
        rows: int64 (n,), the line number of each row in its file.
        source: where it came from.
        set_aside: rows that could not be read as rows.
        notes: sentences to tell the user aloud (encoding guessed, BOM removed, …).
        roles: what the source itself says of its columns: the name of its ``input``, ``target``
            and ``split`` column; taken where the user names none.
    """

    columns: pa.Table
    rows: np.ndarray
    source: Source
    set_aside: tuple[SetAside, ...] = ()
    notes: tuple[str, ...] = ()
    roles: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def names(self) -> list[str]:
        """Column names in file order."""
        return list(self.columns.column_names)

    def column(self, name: str) -> pa.ChunkedArray:
        """A column by its name.

        Raises:
            UnknownNameError: there is none; the nearest spelling is named.
        """
        if name not in self.names:
            raise UnknownNameError("column", name, self.names, where=self.source.name)
        return self.columns.column(name)

    @property
    def n_in(self) -> int:
        """Rows in: those in the table and those set aside."""
        return len(self.rows) + len(self.set_aside)
