"""`select`: which unlabelled rows to label next."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._earlier import judged_keys
from graftwork.api._labelled import seen_rows
from graftwork.api._open import machine_of, store_folder
from graftwork.api._predict import open_model
from graftwork.api._report_of import report_of
from graftwork.api._rows import readable_rows
from graftwork.data.keys import row_keys
from graftwork.data.read import read
from graftwork.data.table import Table
from graftwork.errors import DataError, Fault, ParameterError
from graftwork.evaluation.selection import doubt, expected, shortlist, spread
from graftwork.features.store import FeatureStore
from graftwork.model.model import Model
from graftwork.model.neighbours import dense_block
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine
from graftwork.storage.disk import atomic_file, disk_errors
from graftwork.storage.outputs import refuse_input

__all__ = ["select"]

CHUNK_ROWS = 8192  # rows whose features are in memory at a time
SURE = 0.5  # above this margin a row was picked for being different, not for being torn
METHOD = "margin of the probabilities, spread by weighted k-means++ on the features of the head"


def select(
    data: Any,
    *,
    run: str | Path | Any,
    n: int = 50,
    out: str | Path | None = None,
    seed: int = 0,
    machine: Machine | Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> dict[str, Any]:
    """Choose the rows that are most worth a label.

    Of the rows that the model is least sure of (the margin between the two likeliest labels), those
    that differ from each other, by weighted k-means++ on the head's standardised features
    (Arthur & Vassilvitskii 2007; Zhdanov 2019). Exact duplicates and rows that the model was
    trained on are left out. Features are kept in the store: the next round encodes nothing again.

    Args:
        data: unlabelled rows with the model's input columns.
        run: a run or model directory, a `Run`, or a `Model`.
        n: how many rows to choose, at least 1.
        out: CSV file to write: ``row``, the inputs, ``prediction``, ``probability``, ``why``, in
            the order in which rows were picked (any first part of it is a good choice too).
        seed: same seed, same rows.
        machine: device, threads, cache.
        progress: shown to the user.
        encoding: of a text file; found and said when left out.
        delimiter: of a CSV or TSV file; found and said when left out.

    Returns:
        ``rows_in`` = ``picked`` + ``not_picked`` + ``unusable``; ``left_out`` (``duplicates``,
        ``trained_on``: None where the model keeps no hashes), ``expected`` (what so many labels
        should bring, None where the run has no learning curve), ``method``, ``notes``,
        ``seconds``, ``out`` and, where nothing is written, ``rows`` (a list of dicts).

    Raises:
        ParameterError: n is below 1, or `out` is no CSV file or the input itself.
        InputError: the file cannot be read, lacks the model's input columns, or no row is left.
    """
    progress = progress or Progress()
    begun = time.perf_counter()
    _check(n, out, data)
    table = read(data, encoding=encoding, delimiter=delimiter, progress=progress)
    model = open_model(run, machine)
    pool = _pool(model, table, judged_keys(run), machine, progress)
    picked = _pick(model, pool, n, seed, _store(machine), progress)
    notes = [*table.notes, *pool.notes(n)]
    gain = expected((report_of(run) or {}).get("learning_curve"), len(picked))
    notes.append(_gain_words(gain, len(picked)))
    for note in notes:
        progress.say(note)
    rows = [_row(table, pool, one) for one in picked]
    told: dict[str, Any] = {
        "rows_in": table.n_in,
        "picked": len(rows),
        "not_picked": pool.usable - len(rows),
        "unusable": table.n_in - pool.usable,
        "left_out": {
            "duplicates": pool.duplicates,
            "trained_on": pool.trained_on,
            "judged_on": pool.judged_on,
        },
        "expected": gain,
        "method": METHOD,
        "notes": notes,
        "seconds": round(time.perf_counter() - begun, 3),
        "out": None if out is None else str(out),
    }
    if out is None:
        return {**told, "rows": rows}
    _write(Path(out), rows)
    return told


@dataclass(frozen=True, eq=False)
class _Pool:
    """The rows that can be picked.

    Attributes:
        positions: int64 (m,) positions in the table.
        inputs: their inputs, by name.
        usable: rows with an input, duplicates and rows trained on included.
        duplicates: how many say what an earlier row says.
        trained_on: how many the model was trained on; None: it keeps no hashes.
    """

    positions: np.ndarray
    inputs: dict[str, list[Any]]
    usable: int
    duplicates: int
    trained_on: int | None
    judged_on: int

    def notes(self, n: int) -> list[str]:
        """What was left out, and whether there are fewer rows than asked for."""
        told = []
        if self.duplicates:
            told.append(f"{self.duplicates:,} rows are duplicates of others and were left out")
        if self.trained_on:
            told.append(f"the model was trained on {self.trained_on:,} rows; they were left out")
        if self.judged_on:
            told.append(f"{self.judged_on:,} rows are test rows of the run; they were left out")
        if self.trained_on is None:
            told.append(
                "the model keeps no hashes of its training rows, so rows that it was trained on "
                "may be among those picked"
            )
        if len(self.positions) < n:
            told.append(f"{n:,} rows were asked for; only {len(self.positions):,} can be picked")
        return told


@dataclass(frozen=True)
class _Picked:
    """One row: its place in the pool, its two likeliest labels and their probabilities."""

    place: int
    labels: tuple[Any, Any]
    odds: tuple[float, float]


def _check(n: int, out: str | Path | None, data: Any) -> None:
    faults = []
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        faults.append(
            Fault(f"{n!r} is not allowed; allowed: a whole number, at least 1", field="n")
        )
    if out is not None and Path(out).suffix.lower() != ".csv":
        faults.append(Fault(f"{str(out)!r} must end in .csv", field="out"))
    if faults:
        raise ParameterError(faults=faults)
    refuse_input(out, [data])


def _store(machine: Machine | Mapping[str, Any] | None) -> FeatureStore:
    how = machine_of(machine)
    return FeatureStore(store_folder(how), limit_gb=how.cache_gb)


def _pool(
    model: Model,
    table: Table,
    judged_on: frozenset[str],
    machine: Machine | Mapping[str, Any] | None,
    progress: Progress,
) -> _Pool:
    """Rows with an input, each one once, without those that the model was fitted or judged on."""
    readable = readable_rows(model, table, machine, progress)
    usable, inputs = readable.positions, readable.inputs
    keys = row_keys(list(inputs.values()))
    first = np.zeros(len(usable), dtype=bool)
    first[list({key: i for i, key in reversed(list(enumerate(keys)))}.values())] = True
    seen = seen_rows(model, inputs)
    judged = np.asarray([key in judged_on for key in keys], dtype=bool)
    left = first & ~judged
    free = np.flatnonzero(left if seen is None else left & ~seen)
    if not len(free):
        found = f"of {table.n_in:,} rows {len(usable):,} have an input; " + (
            "all of these are duplicates, or were trained or tested on"
            if usable
            else "nothing can be picked"
        )
        raise DataError(faults=[Fault(found, file=table.source.name)])
    return _Pool(
        np.asarray(usable, dtype=np.int64)[free],
        {name: [values[i] for i in free] for name, values in inputs.items()},
        len(usable),
        int((~first).sum()),
        None if seen is None else int((first & seen).sum()),
        int((first & judged).sum()),
    )


def _pick(
    model: Model, pool: _Pool, n: int, seed: int, store: FeatureStore, progress: Progress
) -> list[_Picked]:
    odds = _probabilities(model, pool.inputs, store, progress)
    unsure = doubt(odds)
    short = shortlist(unsure, n)
    with progress.step("choosing rows"):
        features = _features(model, _taken(pool.inputs, short), store, progress)
        order = short[spread(features, unsure[short], n, seed=seed)]
    picked = []
    for place in order.tolist():
        best, second = np.argsort(-odds[place], kind="stable")[:2].tolist()
        labels = (model.classes[best], model.classes[second])
        picked.append(
            _Picked(place, labels, (float(odds[place, best]), float(odds[place, second])))
        )
    return picked


def _probabilities(
    model: Model, inputs: Mapping[str, Sequence[Any]], store: FeatureStore, progress: Progress
) -> np.ndarray:
    """float64 (m, k), chunk by chunk, features kept in the store."""
    m = len(next(iter(inputs.values())))
    chunks = [np.arange(start, min(start + CHUNK_ROWS, m)) for start in range(0, m, CHUNK_ROWS)]
    return np.concatenate(
        [
            model.predict(_taken(inputs, chunk), store=store, progress=progress).probabilities
            for chunk in chunks
        ]
    )


def _features(
    model: Model, inputs: Mapping[str, Sequence[Any]], store: FeatureStore, progress: Progress
) -> Any:
    """The dense blocks of the head side by side; a model without any has its lexical table."""
    blocks = model.blocks(inputs, store=store, progress=progress)
    dense = dense_block(blocks)
    return blocks[0].tocsr() if dense is None else dense


def _taken(inputs: Mapping[str, Sequence[Any]], rows: np.ndarray) -> dict[str, list[Any]]:
    return {name: [values[i] for i in rows.tolist()] for name, values in inputs.items()}


def _row(table: Table, pool: _Pool, one: _Picked) -> dict[str, Any]:
    """What is written of a row; where an input bears one of our names, ours gets a `_`."""
    inputs = {name: values[one.place] for name, values in pool.inputs.items()}

    def own(name: str) -> str:
        return own(name + "_") if name in inputs else name

    best, second = one.odds
    torn = f"torn between {one.labels[0]!s} ({best:.2f}) and {one.labels[1]!s} ({second:.2f})"
    why = torn if best - second <= SURE else f"unlike the other rows picked; {torn}"
    return {
        own("row"): int(table.rows[pool.positions[one.place]]),
        **inputs,
        own("prediction"): one.labels[0],
        own("probability"): round(best, 6),
        own("why"): why,
    }


def _gain_words(gain: Mapping[str, Any] | None, n: int) -> str:
    if gain is None:
        return (
            f"what {n:,} labels should bring is left out: the run's report holds no learning curve "
            "that tells it"
        )
    metric = str(gain["metric"]).replace("_", " ")
    if max(gain["gain"], gain["high"] or 0.0) < 0.0005:  # would be shown as 0.0
        return (
            f"{n:,} labels drawn at random should bring less than 0.1 points of {metric}, by the "
            "run's learning curve; picked ones are meant to bring more"
        )
    told = f"{n:,} labels drawn at random should bring about {100 * gain['gain']:+.1f} points"
    if gain["low"] is not None and gain["high"] is not None:
        told += f" of {metric} ({100 * gain['low']:+.1f} to {100 * gain['high']:+.1f})"
    return told + ", by the run's learning curve; picked ones are meant to bring more"


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with (
        disk_errors("write", path),
        atomic_file(path) as temporary,
        open(temporary, "w", encoding="utf-8", newline="") as stream,
    ):
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
