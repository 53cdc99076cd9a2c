"""The rows on which contestants differ: what a person reads before deciding."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from graftwork.data.table import Table
from graftwork.data.values import to_list
from graftwork.evaluation.reader import Reader
from graftwork.evaluation.referee import Contestant, judged_rows
from graftwork.modalities import MODALITIES
from graftwork.storage.disk import disk_errors

__all__ = ["Differences"]

SHOWN = 30  # rows in the report; the file has all of them
TEXT = "text"  # modality by which cells are shown


@dataclass(frozen=True, eq=False)
class Differences:
    """Judged rows that not all contestants answer alike, those that split them best first.

    Attributes:
        table: the labelled rows.
        columns: what a person reads of a row: those that are neither label nor answers.
        rows: int64 (m,) positions in the table.
        truth: (m,) label codes.
        codes: int64 (contestants, m) what each said.
        names: of the contestants, best first.
        labels: by code; the two behind them: no label, no answer.
    """

    table: Table
    columns: tuple[str, ...]
    rows: np.ndarray
    truth: np.ndarray
    codes: np.ndarray
    names: tuple[str, ...]
    labels: tuple[str, ...]

    @classmethod
    def of(
        cls,
        table: Table,
        rows: np.ndarray,
        target: str,
        truth: np.ndarray,
        labels: Sequence[str],
        contestants: Sequence[Contestant],
        found: Mapping[str, Any],
    ) -> Self:
        """Of judged contestants, in the order in which they were ranked."""
        ranked = [told["name"] for told in found["contestants"]]
        by_name = {c.name: c for c in contestants}
        judged, _ = judged_rows(len(truth), contestants)
        rows, truth = rows[judged], truth[judged]
        codes = np.stack([by_name[name].answers.codes[judged] for name in ranked])
        apart = np.flatnonzero((codes != codes[0]).any(axis=0))
        # first those on which the best stands against most others
        right = (codes[:, apart] == truth[apart]).astype(np.float64)
        others = right[1:].mean(axis=0) if len(ranked) > 1 else right[0]
        order = np.lexsort((rows[apart], right[0], -np.abs(right[0] - others)))
        apart = apart[order]
        taken = {c.name for c in contestants if c.kind == "column"} | {target}
        columns = tuple(name for name in table.names if name not in taken)
        names = (*labels, "(no label)", "(no answer)")
        return cls(table, columns, rows[apart], truth[apart], codes[:, apart], tuple(ranked), names)

    def to_json(self) -> dict[str, Any]:
        """How many, and the first of them by line number."""
        shown = [
            {
                "row": int(self.table.rows[row]),
                "label": self.labels[self.truth[i]],
                "answers": {
                    name: self.labels[code]
                    for name, code in zip(self.names, self.codes[:, i], strict=True)
                },
            }
            for i, row in enumerate(self.rows[:SHOWN].tolist())
        ]
        return {"n": len(self.rows), "first": shown}

    def examples(self, redact: bool) -> list[dict[str, Any]]:
        """The first of them with their texts as safe HTML."""
        values = {name: to_list(self.table.columns.column(name)) for name in self.columns}
        reader = Reader(
            self.table.rows,
            lambda i: [values[name][i] for name in self.columns],
            MODALITIES.get(TEXT)(),
            redact,
        )
        told = self.to_json()["first"]
        shown = self.rows[:SHOWN].tolist()
        return [{**row, "html": reader.html(i)} for row, i in zip(told, shown, strict=True)]

    def write(self, path: Path, *, redact: bool) -> None:
        """All of them as CSV: row, label, what each said, and the other columns."""
        columns = () if redact else self.columns
        values = [to_list(self.table.columns.column(name)) for name in columns]
        with disk_errors("write", path), open(path, "w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["row", "label", *self.names, *columns])
            for i, row in enumerate(self.rows.tolist()):
                said = [self.labels[code] for code in self.codes[:, i]]
                texts = [cells[row] for cells in values]
                writer.writerow(
                    [int(self.table.rows[row]), self.labels[self.truth[i]], *said, *texts]
                )
