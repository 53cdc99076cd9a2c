"""What the evidence says of the data: label errors, learning curve, and the rows worth reading."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._judged import Judged
from graftwork.api._open import Opened
from graftwork.evaluation.contender import Contender
from graftwork.evaluation.hardest import NEAREST, Nearest, examples
from graftwork.evaluation.label_errors import Suspects, label_errors
from graftwork.evaluation.learning_curve import learning_curve
from graftwork.evaluation.pairs import number_pairs, pairs_with_texts
from graftwork.evaluation.reader import Reader
from graftwork.features.out_of_fold import OutOfFold
from graftwork.features.readout import Readout
from graftwork.model.neighbours import Neighbours
from graftwork.planning.ladder import Climb
from graftwork.planning.rung import RungResult
from graftwork.strategies._linear import Blocks, is_sparse
from graftwork.strategies.strategy import Job

__all__ = ["FIRST", "Reading", "read_data", "with_texts", "write_label_errors"]

FIRST = 20  # suspects in report and metrics.json; `report/label_errors.csv` has them all


@dataclass(frozen=True, eq=False)
class Reading:
    """What was found in the data.

    Attributes:
        metrics: parts of `metrics.json`; no texts.
        examples: the hardest judged rows, with texts, for the report.
        suspects: every suspected label error: row, label, suggested, score.
        html: texts of rows that the metrics name: by name of the part, in the order of its rows.
    """

    metrics: dict[str, Any]
    examples: list[dict[str, Any]] = field(default_factory=list)
    suspects: list[dict[str, Any]] = field(default_factory=list)
    html: dict[str, list[str | None]] = field(default_factory=dict)


def read_data(
    job: Job,
    search: Job,
    opened: Opened,
    ladder: Climb,
    judged: Judged,
    chosen: Contender,
    confusion: dict[str, Any],
) -> Reading:
    """Find label errors, measure the learning curve, and gather the rows to read.

    Args:
        job: all labelled rows that are not test.
        search: the rows that choices were made on, with their out-of-fold probabilities.
        opened: modality and recipe.
        ladder: the rungs.
        judged: the rows that it is judged on.
        chosen: the model kept, on the judged rows.
        confusion: as `evaluation.per_class.confusion` gives it; its examples become line numbers.
    """
    own = _reader(opened, job, judged.positions)
    best, probe = _best_convex(ladder, search.codes()), _readable(ladder)
    if judged.among is not None and best is not None:  # no test part: out of fold
        odds = _out_of_fold(best).best_probabilities[judged.among]
        chosen = replace(chosen, predicted=odds.argmax(axis=1), probabilities=odds)
    nearest = None if probe is None else _nearest(search, probe, judged.positions)
    reading = Reading(
        {
            "label_errors": None,
            "learning_curve": None if probe is None else _curve(search, probe, len(job.rows)),
        },
        examples(chosen, judged.truth, judged.labels, own, nearest=nearest),
        html={"pairs": number_pairs(confusion, own)},
    )
    if best is not None:
        _look_at_labels(reading, best, search, _reader(opened, search, search.rows))
    return reading


def _reader(opened: Opened, job: Job, positions: np.ndarray) -> Reader:
    """Shows the dataset's rows at `positions`."""
    columns = job.dataset.inputs.values()
    return Reader(
        job.dataset.rows[positions],
        lambda i: [column[positions[i]] for column in columns],
        opened.modality,
        opened.recipe.redact,
    )


def _look_at_labels(reading: Reading, best: RungResult, search: Job, reader: Reader) -> None:
    """Put the suspected label errors into `reading`."""
    found = label_errors(search.codes(), _out_of_fold(best).best_probabilities)
    reading.suspects.extend(_named(found, reader, search.task.labels))
    reading.html["label_errors"] = [reader.html(i) for i in found.index[:FIRST].tolist()]
    reading.metrics["label_errors"] = {
        "suspected": len(found),
        "rows_looked_at": found.looked_at,
        "many": found.many,
        "by": best.rung.title,
        "first": reading.suspects[:FIRST],
    }


def with_texts(metrics: dict[str, Any], reading: Reading) -> dict[str, Any]:
    """The parts of the metrics that name rows, with the rows' texts, for the report alone."""
    told: dict[str, Any] = {
        "examples": reading.examples,
        "confusion": pairs_with_texts(metrics["confusion"], reading.html["pairs"]),
    }
    errors = metrics.get("label_errors")
    if errors:
        shown = zip(errors["first"], reading.html["label_errors"], strict=True)
        told["label_errors"] = {
            **errors,
            "first": [{**row, "html": html} for row, html in shown],
        }
    return told


def write_label_errors(path: Path, reading: Reading) -> None:
    """All suspects as CSV: row, label, suggested, score; the most suspect first."""
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["row", "label", "suggested", "score"])
        for found in reading.suspects:
            writer.writerow(
                [found["row"], found["label"], found["suggested"], f"{found['score']:.6f}"]
            )


def _named(found: Suspects, reader: Reader, labels: Sequence[Any]) -> list[dict[str, Any]]:
    columns = zip(found.index, found.given, found.suggested, found.scores, strict=True)
    return [
        {
            "row": reader.number(i),
            "label": labels[given],
            "suggested": labels[suggested],
            "score": float(score),
        }
        for i, given, suggested, score in columns
    ]


def _best_convex(ladder: Climb, codes: np.ndarray) -> RungResult | None:
    """The rung with the best score of those that have out-of-fold probabilities of all rows."""
    able = [
        result
        for result in ladder.results
        if (found := result.choice.out_of_fold) is not None
        and len(found.best_probabilities) == len(codes)
        and np.array_equal(found.truth, codes)
    ]
    return max(able, key=lambda result: result.score["value"] or 0.0) if able else None


def _out_of_fold(result: RungResult) -> OutOfFold:
    found = result.choice.out_of_fold
    if found is None:
        raise ValueError(f"{result.rung.name} has no out-of-fold predictions")
    return found


def _readable(ladder: Climb) -> RungResult | None:
    """The rung whose features are there at once: the probe, else the one without transfer."""
    able = [r for r in ladder.results if r.choice.strategy == "probe"]
    return max(able, key=lambda r: r.rung.transfers) if able else None


def _sources(job: Job, rung: RungResult) -> list[Any]:
    settings = rung.choice.settings
    name = settings["backbone"]
    if is_sparse(job.backbones[name]):
        return [*Blocks.sparse(job, name).sparse_sources(job, name)]
    readout = Readout.from_json(settings["readout"])
    return [*Blocks.dense(job, name).dense_sources(name, readout)]


def _curve(search: Job, rung: RungResult, rows: int) -> dict[str, Any]:
    settings = rung.choice.settings
    curve = learning_curve(
        _sources(search, rung),
        search.codes(),
        search.folds,
        search.task,
        search.metric,
        strength=settings["strength"],
        balanced=settings["balanced"],
        rows=rows,
        seed=search.seed,
        progress=search.progress,
    )
    return {**curve.to_json(), "of": rung.rung.title}


def _nearest(search: Job, rung: RungResult, judged: np.ndarray) -> Nearest | None:
    """The nearest of the rows that choices were made on, by cosine of the probe's features."""
    if is_sparse(search.backbones[rung.choice.settings["backbone"]]):
        return None
    rows = np.arange(len(search.rows))

    def find(wanted: np.ndarray) -> list[list[dict[str, Any]]]:
        fitted = [source.fit(rows) for source in _sources(search, rung)]
        queries = _sources(replace(search, rows=judged[wanted]), rung)
        block = np.concatenate([each.block(rows) for each in fitted], axis=1)
        asked = [
            each.readout.apply(query.raw()) for each, query in zip(fitted, queries, strict=True)
        ]
        known = Neighbours.of(
            block,
            search.rows,  # positions, so that a row is not its own neighbour
            search.dataset.labels(search.rows),
            search.dataset.take(search.rows),
        )
        found = known.nearest(np.concatenate(asked, axis=1), NEAREST + 1)
        numbers = search.dataset.rows
        return [
            [
                {**near, "row": int(numbers[near["row"]])}
                for near in each
                if near["row"] != judged[i]
            ][:NEAREST]
            for i, each in zip(wanted.tolist(), found, strict=True)
        ]

    return find
