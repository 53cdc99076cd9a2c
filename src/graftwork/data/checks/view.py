"""What the checks look at: the dataset, with what was computed on the way to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from graftwork.data.audit import SHOWN_ROWS, Finding
from graftwork.data.dataset import Dataset
from graftwork.data.schema import Schema
from graftwork.data.table import SetAside, Table

__all__ = ["View"]


@dataclass(frozen=True)
class View:
    """A built dataset and its circumstances.

    Attributes:
        dataset: the usable rows.
        tables: what was read, the main one first.
        schema: which column is what.
        columns: usable rows of the columns that all tables share.
        exact: int64 (n,), one number per different input.
        near: int64 (n,), one number per group of near-duplicates; None where not searched.
        near_sample: how many different inputs the search looked at, None for all.
        labels: int64 (n,) codes into `label_values`; None for unlabelled rows.
        file_of: int64 (n,) index into `tables`.
        given_split: the user said which rows are test: nothing was moved.
        test_size: the share of test rows that was asked for.
        set_aside: all rows that are not used.
    """

    dataset: Dataset
    tables: tuple[Table, ...]
    schema: Schema
    columns: pa.Table
    exact: np.ndarray
    near: np.ndarray | None
    near_sample: int | None
    labels: np.ndarray | None
    file_of: np.ndarray
    given_split: bool
    test_size: float
    label_values: list[Any] = field(default_factory=list)
    set_aside: tuple[SetAside, ...] = ()

    def finding(
        self,
        kind: str,
        severity: str,
        message: str,
        index: np.ndarray,
        *,
        count: int | None = None,
        column: str | None = None,
        **data: Any,
    ) -> Finding:
        """A finding about the rows at positions `index`; their files are named where several."""
        shown = index[:SHOWN_ROWS]
        if len(self.tables) > 1:
            data["files"] = [self.tables[self.file_of[i]].source.name for i in shown]
        rows = tuple(int(row) for row in self.dataset.rows[shown])
        return Finding(
            kind, severity, message, rows, len(index) if count is None else count, column, data
        )
