"""`compare`, the referee: anyone's answers to the same labelled rows, weighed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._asked import Asked, check_mapping, check_metric, check_numbers, resolved
from graftwork.api._contestants import Entry
from graftwork.api._differences import Differences, Take
from graftwork.api._kind import kind_of, taker
from graftwork.api._open import machine_of
from graftwork.data.read import read
from graftwork.data.table import Table
from graftwork.data.values import missing_mask, to_list
from graftwork.errors import DataError, Fault
from graftwork.evaluation.referee import Contestant, Price, Terms, judge, read_answers
from graftwork.evaluation.report.comparison_page import render_comparison
from graftwork.modalities import MODALITIES
from graftwork.modalities.modality import Modality
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
        answers: by name, answers given directly, one for each row of `data`.
        confidence: by contestant, the column (of its own file; of `data` for answers given
            directly) that tells how sure it was.
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
        redact: leave out texts, answers that are no label among them.
        machine: device and threads.
        progress: shown to the user.
        encoding: of a text file; found and said when left out.
        delimiter: of a CSV or TSV file; found and said when left out.

    Returns:
        the content of `comparison.json`.

    Raises:
        InputError: columns or contestants that are not there, files that do not fit, no labels,
            numbers that are not allowed.
        RunError: `out` holds other things, which would be lost.
    """
    progress = progress or Progress()
    if out is not None:
        refuse_foreign(out, needed=_WRITTEN, what="a comparison")
    asked = Asked(
        target, _several(runs), _several(columns), _several(files), dict(answers or {}),
        dict(confidence or {}), key,
    )  # fmt: skip
    asked.check()
    check_metric(metric)
    check_numbers(cost or {}, hourly, margin, error_rates, seed)
    priced = resolved("cost", cost or {}, asked.named)
    begun = time.perf_counter()
    table = read(data, encoding=encoding, delimiter=delimiter, progress=progress)
    for note in table.notes:
        progress.say(note)
    rows, truth = _labelled(table, target)
    entries = asked.entries(table, machine, progress)
    for note in (note for entry in entries for note in entry.notes):
        progress.say(note)
    labels = _labels(truth, entries)
    for entry in entries:
        if entry.labels and not {str(label) for label in entry.labels} & set(map(str, truth)):
            progress.say(f"{entry.name} knows none of the labels that the rows have")
    read_as = {str(answer): str(label) for answer, label in (mapping or {}).items()}
    check_mapping(read_as, labels)
    reading = _Reading(labels, read_as, spelling, hourly)
    contestants = [
        reading.contestant(entry, rows, priced.get(name))
        for entry, name in zip(entries, asked.named, strict=True)
    ]
    codes = {label: code for code, label in enumerate(labels)}
    known = np.asarray([codes[str(label)] for label in truth], dtype=np.int64)
    terms = Terms(
        metric=metric,
        margin=margin,
        rates=tuple(error_rates) or Terms().rates,
        slices={name: _slice(table, name, rows) for name in _several(slices)},
        seed=seed,
    )
    with progress.step("weighing"):
        found = judge(known, labels, contestants, terms)
    apart = Differences.of(table, rows, target, known, labels, contestants, found, redact=redact)
    if redact:
        _leave_out_answers(found)
    found |= {"target": target, "data": table.source.name, "hourly": hourly}
    found |= {"accounting": _accounting(table, rows), "differences": apart.to_json()}
    found["seconds"] = round(time.perf_counter() - begun, 3)
    if out is not None:
        examples = apart.examples(*_shown(table, apart.columns, machine, progress), redact)
        _write(Path(out), found, examples, apart, redact)
    return found


def _shown(
    table: Table,
    columns: Sequence[str],
    machine: Machine | Mapping[str, Any] | None,
    progress: Progress,
) -> tuple[Modality, Take]:
    """What shows the cells of a row: its pictures where a column holds such, else its texts."""
    known = [name for name in table.names if name not in columns]
    kind, own = kind_of(table, (), known, None)
    modality: Modality = MODALITIES.get(kind)()
    make = taker(modality, machine_of(machine), progress)

    def take(name: str, cells: list[Any]) -> list[Any]:
        if name not in own:
            return cells
        made, faults = make(cells, table.source.folder)
        # what cannot be shown is named, with the reason
        return [faults[i][1] if i in faults else each for i, each in enumerate(made)]

    return modality, take


def _accounting(table: Table, rows: np.ndarray) -> dict[str, int]:
    """Where all rows of the table went."""
    return {
        "rows_in": table.n_in,
        "used": len(rows),
        "quarantined": len(table.set_aside),
        "dropped": len(table) - len(rows),
    }


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
    hourly: float

    def contestant(self, entry: Entry, rows: np.ndarray, cost: float | None) -> Contestant:
        """An entry's answers to the rows, as codes; where it gave none, it was not sure either."""
        raw = [entry.raw[i] for i in rows]
        answers = read_answers(raw, self.labels, mapping=self.mapping, spelling=self.spelling)
        sure = None
        if entry.confidence is not None:
            sure = np.where(answers.empty, np.nan, entry.confidence[rows])
        return Contestant(
            name=entry.name,
            kind=entry.kind,
            source=entry.source,
            answers=answers,
            confidence=sure,
            price=self._price(entry, cost),
            seen=None if entry.seen is None else entry.seen[rows],
        )

    def _price(self, entry: Entry, stated: float | None) -> Price | None:
        if stated is not None:
            return Price(float(stated), "stated", entry.seconds)
        if entry.seconds is None:
            return None
        return Price(entry.seconds / SECONDS_AN_HOUR * self.hourly, "measured", entry.seconds)


def _leave_out_answers(found: Mapping[str, Any]) -> None:
    """Answers that are no label, or were read as one, may be any text; their number stays."""
    for each in found["contestants"]:
        each["answers"] |= {"spellings": [], "read_as": {}}


def _several(given: Any) -> tuple[Any, ...]:
    """One or several, as a tuple."""
    one = isinstance(given, str) or not hasattr(given, "__iter__")
    return (given,) if one else tuple(given)


def _slice(table: Table, name: str, rows: np.ndarray) -> list[Any]:
    values = to_list(table.column(name))
    return [values[i] for i in rows]


def _write(
    out: Path,
    found: dict[str, Any],
    examples: list[dict[str, Any]],
    apart: Differences,
    redact: bool,
) -> None:
    with committed(out) as temporary:
        write_json(temporary / "comparison.json", plain(found))
        apart.write(temporary / "differences.csv", redact=redact)
        render_comparison(found | {"examples": examples}, temporary, redact=redact)
