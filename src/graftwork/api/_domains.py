"""`evaluate` on several data sets, or by the values of a column: does the model carry over?"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._labelled import (
    Labelled,
    answered,
    contender,
    labelled_rows,
    seen_rows,
    target_of,
)
from graftwork.api._predict import open_model
from graftwork.api._report_of import report_of
from graftwork.api._rows import columns_of
from graftwork.api._terms import Terms
from graftwork.data.table import Table
from graftwork.errors import DataError, Fault, InputError, ParameterError, UnknownNameError
from graftwork.evaluation.domains import Domain, by_value, matrix, own_score, verdict
from graftwork.model.model import Model
from graftwork.stats.interval import CONFIDENCE
from graftwork.stats.resample import RESAMPLES
from graftwork.storage.json_files import plain

__all__ = ["evaluate_domains", "one_of_a_list", "several"]

FORMAT = 1


def several(data: Any) -> bool:
    """Whether `data` is a list of two data sets or more (rows, as dicts or texts, are one).

    A list of paths is told from a list of texts by its entries: a `Path`, or the name of a file
    or folder that is there, or has the ending of one.
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
        # exists: a long text is no file, and asking after it must not fail
        return os.path.splitext(one)[1].lower() in _ENDINGS or os.path.exists(one)
    return isinstance(one, Path) or hasattr(one, "column_names") or hasattr(one, "columns")


_ENDINGS = {".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".json", ".parquet", ".pq"}


def evaluate_domains(
    run: str | Path | Any, data: Any, terms: Terms, domain: str | None = None
) -> dict[str, Any]:
    """Score a model on several data sets, each against the score on the run's own test part.

    Args:
        run: a run or model directory, a `Run` or a `Model`; only a run knows its own score.
        data: several data sets, or one where `domain` is given.
        terms: a loss inside its margin counts as none; the report holds no texts of rows here.
        domain: column whose values are the data sets.

    Returns:
        ``evidence`` ("domains"), ``metric``, ``domains`` (``by``, ``own``, ``rows``, see
        `evaluation.domains.matrix`), ``verdict`` (in words) and ``audit``, as strict JSON values.

    Raises:
        ParameterError: several files and `domain` at once.
        InputError: what is wrong with the files, all of them at once; or no row of any can be used.
        RunError: the folder of `terms` holds other things, which would be lost.
    """
    begun = time.perf_counter()
    sources = list(data) if _sources(data) else [data]
    if domain is not None and len(sources) > 1:
        fault = Fault(f"{len(sources)} data sets were given; it reads one", field="domain")
        raise ParameterError(faults=[fault])
    terms.check_out()
    model = open_model(run, terms.machine)
    tables = _tables(sources, model, terms)
    if domain is not None and domain not in tables[0].names:
        raise UnknownNameError("column", domain, tables[0].names, where=tables[0].source.name)
    domains, audit = _domains(model, tables, domain, terms)
    told = _matrix(domains, report_of(run), domain or "data set", terms)
    found: dict[str, Any] = plain(_payload(model, told, audit, terms, begun))
    terms.write(found, found)
    return found


def _payload(
    model: Model, told: dict[str, Any], audit: dict[str, Any], terms: Terms, begun: float
) -> dict[str, Any]:
    """The content of `metrics.json`."""
    return {
        "format": FORMAT,
        "evidence": "domains",
        "task": model.head.task.declaration.name,
        "metric": terms.metric,
        "n_test": sum(row["n"] for row in told["rows"]),
        "chosen": {"name": "model", "title": "the model"},
        "model": model.facts,
        "domains": told,
        "verdict": verdict(told["rows"], told["by"], terms.margin),
        "audit": audit,
        "cost": {"seconds": round(time.perf_counter() - begun, 3)},
        "protocol": {
            "margin": terms.margin,
            "confidence": CONFIDENCE,
            "resamples": RESAMPLES,
            "seed": terms.seed,
        },
    }


def _matrix(
    domains: Sequence[Domain],
    report: Mapping[str, Any] | None,
    by: str,
    terms: Terms,
) -> dict[str, Any]:
    """The matrix, and what it was compared with: the run's score on its own test part."""
    own = own_score(report, terms.metric)
    about = {} if own is None or report is None else report
    return {
        "by": by,
        "own": None if own is None else own.to_json(),
        "own_rows": about.get("n_test"),
        "own_evidence": about.get("evidence"),
        "rows": matrix(domains, own, metric=terms.metric, margin=terms.margin, seed=terms.seed),
    }


def _tables(sources: Sequence[Any], model: Model, terms: Terms) -> list[Table]:
    """Every data set, read and looked at before anything is predicted.

    Raises:
        DataError: all that is wrong with any of them.
    """
    tables, faults, refusals = [], [], []
    for source in sources:
        try:
            table = terms.read(source)
            for note in table.notes:
                terms.progress.say(f"{table.source.name}: {note}" if len(sources) > 1 else note)
            target_of(model, terms.target, table)
            columns_of(model, table)
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
    model: Model, tables: Sequence[Table], column: str | None, terms: Terms
) -> tuple[list[Domain], dict[str, Any]]:
    """What was predicted, by data set or by the values of the column, and where all rows went."""
    found: list[Domain] = []
    accounting = {"rows_in": 0, "used": 0, "quarantined": 0, "dropped": 0}
    strange: set[str] = set()
    faults: list[Fault] = []
    for table, name in zip(tables, _names(tables), strict=True):
        try:
            labelled = labelled_rows(model, table, terms.target, terms.machine, terms.progress)
        except DataError as error:
            faults += error.faults
            found.append(_empty(model, name, error))
            accounting["rows_in"] += table.n_in
            accounting["quarantined"] += table.n_in
            terms.progress.say(str(error))
            continue
        audit = labelled.audit
        accounting = {key: n + audit["accounting"][key] for key, n in accounting.items()}
        strange |= set(audit["unknown_labels"])
        one = _predicted(model, name, labelled, terms)
        found += [one] if column is None else by_value(one, labelled.column(column))
    if len(faults) >= len(tables):
        raise DataError("no row of any data set can be used" if len(tables) > 1 else "", faults)
    unknown = sorted(strange)[:50]
    return found, {"accounting": accounting, "unknown_labels": unknown, "findings": []}


def _predicted(model: Model, name: str, labelled: Labelled, terms: Terms) -> Domain:
    told = answered(model, labelled, terms.progress)
    seen = seen_rows(model, labelled.inputs)
    return Domain(name, labelled.truth, told, len(model.classes), seen)


def _empty(model: Model, name: str, error: DataError) -> Domain:
    """A data set of which no row can be used."""
    known = len(model.classes)
    none = contender(np.empty(0, dtype=np.int64), np.empty((0, known)))
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
