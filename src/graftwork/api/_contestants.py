"""Who takes part in a comparison: runs, columns, other files, answers given directly."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._joins import by_key, by_place, by_row, records
from graftwork.api._labelled import seen_rows
from graftwork.api._predict import open_model
from graftwork.api._rows import readable_rows
from graftwork.data.read import read
from graftwork.data.table import Table
from graftwork.data.values import missing_mask, to_list
from graftwork.errors import DataError, Fault, ParameterError
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine

__all__ = [
    "Entry",
    "called",
    "from_answers",
    "from_column",
    "from_file",
    "from_run",
    "unique_names",
]

PREDICTION, PROBABILITY = "prediction", "probability"  # the columns that `predict` writes
SECONDS_AT_LEAST = 1e-9
_MOST_FAULTS = 20


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


def called(run: Any) -> str:
    """What a run is called: its directory."""
    return str(run) if isinstance(run, (str, Path)) else str(getattr(run, "path", "a model"))


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
    source = called(run)
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


def from_answers(name: str, answers: Sequence[Any], table: Table, confidence: str | None) -> Entry:
    """Answers given directly, one for each row of the file, in its order.

    Rows of the file that could not be read count too, so that one faulty line moves nothing.

    Raises:
        DataError: there are more or fewer.
        ParameterError: it is no sequence of answers.
    """
    if isinstance(answers, (str, bytes)) or not hasattr(answers, "__iter__"):
        message = f"found {type(answers).__name__}, allowed: a sequence of answers, one a row"
        raise ParameterError(faults=[Fault(message, field=name)])
    given, lines = list(answers), records(table)
    if len(given) != len(lines):
        faulty = len(lines) - len(table)
        told = f" ({faulty:,} of them could not be read)" if faulty else ""
        fault = Fault(f"{len(given):,} answers to {len(lines):,} rows{told}", field=name)
        raise DataError(faults=[fault])
    sure = None if confidence is None else _numbers(table, confidence)
    raw = [given[i] for i in np.searchsorted(lines, table.rows).tolist()]
    return Entry(name, "given", "given directly", raw, sure)


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
    place, notes = _places(table, other, key, column == PREDICTION)
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
        more = len(faults) - _MOST_FAULTS
        shown = [*faults[:_MOST_FAULTS], *([Fault(f"and {more:,} more")] if more > 0 else [])]
        raise DataError("a confidence must be a number", shown)
    return out


def _places(
    table: Table, other: Table, key: str | None, predicted: bool
) -> tuple[np.ndarray, list[str]]:
    """For each row of the table its position in the other file (-1: it has none), and notes."""
    if key is not None:
        return by_key(table, other, key)
    place = by_row(table, other) if predicted else None
    return by_place(table, other) if place is None else (place, [])
