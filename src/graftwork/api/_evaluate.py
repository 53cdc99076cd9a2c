"""`evaluate`: the same evidence on other labelled data."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._calibrate import sure_facts
from graftwork.api._domains import evaluate_domains, one_of_a_list, several
from graftwork.api._labelled import Labelled, answered, labelled_rows, seen_rows
from graftwork.api._predict import open_model
from graftwork.api._terms import Terms
from graftwork.errors import Fault, ParameterError
from graftwork.evaluation.contender import Contender, Control
from graftwork.evaluation.evidence import prove
from graftwork.evaluation.hardest import NEAREST, Nearest, examples
from graftwork.evaluation.pairs import number_pairs, pairs_with_texts
from graftwork.evaluation.reader import Reader
from graftwork.modalities import MODALITIES
from graftwork.model.model import Model
from graftwork.model.neighbours import dense_block
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine
from graftwork.storage.json_files import plain

__all__ = ["evaluate"]

UNKNOWN = "(a label that the model does not know)"


def evaluate(
    run: str | Path | Any,
    data: Any,
    *,
    target: str | None = None,
    slices: Sequence[str] = (),
    domain: str | None = None,
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
    """Score a model on labelled rows that may come from anywhere.

    Rows that the model was trained on are flagged, and scores are given with and without them. The
    control here is the majority class of the rows; a verdict on transfer belongs to `fit`, which
    has the controls that it needs.

    Args:
        run: a run or model directory, a `Run` or a `Model`.
        data: labelled rows; several data sets (a list of paths, DataFrames or Arrow tables) give a
            matrix, a row for each, against the run's own test score.
        target: label column; default: the one that the model was fitted to.
        slices: columns to report by.
        domain: column whose values are compared as if each were a data set.
        out: folder for `metrics.json` and `report.html`; new, empty, or of an earlier evaluation.
        metric: that the report opens with.
        margin: differences inside ± margin count as none.
        seed: of the resamples.
        redact: leave texts out of the report.
        machine: device and threads.
        progress: shown to the user.
        encoding: of a text file; found and said when left out.
        delimiter: of a CSV or TSV file; found and said when left out.

    Returns:
        the content of `metrics.json`; for several data sets see `evaluate_domains`.

    Raises:
        InputError: columns are missing, no labels, or labels that the model does not know in all
            rows.
        RunError: `out` holds other things, which would be lost.
    """
    terms = Terms(
        target=target, out=out, metric=metric, margin=margin, seed=seed, redact=redact,
        machine=machine, progress=progress or Progress(), encoding=encoding, delimiter=delimiter,
    )  # fmt: skip
    if domain is None and not several(data):
        return _evaluate_one(run, data[0] if one_of_a_list(data) else data, slices, terms)
    if slices:
        fault = Fault("cannot be told of several data sets; evaluate each", field="slice")
        raise ParameterError(faults=[fault])
    return evaluate_domains(run, data, terms, domain)


@dataclass(frozen=True, eq=False)
class _Judged:
    """Labelled rows, and what a model says of them."""

    model: Model
    labelled: Labelled
    chosen: Contender

    @property
    def classes(self) -> tuple[Any, ...]:
        """The model's, and one for all labels that it does not know where there are such rows."""
        known = self.model.classes
        return (*known, UNKNOWN) if (self.labelled.truth >= len(known)).any() else known

    def majority(self) -> Control:
        truth, k = self.labelled.truth, len(self.classes)
        winner = int(np.bincount(truth, minlength=k).argmax())
        return Control(
            name="majority",
            title="Always the most frequent class of these rows",
            predicted=np.full(len(truth), winner, dtype=np.int64),
        )

    def reader(self, redact: bool) -> Reader:
        inputs = self.labelled.inputs
        return Reader(
            self.labelled.table.rows[self.labelled.rows],
            lambda i: [values[i] for values in inputs.values()],
            MODALITIES.get(next(iter(self.model.graph.inputs.values())))(),
            redact,
        )


def _evaluate_one(run: Any, data: Any, slices: Sequence[str], terms: Terms) -> dict[str, Any]:
    """Judge the rows of one data set, and write what was found where that is wanted."""
    terms.check_out()
    begun = time.perf_counter()
    table = terms.read(data)
    for note in table.notes:
        terms.progress.say(note)
    model = open_model(run, terms.machine)
    labelled = labelled_rows(model, table, terms.target, terms.machine, terms.progress)
    judged = _Judged(model, labelled, answered(model, labelled, terms.progress))
    metrics = _metrics(judged, slices, terms, begun)
    reader = judged.reader(terms.redact)
    html = number_pairs(metrics["confusion"], reader)
    if terms.out is not None:
        told = {
            "examples": _examples(judged, reader),
            "confusion": pairs_with_texts(metrics["confusion"], html),
        }
        terms.write(plain(metrics), {**metrics, **told})
    return metrics


def _metrics(judged: _Judged, slices: Sequence[str], terms: Terms, begun: float) -> dict[str, Any]:
    """The content of `metrics.json`; the pairs of its confusion have no line numbers yet."""
    model, labelled, chosen = judged.model, judged.labelled, judged.chosen
    metrics = prove(
        labelled.truth,
        judged.classes,
        chosen=chosen,
        transfer=chosen,
        controls=[judged.majority()],
        metric=terms.metric,
        margin=terms.margin,
        seed=terms.seed,
        task=model.head.task.declaration.name,
        slices=_slices(labelled, slices),
        contaminated=seen_rows(model, labelled.inputs),
        chosen_info={**model.facts, "rungs": []},
        cost={"seconds": round(time.perf_counter() - begun, 3)},
        audit=labelled.audit,
    )
    metrics |= sure_facts(model.head, labelled.truth, chosen.probabilities)
    metrics["evidence"] = "evaluate"
    metrics["verdict"] = _plain_verdict(metrics)
    return metrics


def _slices(labelled: Labelled, names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: labelled.column(name) for name in names}


def _plain_verdict(metrics: dict[str, Any]) -> dict[str, Any]:
    """No verdict on transfer here, only the score in words."""
    score = metrics["test"][metrics["metric"]]
    low, high = score.get("low"), score.get("high")
    sentence = (
        f"{metrics['metric']} {score['value']:.3f} on {metrics['n_test']:,} rows "
        f"(95 % interval {low:.3f} to {high:.3f}); always the most frequent class: "
        f"{metrics['controls']['majority'][metrics['metric']]['value']:.3f}."
    )
    checked = metrics.get("contamination") or {}
    if checked.get("flagged"):
        sentence += f" {checked['flagged']:,} of these rows were in the training data."
    sentence += _answered(metrics)
    return {**metrics["verdict"], "outcome": "not judged", "sentence": sentence}


def _answered(metrics: dict[str, Any]) -> str:
    """What came of the model's guarantee on these rows, or nothing."""
    promise = (metrics.get("abstention") or {}).get("guarantee") or {}
    found = promise.get("observed")
    if not found or not found["n"]:
        return ""
    error = found["error"]
    return (
        f" Of the {found['n']:,} rows that it answers with --guarantee {promise['risk']:g}, "
        f"{100 * error['value']:.1f} % are wrong "
        f"({100 * error['low']:.1f} to {100 * error['high']:.1f} %)."
    )


def _examples(judged: _Judged, reader: Reader) -> list[dict[str, Any]]:
    """The hardest rows, each with its nearest training rows where the model keeps them."""
    truth, inputs = judged.labelled.truth, judged.labelled.inputs
    nearest = _nearest(judged.model, inputs)
    return examples(judged.chosen, truth, judged.classes, reader, nearest=nearest)


def _nearest(model: Model, inputs: Mapping[str, Sequence[Any]]) -> Nearest | None:
    """The nearest training rows, where the model keeps them (`keep_neighbours`)."""
    known = model.neighbours
    if known is None:
        return None

    def find(wanted: np.ndarray) -> list[list[dict[str, Any]]]:
        rows = {name: [values[i] for i in wanted] for name, values in inputs.items()}
        block = dense_block(model.blocks(rows))
        return [[] for _ in wanted] if block is None else known.nearest(block, NEAREST)

    return find
