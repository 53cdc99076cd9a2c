"""What the checks look at: the dataset, with what was computed on the way to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from graftwork.data.audit import SHOWN_ROWS, Finding
from graftwork.data.blob import Blob
from graftwork.data.dataset import Dataset
from graftwork.data.schema import Schema
from graftwork.data.table import SetAside, Table
from graftwork.data.words import some_of, spelt

__all__ = ["Twins", "View"]


@dataclass(frozen=True)
class Twins:
    """What the rows of a finding repeat.

    Attributes:
        positions: int64 (n,) the row that each repeats; -1: it is the first of its kind itself.
        sign: between the two in a sentence.
    """

    positions: np.ndarray
    sign: str = "="


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
        twins: Twins | None = None,
        **data: Any,
    ) -> Finding:
        """A finding about the rows at positions `index`; see `located`."""
        places = tuple(int(i) for i in index[:SHOWN_ROWS])
        n = len(index) if count is None else count
        return self.located(Finding(kind, severity, message, places, n, column, data), twins)

    def located(self, found: Finding, twins: Twins | None = None) -> Finding:
        """A finding whose rows are positions, with line numbers in their place.

        Its data then name the file of each row where there are several tables (``files``) and,
        where inputs are the content of files, these too (``names``), with what they repeat
        (``same_as``, None where nothing) and the parts of both (``parts``).
        """
        places, data = found.rows, dict(found.data)
        if len(self.tables) > 1:
            data["files"] = [self.tables[self.file_of[i]].source.name for i in places]
        rows = tuple(int(self.dataset.rows[i]) for i in places)
        names = [self._name(i, found.field) for i in places]
        if not any(names):
            return replace(found, rows=rows, data=data)
        data["names"] = names
        told = [spelt(name) for name in names if name]
        if twins is not None:
            others = twins.positions[: len(places)].tolist()
            pairs = [(i, j) if j >= 0 else None for i, j in zip(places, others, strict=True)]
            data["same_as"] = [pair and self._name(pair[1]) for pair in pairs]
            data["parts"] = [pair and [str(self.dataset.parts[i]) for i in pair] for pair in pairs]
            told = [self._equation(*pair, twins.sign) for pair in pairs if pair]
        return replace(found, message=f"{found.message} ({some_of(told)})", rows=rows, data=data)

    def _name(self, i: int, field: str | None = None) -> str:
        """Of the files that are a row's inputs (in one column); empty where they are no files."""
        inputs = self.dataset.inputs
        columns = [inputs[field]] if field in inputs else list(inputs.values())
        files = ", ".join(str(column[i]) for column in columns if isinstance(column[i], Blob))
        source = self.tables[self.file_of[i]].source.name
        return f"{source}: {files}" if files and len(self.tables) > 1 else files

    def _equation(self, first: int, second: int, sign: str) -> str:
        """Two files, with their parts where these differ."""
        parts = self.dataset.parts
        apart = parts[first] != parts[second]
        one, other = (
            spelt(self._name(i)) + (f" in {parts[i]}" if apart else "") for i in (first, second)
        )
        return f"{one} {sign} {other}"
