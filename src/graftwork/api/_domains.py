"""`evaluate` on several data sets, or by the values of a column: does the model carry over?"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graftwork.api._evaluate import WRITTEN, labelled_rows, seen_rows, target_of
from graftwork.api._predict import input_columns, open_model
from graftwork.api._report_of import report_of
from graftwork.data.read import read
from graftwork.data.table import Table
from graftwork.data.values import to_list
from graftwork.errors import DataError, Fault, InputError, ParameterError, UnknownNameError
from graftwork.evaluation.contender import Contender
from graftwork.evaluation.controls import widened
from graftwork.evaluation.domains import Domain, by_value, matrix, own_score, verdict
from graftwork.evaluation.report.render import render
from graftwork.model.model import Model
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine
from graftwork.stats.interval import CONFIDENCE
from graftwork.stats.resample import RESAMPLES
from graftwork.storage.directory import committed
from graftwork.storage.json_files import plain, write_json
from graftwork.storage.outputs import refuse_foreign

__all__ = ["evaluate_domains", "one_of_a_list", "several"]

FORMAT = 1


def several(data: Any) -> bool:
    """Whether `data` is a list of two data sets or more (rows, as dicts or texts, are one).

    A list of paths is told from a list of texts by its entries: a `Path`, or the name of a file
    that is there or has the ending of one.
    """
    return _sources(data) > 1


def one_of_a_list(data: Any) -> bool:
    """Whether `data` is a list that holds one data set."""
    return _sources(data) == 1


def _sources(data: Any) -> int:
    """How many data sets a list holds; 0 where it is none of data sets."""
    if not isinstance(data, (list, tuple)):
        return 0
    return len(data) if all(_is_source(one) for one in data) else 0


def _is_source(one: Any) -> bool:
    if isinstance(one, str):
        # isfile: a long text is no file, and asking after it must not fail
        return os.path.splitext(one)[1].lower() in _ENDINGS or os.path.isfile(one)
    return isinstance(one, Path) or hasattr(one, "column_names") or hasattr(one, "columns")


_ENDINGS = {".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".json", ".parquet", ".pq"}


def evaluate_domains(
    run: str | Path | Any,
    data: Any,
    *,
    domain: str | None = None,
    target: str | None = None,
    out: str | Path | None = None,
    metric: str = "accuracy",
    margin: float = 0.01,
    seed: int = 0,
    redact: bool = False,
    machine: Machine | Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> dict[str, Any]:
    """Score a model on several data sets, each against the score on the run's own test part.

    Args:
        run: a run or model directory, a `Run` or a `Model`; only a run knows its own score.
        data: several data sets, or one where `domain` is given.
        domain: column whose values are the data sets.
        target: label column; default: the one that the model was fitted to.
        out: folder for `metrics.json` and `report.html`.
        metric: what is compared.
        margin: a loss inside it counts as none.
        seed: of the resamples.
        redact: passed on to the report, which holds no texts of rows here.
        machine: device and threads.
        progress: shown to the user.
        encoding: of text files.
        delimiter: of CSV and TSV files.

    Returns:
        ``evidence`` ("domains"), ``metric``, ``domains`` (``by``, ``own``, ``rows``, see
        `evaluation.domains.matrix`), ``verdict`` (in words) and ``audit``, as strict JSON values.

    Raises:
        ParameterError: several files and `domain` at once.
        InputError: what is wrong with the files, all of them at once; or no row of any can be used.
        RunError: `out` holds other things, which would be lost.
    """
    progress = progress or Progress()
    begun = time.perf_counter()
    sources = list(data) if _sources(data) else [data]
    if domain is not None and len(sources) > 1:
        fault = Fault(f"{len(sources)} data sets were given; it reads one", field="domain")
        raise ParameterError(faults=[fault])
    if out is not None:
        refuse_foreign(out, needed=WRITTEN, what="an evaluation")
    model = open_model(run, machine)
    tables = _tables(sources, model, target, progress, encoding, delimiter)
    if domain is not None and domain not in tables[0].names:
        raise UnknownNameError("column", domain, tables[0].names, where=tables[0].source.name)
    domains, audit = _domains(model, tables, target, domain, progress)
    told = _matrix(domains, report_of(run), domain or "data set", metric, margin, seed)
    payload = {
        "format": FORMAT,
        "evidence": "domains",
        "task": model.head.task.declaration.name,
        "metric": metric,
        "n_test": sum(row["n"] for row in told["rows"]),
        "chosen": {"name": "model", "title": "the model"},
        "model": model.facts,
        "domains": told,
        "verdict": verdict(told["rows"], told["by"], margin),
        "audit": audit,
        "cost": {"seconds": round(time.perf_counter() - begun, 3)},
        "protocol": {
            "margin": margin,
            "confidence": CONFIDENCE,
            "resamples": RESAMPLES,
            "seed": seed,
        },
    }
    found: dict[str, Any] = plain(payload)
    if out is not None:
        with committed(Path(out)) as temporary:
            write_json(temporary / "metrics.json", found)
            render(found, temporary, redact=redact)
    return found


def _matrix(
    domains: Sequence[Domain],
    report: Mapping[str, Any] | None,
    by: str,
    metric: str,
    margin: float,
    seed: int,
) -> dict[str, Any]:
    """The matrix, and what it was compared with: the run's score on its own test part."""
    own = own_score(report, metric)
    about = {} if own is None or report is None else report
    return {
        "by": by,
        "own": None if own is None else own.to_json(),
        "own_rows": about.get("n_test"),
        "own_evidence": about.get("evidence"),
        "rows": matrix(domains, own, metric=metric, margin=margin, seed=seed),
    }


def _tables(
    sources: Sequence[Any],
    model: Model,
    target: str | None,
    progress: Progress,
    encoding: str | None,
    delimiter: str | None,
) -> list[Table]:
    """Every data set, read and looked at before anything is predicted.

    Raises:
        DataError: all that is wrong with any of them.
    """
    tables, faults, refusals = [], [], []
    for source in sources:
        try:
            table = read(source, encoding=encoding, delimiter=delimiter, progress=progress)
            for note in table.notes:
                progress.say(f"{table.source.name}: {note}" if len(sources) > 1 else note)
            target_of(model, target, table)
            input_columns(model, table)
            tables.append(table)
        except InputError as error:
            refusals.append(error)
            faults += list(error.faults) or [Fault(str(error))]
    if len(refusals) == 1:
        raise refusals[0]
    if refusals:
        raise DataError(f"{len(refusals)} data sets cannot be evaluated", faults)
    return tables


def _domains(
    model: Model,
    tables: Sequence[Table],
    target: str | None,
    column: str | None,
    progress: Progress,
) -> tuple[list[Domain], dict[str, Any]]:
    """What was predicted, by data set or by the values of the column, and where all rows went."""
    found: list[Domain] = []
    accounting = {"rows_in": 0, "used": 0, "quarantined": 0, "dropped": 0}
    strange: set[str] = set()
    faults: list[Fault] = []
    for table, name in zip(tables, _names(tables), strict=True):
        columns, label = input_columns(model, table), target_of(model, target, table)
        try:
            rows, truth, audit = labelled_rows(model, table, columns, label, progress)
        except DataError as error:
            faults += error.faults
            found.append(_empty(model, name, error))
            accounting["rows_in"] += table.n_in
            accounting["quarantined"] += table.n_in
            progress.say(str(error))
            continue
        accounting = {key: n + audit["accounting"][key] for key, n in accounting.items()}
        strange |= set(audit["unknown_labels"])
        one = _predicted(model, name, columns, rows, truth, progress)
        if column is None:
            found.append(one)
        else:
            values = to_list(table.columns.column(column))
            found += by_value(one, [values[i] for i in rows])
    if len(faults) >= len(tables):
        raise DataError("no row of any data set can be used" if len(tables) > 1 else "", faults)
    unknown = sorted(strange)[:50]
    return found, {"accounting": accounting, "unknown_labels": unknown, "findings": []}


def _predicted(
    model: Model,
    name: str,
    columns: Mapping[str, Sequence[Any]],
    rows: Any,
    truth: Any,
    progress: Progress,
) -> Domain:
    inputs = {key: [values[i] for i in rows] for key, values in columns.items()}
    texts = {key: [str(value) for value in values] for key, values in inputs.items()}
    told = model.predict(texts, progress=progress)
    known = len(model.classes)
    odds = widened(told.probabilities, known + int((truth >= known).any()))
    contender = Contender(name="model", title="the model", predicted=told.codes, probabilities=odds)
    return Domain(name, truth, contender, known, seen_rows(model, inputs))


def _empty(model: Model, name: str, error: DataError) -> Domain:
    import numpy as np

    known = len(model.classes)
    none = Contender(
        name="model",
        title="the model",
        predicted=np.empty(0, dtype=np.int64),
        probabilities=np.empty((0, known)),
    )
    return Domain(name, np.empty(0, dtype=np.int64), none, known, None, error.faults[0].message)


def _names(tables: Sequence[Table]) -> list[str]:
    """Short names of the data sets: file names, or whole paths where those do not differ."""
    whole = [table.source.name for table in tables]
    short = [Path(name).name for name in whole]
    chosen = short if len(set(short)) == len(short) else whole
    return [
        name if chosen.count(name) == 1 else f"{name} ({number})"
        for number, name in enumerate(chosen, 1)
    ]
