"""`predict`: every input row, in order, with prediction, probability and row status."""

from __future__ import annotations

import csv
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._abstain import Abstain, abstain_of
from graftwork.api._open import machine_of
from graftwork.api._rows import readable_rows
from graftwork.data.read import read
from graftwork.data.table import Table
from graftwork.errors import Fault, ParameterError
from graftwork.model.model import Model
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine
from graftwork.runtime.devices import place
from graftwork.storage.disk import atomic_file, disk_errors
from graftwork.storage.outputs import refuse_input

__all__ = ["open_model", "predict"]

ROW = ("row", "prediction", "probability", "status")
FORMATS = {".csv": ",", ".tsv": "\t", ".jsonl": None, ".parquet": None}


def predict(
    run: str | Path | Any,
    data: Any,
    *,
    out: str | Path | None = None,
    abstain: float | None = None,
    guarantee: float | None = None,
    machine: Machine | Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> dict[str, Any]:
    """Predict the label of every row.

    Args:
        run: a run or model directory, a `Run`, or a `Model`.
        data: rows with the model's input columns; for a model of pictures a folder too.
        out: CSV, TSV, JSONL or Parquet file to write: ``row``, ``prediction``, ``probability``,
            ``status`` for every input row in order, and after the row the ``file`` where inputs
            are files; rows that cannot be predicted have an empty prediction and a status that
            says why.
        abstain: least probability to answer, 0 to 1. Rows below keep their probability, but have
            an empty prediction and the status ``abstained``.
        guarantee: answer only as far as at most this share of errors was promised when the model
            was fitted with the same `guarantee`; the other rows are abstained from.
        machine: device and threads.
        progress: shown to the user.
        encoding: of a text file; found and said when left out.
        delimiter: of a CSV or TSV file; found and said when left out.

    Returns:
        ``rows_in``, ``predicted``, ``abstained``, ``unusable``, ``seconds``, ``out`` and, where
        nothing is written to a file, ``predictions`` (a list of dicts). Where rows could be
        abstained from, ``threshold`` and ``expected`` (errors out of fold) or ``guarantee``.

    Raises:
        InputError: the file cannot be read, lacks the model's input columns, or is `out` itself.
        IntegrityError: the model directory was changed.
        ParameterError: `abstain` and `guarantee` together, or outside their range.
        UnsupportedError: the model carries no such guarantee.
    """
    progress = progress or Progress()
    begun = time.perf_counter()
    suffix = _suffix(out)
    refuse_input(out, [data])
    table = read(data, encoding=encoding, delimiter=delimiter, progress=progress)
    for note in table.notes:
        progress.say(note)
    model = open_model(run, machine)
    asked = abstain_of(model, abstain, guarantee)
    rows = _answers(model, table, asked, machine, progress)
    summary: dict[str, Any] = {
        **_counts(rows),
        "seconds": round(time.perf_counter() - begun, 3),
        "out": None if out is None else str(out),
        **(asked.facts if asked is not None else {}),
    }
    if out is None:
        return {**summary, "predictions": rows}
    _write(Path(out), suffix, rows)
    return summary


def _answers(
    model: Model,
    table: Table,
    asked: Abstain | None,
    machine: Machine | Mapping[str, Any] | None,
    progress: Progress,
) -> list[dict[str, Any]]:
    """One result row for each row of the file, in its order, whatever became of it."""
    readable = readable_rows(model, table, machine, progress)
    rows = [_row(n, s) for n, s in zip(table.rows.tolist(), readable.status, strict=True)]
    found = model.predict(readable.inputs, progress=progress)
    answers = zip(readable.positions, found.labels, found.confidence.tolist(), strict=True)
    for i, label, odds in answers:
        rows[i] |= {"prediction": label, "probability": round(odds, 6)}
        if asked is not None and odds < asked.threshold:
            rows[i] |= {"prediction": None, "status": "abstained"}
    rows += [_row(row.row, row.reason) for row in table.set_aside]
    if readable.cells is not None:  # a file is known by its name rather than by its row
        cells = dict(zip(table.rows.tolist(), readable.cells, strict=True))
        cells |= {row.row: row.cell for row in table.set_aside if row.cell}
        rows = [{"row": r["row"], "file": cells.get(r["row"]), **r} for r in rows]
    return sorted(rows, key=lambda row: row["row"])


def _counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """What became of the rows; every one is counted once."""
    by_status = Counter(row["status"] for row in rows)
    predicted, abstained = by_status["ok"], by_status["abstained"]
    return {
        "rows_in": len(rows),
        "predicted": predicted,
        "abstained": abstained,
        "unusable": len(rows) - predicted - abstained,
    }


def open_model(run: Any, machine: Machine | Mapping[str, Any] | None) -> Model:
    """The model of a directory, a `Run`, or itself."""
    if isinstance(run, Model):
        return run
    if not isinstance(run, (str, Path)):
        model: Model = run.model
        return model
    how = machine_of(machine)
    return Model.load(Path(run), placement=place(how.device, "auto", how.threads))


def _row(number: int, status: str) -> dict[str, Any]:
    return {"row": int(number), "prediction": None, "probability": None, "status": status}


def _suffix(out: str | Path | None) -> str:
    suffix = Path(out).suffix.lower() if out is not None else ".csv"
    if suffix not in FORMATS:
        fault = Fault(f"{suffix or 'no ending'}; allowed are {', '.join(FORMATS)}", field="out")
        raise ParameterError(faults=[fault])
    return suffix


def _write(path: Path, suffix: str, rows: list[dict[str, Any]]) -> None:
    with disk_errors("write", path), atomic_file(path) as temporary:
        if suffix == ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            columns = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
            pq.write_table(pa.table(columns), temporary)
            return
        with open(temporary, "w", encoding="utf-8", newline="") as stream:
            if suffix == ".jsonl":
                stream.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in _plain(rows))
                return
            writer = csv.writer(stream, delimiter=FORMATS[suffix] or ",")
            writer.writerow(list(rows[0]) if rows else ROW)
            for row in rows:
                writer.writerow(["" if value is None else value for value in row.values()])


def _plain(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield {k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()}
