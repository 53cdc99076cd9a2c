"""`compare`, the referee: anyone's answers to the same labelled rows, weighed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._contestants import (
    Entry,
    from_answers,
    from_column,
    from_file,
    from_run,
    unique_names,
)
from graftwork.api._differences import Differences
from graftwork.data.read import read
from graftwork.data.table import Table
from graftwork.data.values import missing_mask, to_list
from graftwork.errors import DataError, Fault, ParameterError, nearest
from graftwork.evaluation.referee import Contestant, Price, Terms, judge, read_answers
from graftwork.evaluation.report.comparison_page import render_comparison
from graftwork.metrics import METRICS
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine
from graftwork.storage.directory import committed
from graftwork.storage.json_files import plain, write_json
from graftwork.storage.outputs import refuse_foreign

__all__ = ["HOURLY", "compare"]

HOURLY = 0.10  # price of an hour of a small cloud machine, in dollars, late 2026
SECONDS_AN_HOUR = 3600.0
_WRITTEN = ("comparison.json", "differences.csv", "report.html")


def compare(
    data: Any,
    *,
    target: str,
    runs: Sequence[Any] = (),
    columns: Sequence[str] = (),
    files: Sequence[str] = (),
    answers: Mapping[str, Sequence[Any]] | None = None,
    confidence: Mapping[str, str] | None = None,
    cost: Mapping[str, float] | None = None,
    hourly: float = HOURLY,
    key: str | None = None,
    slices: Sequence[str] = (),
    mapping: Mapping[str, str] | None = None,
    spelling: bool = False,
    error_rates: Sequence[float] = (),
    metric: str = "accuracy",
    margin: float = 0.01,
    seed: int = 0,
    out: str | Path | None = None,
    redact: bool = False,
    machine: Machine | Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> dict[str, Any]:
    """Weigh any number of contestants on the same labelled rows.

    Rows that a run is known to have been trained on judge nobody. An answer that is no label counts
    as wrong, is counted and shown, and is read as a label only on request.

    Args:
        data: labelled rows.
        target: label column.
        runs: run or model directories (or `Run`, `Model`), which predict the rows now.
        columns: columns of `data` that hold answers.
        files: ``FILE:COLUMN`` each, joined by place or by `key`; without a column a file that
            `predict` wrote.
        answers: by name, answers given directly.
        confidence: by contestant, the column (of its own file) that tells how sure it was.
        cost: by contestant, what a million rows cost; a run's is measured where none is stated.
        hourly: what an hour of this machine costs, for the runs' measured cost.
        key: column that joins `files` to the rows.
        slices: columns to tell winners by.
        mapping: answers to be read as labels.
        spelling: read answers that differ from one label in case, space or punctuation around it
            alone as that label.
        error_rates: shares of errors at which coverage is told; default .01, .02, .05, .1.
        metric: that ranks, and that pairs are compared by besides accuracy.
        margin: differences inside ± margin count as none.
        seed: of resamples and halves.
        out: folder for `comparison.json`, `report.html` and `differences.csv`; new, empty, or of an
            earlier comparison.
        redact: leave out texts.
        machine: device and threads.
        progress: shown to the user.
        encoding: of a text file; found and said when left out.
        delimiter: of a CSV or TSV file; found and said when left out.

    Returns:
        the content of `comparison.json`.

    Raises:
        InputError: columns or contestants that are not there, files that do not fit, no labels.
        RunError: `out` holds other things, which would be lost.
    """
    progress = progress or Progress()
    if out is not None:
        refuse_foreign(out, needed=_WRITTEN, what="a comparison")
    asked = _Asked(
        tuple(runs), tuple(columns), tuple(files), dict(answers or {}), dict(confidence or {}), key
    )
    asked.check()
    METRICS.get(metric)
    begun = time.perf_counter()
    table = read(data, encoding=encoding, delimiter=delimiter, progress=progress)
    for note in table.notes:
        progress.say(note)
    rows, truth = _labelled(table, target)
    entries = asked.entries(table, machine, progress)
    for note in (note for entry in entries for note in entry.notes):
        progress.say(note)
    labels = _labels(truth, entries)
    reading = _Reading(labels, mapping or {}, spelling, cost or {}, hourly)
    contestants = reading.contestants(entries, rows)
    codes = {label: code for code, label in enumerate(labels)}
    known = np.asarray([codes[str(label)] for label in truth], dtype=np.int64)
    terms = Terms(
        metric=metric,
        margin=margin,
        rates=tuple(error_rates) or Terms().rates,
        slices={name: _slice(table, name, rows) for name in slices},
        seed=seed,
    )
    with progress.step("weighing"):
        found = judge(known, labels, contestants, terms)
    apart = Differences.of(table, rows, target, known, labels, contestants, found)
    found |= {"target": target, "data": table.source.name, "hourly": hourly}
    found |= {"accounting": _accounting(table, rows), "differences": apart.to_json()}
    found["seconds"] = round(time.perf_counter() - begun, 3)
    if out is not None:
        _write(Path(out), found, apart, redact)
    return found


def _accounting(table: Table, rows: np.ndarray) -> dict[str, int]:
    """Where all rows of the table went."""
    return {
        "rows_in": table.n_in,
        "used": len(rows),
        "quarantined": len(table.set_aside),
        "dropped": len(table) - len(rows),
    }


@dataclass(frozen=True)
class _Asked:
    """Who shall take part."""

    runs: tuple[Any, ...]
    columns: tuple[str, ...]
    files: tuple[str, ...]
    answers: dict[str, Sequence[Any]]
    confidence: dict[str, str]
    key: str | None

    def check(self) -> None:
        if not (self.runs or self.columns or self.files or self.answers):
            raise ParameterError(
                "nobody takes part: name runs (--run), columns of the file (--column) or other "
                "files (--file FILE:COLUMN)"
            )

    def entries(self, table: Table, machine: Any, progress: Progress) -> list[Entry]:
        """Everyone's answers to all rows of the table, under unique names."""
        named = [*map(str, self.runs), *self.columns, *self.files, *self.answers]
        _check_names("confidence", self.confidence, named)
        found = [from_run(run, table, machine, progress) for run in self.runs]
        found += [from_column(c, table, self.confidence.get(c)) for c in self.columns]
        found += [
            from_file(file, table, self.key, _of(self.confidence, file), progress)
            for file in self.files
        ]
        found += [from_answers(name, given, table) for name, given in self.answers.items()]
        names = unique_names(found, named)
        return [replace(entry, name=name) for entry, name in zip(found, names, strict=True)]


def _short(name: str) -> set[str]:
    """What a contestant may be called by besides what it was given as."""
    path = name.rpartition(":")[0] or name
    return {name, Path(name).name, Path(path).stem}


def _of(given: Mapping[str, Any], named: str) -> Any:
    """What was said of a contestant, by any of the names that it goes by."""
    return next((value for name, value in given.items() if name in _short(named)), None)


def _check_names(what: str, given: Mapping[str, Any], named: Sequence[str]) -> None:
    """Every name must be one of a contestant.

    Raises:
        ParameterError: those that are not, each with the nearest.
    """
    known = {short for name in named for short in _short(name)}
    faults = []
    for name in given:
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean {close!r}?" if close else f"there are: {', '.join(named)}"
            faults.append(Fault(f"{name!r} takes no part", field=what, hint=hint))
    if faults:
        raise ParameterError(faults=faults)


def _labelled(table: Table, target: str) -> tuple[np.ndarray, list[Any]]:
    """Positions of the rows that have a label, and their labels.

    Raises:
        UnknownNameError: there is no such column.
        DataError: no row has a label.
    """
    column = table.column(target)
    rows = np.flatnonzero(~missing_mask(column))
    if not len(rows):
        fault = Fault("no row has a label", table.source.name, field=target)
        raise DataError(faults=[fault])
    labels = to_list(column)
    return rows, [labels[i] for i in rows]


def _labels(truth: Sequence[Any], entries: Sequence[Entry]) -> list[str]:
    """The label set as text: what the rows have, and what the runs know besides."""
    own = sorted({str(label) for label in truth})
    more = sorted({str(label) for e in entries for label in e.labels} - set(own))
    return [*own, *more]


@dataclass(frozen=True)
class _Reading:
    """How answers are read, and what they cost."""

    labels: Sequence[str]
    mapping: Mapping[str, str]
    spelling: bool
    cost: Mapping[str, float]
    hourly: float

    def contestants(self, entries: Sequence[Entry], rows: np.ndarray) -> list[Contestant]:
        """The entries' answers to the rows, as codes.

        Raises:
            ParameterError: a cost of somebody who takes no part, or a mapping to no label.
        """
        _check_names("cost", self.cost, [name for e in entries for name in (e.name, e.source)])
        self._check_mapping()
        return [self._contestant(entry, rows) for entry in entries]

    def _contestant(self, entry: Entry, rows: np.ndarray) -> Contestant:
        raw = [entry.raw[i] for i in rows]
        return Contestant(
            name=entry.name,
            kind=entry.kind,
            source=entry.source,
            answers=read_answers(raw, self.labels, mapping=self.mapping, spelling=self.spelling),
            confidence=None if entry.confidence is None else entry.confidence[rows],
            price=self._price(entry),
            seen=None if entry.seen is None else entry.seen[rows],
        )

    def _check_mapping(self) -> None:
        faults = []
        for label in self.mapping.values():
            if label not in self.labels:
                close = nearest(label, self.labels)
                hint = f"did you mean {close!r}?" if close else None
                faults.append(Fault(f"{label!r} is no label", field="map", hint=hint))
        if faults:
            raise ParameterError(faults=faults)

    def _price(self, entry: Entry) -> Price | None:
        stated = self.cost.get(entry.name, _of(self.cost, entry.source))
        if stated is not None:
            return Price(float(stated), "stated", entry.seconds)
        if entry.seconds is None:
            return None
        return Price(entry.seconds / SECONDS_AN_HOUR * self.hourly, "measured", entry.seconds)


def _slice(table: Table, name: str, rows: np.ndarray) -> list[Any]:
    values = to_list(table.column(name))
    return [values[i] for i in rows]


def _write(out: Path, found: dict[str, Any], apart: Differences, redact: bool) -> None:
    with committed(out) as temporary:
        write_json(temporary / "comparison.json", plain(found))
        apart.write(temporary / "differences.csv", redact=redact)
        shown = found | {"examples": apart.examples(redact)}
        render_comparison(shown, temporary, redact=redact)
