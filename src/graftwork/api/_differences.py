"""The rows on which contestants differ: what a person reads before deciding."""

from __future__ import annotations

import csv
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa

from graftwork.data.table import Table
from graftwork.data.values import to_list
from graftwork.evaluation.referee import Contestant, judged_rows, share_codes
from graftwork.modalities.modality import Modality
from graftwork.storage.disk import disk_errors

__all__ = ["Differences"]

SHOWN = 30  # rows in the report; the file has all of them

# a column's cells to what its modality shows
Take = Callable[[str, list[Any]], list[Any]]


@dataclass(frozen=True, eq=False)
class Differences:
    """Judged rows that not all contestants answer alike, those that split them best first.

    Attributes:
        table: the labelled rows.
        columns: what a person reads of a row: those that are neither label nor answers.
        rows: int64 (m,) positions in the table.
        truth: (m,) label codes.
        codes: int64 (contestants, m) what each said, as `Shared.codes`.
        names: of the contestants, best first.
        said: what each code stands for: a label, no answer, or an answer that is no label.
    """

    table: Table
    columns: tuple[str, ...]
    rows: np.ndarray
    truth: np.ndarray
    codes: np.ndarray
    names: tuple[str, ...]
    said: tuple[str, ...]

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
        *,
        redact: bool,
    ) -> Self:
        """Of judged contestants, in the order in which they were ranked.

        With `redact` an answer that is no label is only said to be none: it may be any text.
        """
        ranked = [told["name"] for told in found["contestants"]]
        by_name = {c.name: c for c in contestants}
        judged, _ = judged_rows(len(truth), contestants)
        rows, truth = rows[judged], truth[judged]
        shared = share_codes([by_name[name].answers for name in ranked], judged)
        codes, apart = shared.codes, np.flatnonzero(shared.apart())
        # first those on which the best stands against most others
        right = (codes[:, apart] == truth[apart]).astype(np.float64)
        others = right[1:].mean(axis=0) if len(ranked) > 1 else right[0]
        order = np.lexsort((rows[apart], right[0], -np.abs(right[0] - others)))
        apart = apart[order]
        taken = {c.name for c in contestants if c.kind == "column"} | {target}
        columns = tuple(name for name in table.names if name not in taken)
        outside = ["(no label)"] * len(shared.outside) if redact else shared.outside
        said = (*labels, "(no answer)", *outside)
        return cls(table, columns, rows[apart], truth[apart], codes[:, apart], tuple(ranked), said)

    def to_json(self) -> dict[str, Any]:
        """How many, and the first of them by line number."""
        shown = [
            {
                "row": int(self.table.rows[row]),
                "label": self.said[self.truth[i]],
                "answers": {
                    name: self.said[code]
                    for name, code in zip(self.names, self.codes[:, i], strict=True)
                },
            }
            for i, row in enumerate(self.rows[:SHOWN].tolist())
        ]
        return {"n": len(self.rows), "first": shown}

    def examples(self, modality: Modality, take: Take, redact: bool) -> list[dict[str, Any]]:
        """The first of them with their inputs as safe HTML.

        Args:
            modality: shows a cell.
            take: makes what it shows of a column's cells.
            redact: leave them out.
        """
        told = self.to_json()["first"]
        if redact:
            return [{**row, "html": None} for row in told]
        cells = []
        for name in self.columns:
            column = self.table.columns.column(name)
            cells.append(take(name, to_list(column.take(self.rows[:SHOWN]))))
        return [
            {**row, "html": self._html(modality, [column[i] for column in cells])}
            for i, row in enumerate(told)
        ]

    def _html(self, modality: Modality, values: Sequence[Any]) -> str:
        """One row's inputs; where there are several, each with its column's name."""
        shown = [str(modality.show(value)) for value in values]
        if len(shown) == 1:
            return shown[0]
        return "<br>".join(
            f'<small class="hint">{html.escape(name)}</small> {each}'
            for name, each in zip(self.columns, shown, strict=True)
        )

    def write(self, path: Path, *, redact: bool) -> None:
        """All of them as CSV: row, label, what each said, and the other columns but bytes."""
        kinds = {field.name: field.type for field in self.table.columns.schema}
        columns = [
            name
            for name in (() if redact else self.columns)
            if not (pa.types.is_binary(kinds[name]) or pa.types.is_large_binary(kinds[name]))
        ]
        values = [to_list(self.table.columns.column(name)) for name in columns]
        with disk_errors("write", path), open(path, "w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["row", "label", *self.names, *columns])
            for i, row in enumerate(self.rows.tolist()):
                said = [self.said[code] for code in self.codes[:, i]]
                texts = [cells[row] for cells in values]
                writer.writerow(
                    [int(self.table.rows[row]), self.said[self.truth[i]], *said, *texts]
                )
