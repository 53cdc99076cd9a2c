"""Who takes part in a comparison: runs, columns, other files, answers given directly."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._labelled import seen_rows
from graftwork.api._predict import open_model
from graftwork.api._rows import readable_rows
from graftwork.data.read import read
from graftwork.data.table import Table
from graftwork.data.values import missing_mask, to_list
from graftwork.errors import DataError, Fault, ParameterError
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine

__all__ = ["Entry", "from_answers", "from_column", "from_file", "from_run", "unique_names"]

PREDICTION, PROBABILITY = "prediction", "probability"  # the columns that `predict` writes
SECONDS_AT_LEAST = 1e-9


@dataclass(frozen=True, eq=False)
class Entry:
    """What one contestant says of the table's rows.

    Attributes:
        name: that it was given, unique after `unique_names`.
        kind: ``run``, ``column``, ``file`` or ``given``.
        source: where its answers come from.
        raw: n answers, None where there is none.
        confidence: float (n,), NaN where it gave no answer; None: it never tells.
        seconds: that a million rows took, where it was measured.
        seen: bool (n,) rows that it was trained on.
        labels: those that it can give, where it tells.
        notes: sentences to say aloud.
    """

    name: str
    kind: str
    source: str
    raw: list[Any]
    confidence: np.ndarray | None = None
    seconds: float | None = None
    seen: np.ndarray | None = None
    labels: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()


def from_run(
    run: Any, table: Table, machine: Machine | Mapping[str, Any] | None, progress: Progress
) -> Entry:
    """A run or model, predicting the table's rows now; its time is measured.

    Raises:
        InputError: the table lacks columns that it reads.
    """
    model = open_model(run, machine)
    readable = readable_rows(model, table, machine, progress)
    usable, inputs = readable.positions, readable.inputs
    begun = time.perf_counter()
    found = model.predict(inputs, progress=progress)
    spent = max(time.perf_counter() - begun, SECONDS_AT_LEAST)
    raw: list[Any] = [None] * len(table)
    sure = np.full(len(table), np.nan)
    for place, label, odds in zip(usable, found.labels, found.confidence.tolist(), strict=True):
        raw[place], sure[place] = label, odds
    seen = np.zeros(len(table), dtype=bool)
    known = seen_rows(model, inputs)
    if known is not None:
        seen[usable] = known
    source = str(run) if isinstance(run, (str, Path)) else str(getattr(run, "path", "a model"))
    return Entry(
        Path(source).name or source,
        "run",
        source,
        raw,
        sure,
        1e6 * spent / max(len(usable), 1),
        None if known is None else seen,
        tuple(model.classes),
    )


def from_column(name: str, table: Table, confidence: str | None) -> Entry:
    """A column of the labelled file."""
    sure = None if confidence is None else _numbers(table, confidence)
    return Entry(name, "column", f"column {name}", _column(table, name), sure)


def from_answers(name: str, answers: Sequence[Any], table: Table) -> Entry:
    """Answers given directly, one a row of the table, in its order.

    Raises:
        DataError: there are more or fewer.
    """
    if len(answers) != len(table):
        fault = Fault(f"{len(answers):,} answers to {len(table):,} rows", field=name)
        raise DataError(faults=[fault])
    return Entry(name, "given", "given directly", list(answers))


def from_file(
    given: str, table: Table, key: str | None, confidence: str | None, progress: Progress
) -> Entry:
    """A column of another file (``FILE:COLUMN``), joined by the row's place or by a key column.

    Without a column: ``prediction``, as `predict` writes it, with its ``probability``.

    Raises:
        DataError: another number of rows, or keys that stand twice.
        UnknownNameError: there is no such column.
    """
    path, column = _file_and_column(given)
    other = read(path, progress=progress)
    if column is None:
        column = PREDICTION
        if confidence is None and PROBABILITY in other.names:
            confidence = PROBABILITY
    raw = _column(other, column)
    sure = None if confidence is None else _numbers(other, confidence)
    place, notes = _places(table, other, key)
    answers = [None if i < 0 else raw[i] for i in place]
    told = None if sure is None else np.where(place < 0, np.nan, sure[place])
    return Entry(Path(path).stem, "file", f"{path}:{column}", answers, told, notes=tuple(notes))


def unique_names(entries: Sequence[Entry], named: Sequence[str]) -> list[str]:
    """The entries' names, or where two share one, what each was called by the caller."""
    often = Counter(entry.name for entry in entries)
    names = [
        entry.name if often[entry.name] == 1 else given
        for entry, given in zip(entries, named, strict=True)
    ]
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        faults = [Fault("takes part twice", field=name) for name in twice]
        raise ParameterError("a contestant can take part once only", faults)
    return names


def _file_and_column(given: str) -> tuple[str, str | None]:
    if Path(given).is_file():
        return given, None
    path, colon, column = given.rpartition(":")
    return (path, column) if colon and path else (given, None)


def _column(table: Table, name: str) -> list[Any]:
    column = table.column(name)
    missing = missing_mask(column)
    return [None if gone else value for value, gone in zip(to_list(column), missing, strict=True)]


def _numbers(table: Table, name: str) -> np.ndarray:
    """A column of confidences.

    Raises:
        DataError: values that are no numbers, each with its row.
    """
    out, faults = np.full(len(table), np.nan), []
    for i, value in enumerate(_column(table, name)):
        if value is None:
            continue
        try:
            out[i] = float(value)
        except (TypeError, ValueError):
            message = f"{value!r} is no number"
            faults.append(Fault(message, table.source.name, int(table.rows[i]), name))
    if faults:
        raise DataError("a confidence must be a number", faults)
    return out


def _places(table: Table, other: Table, key: str | None) -> tuple[np.ndarray, list[str]]:
    """For each row of the table its place in the other file (-1: it has none), and notes."""
    if key is None:
        if len(other) != len(table):
            message = (
                f"has {len(other):,} rows, {table.source.name} has {len(table):,}; rows are joined "
                "by their place unless --key names a column that both files have"
            )
            raise DataError(faults=[Fault(message, other.source.name)])
        return np.arange(len(table)), []
    theirs, mine = _keys(other, key), _keys(table, key)
    place = {value: i for i, value in enumerate(theirs)}
    found = np.asarray([place.get(value, -1) for value in mine], dtype=np.int64)
    notes = []
    without, extra = int((found < 0).sum()), len(set(theirs) - set(mine))
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
    values = _column(table, key)
    rows: dict[str, list[int]] = {}
    for number, value in zip(table.rows.tolist(), values, strict=True):
        rows.setdefault("" if value is None else str(value), []).append(number)
    faults = [Fault("has no key", table.source.name, row, key) for row in rows.pop("", [])]
    faults += [
        Fault(f"key {value!r} stands in rows {', '.join(map(str, where[:5]))}",
              table.source.name, where[1], key)
        for value, where in rows.items()
        if len(where) > 1
    ]  # fmt: skip
    if faults:
        raise DataError("every key must stand once", faults)
    return ["" if value is None else str(value) for value in values]
