"""`evaluate`: the same evidence on other labelled data."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.api._calibrate import sure_facts
from graftwork.api._predict import input_columns, open_model, usable_rows
from graftwork.data.keys import row_keys
from graftwork.data.read import read
from graftwork.data.table import Table
from graftwork.data.values import missing_mask, to_list
from graftwork.errors import DataError, Fault, ParameterError, UnknownNameError
from graftwork.evaluation.contamination import seen_in_training
from graftwork.evaluation.contender import Contender, Control
from graftwork.evaluation.controls import widened
from graftwork.evaluation.evidence import prove
from graftwork.evaluation.hardest import NEAREST, Nearest, examples
from graftwork.evaluation.pairs import number_pairs, pairs_with_texts
from graftwork.evaluation.reader import Reader
from graftwork.evaluation.report.render import render
from graftwork.modalities import MODALITIES
from graftwork.model.model import Model
from graftwork.model.neighbours import dense_block
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine
from graftwork.storage.directory import committed
from graftwork.storage.json_files import plain, write_json
from graftwork.storage.outputs import refuse_foreign

__all__ = ["evaluate", "labelled_rows", "seen_rows", "target_of"]

UNKNOWN = "(a label that the model does not know)"
WRITTEN = ("metrics.json", "report.html")


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
    from graftwork.api._domains import evaluate_domains, one_of_a_list, several

    progress = progress or Progress()
    if domain is not None or several(data):
        if slices:
            fault = Fault("cannot be told of several data sets; evaluate each", field="slice")
            raise ParameterError(faults=[fault])
        return evaluate_domains(
            run,
            data,
            domain=domain,
            target=target,
            out=out,
            metric=metric,
            margin=margin,
            seed=seed,
            redact=redact,
            machine=machine,
            progress=progress,
            encoding=encoding,
            delimiter=delimiter,
        )
    data = data[0] if one_of_a_list(data) else data
    if out is not None:
        refuse_foreign(out, needed=WRITTEN, what="an evaluation")
    begun = time.perf_counter()
    table = read(data, encoding=encoding, delimiter=delimiter, progress=progress)
    for note in table.notes:
        progress.say(note)
    model = open_model(run, machine)
    name = target_of(model, target, table)
    columns = input_columns(model, table)
    rows, truth, audit = labelled_rows(model, table, columns, name, progress)
    inputs = {key: [values[i] for i in rows] for key, values in columns.items()}
    texts = {key: [str(value) for value in values] for key, values in inputs.items()}
    found = model.predict(texts, progress=progress)
    unknown = (UNKNOWN,) if (truth >= len(model.classes)).any() else ()
    classes = (*model.classes, *unknown)
    found_odds = widened(found.probabilities, len(classes))
    chosen = Contender(
        name="model", title="the model", predicted=found.codes, probabilities=found_odds
    )
    metrics = prove(
        truth,
        classes,
        chosen=chosen,
        transfer=chosen,
        controls=[_majority(truth, len(classes))],
        metric=metric,
        margin=margin,
        seed=seed,
        task=model.head.task.declaration.name,
        slices=_slices(table, slices, rows),
        contaminated=seen_rows(model, inputs),
        chosen_info={**model.facts, "rungs": []},
        cost={"seconds": round(time.perf_counter() - begun, 3)},
        audit=audit,
    )
    metrics |= sure_facts(model.head, truth, found_odds)
    metrics["evidence"] = "evaluate"
    metrics["verdict"] = _plain_verdict(metrics)
    reader = Reader(
        table.rows[rows],
        lambda i: [values[i] for values in inputs.values()],
        MODALITIES.get(next(iter(model.graph.inputs.values())))(),
        redact,
    )
    html = number_pairs(metrics["confusion"], reader)
    if out is not None:
        told = {
            "examples": examples(chosen, truth, classes, reader, nearest=_nearest(model, inputs)),
            "confusion": pairs_with_texts(metrics["confusion"], html),
        }
        with committed(Path(out)) as temporary:
            write_json(temporary / "metrics.json", plain(metrics))
            render({**metrics, **told}, temporary, redact=redact)
    return metrics


def target_of(model: Model, target: str | None, table: Table) -> str:
    """The label column: the one named, else the run's.

    Raises:
        UnknownNameError: the table has no such column.
    """
    name = target or model.facts.get("target") or next(iter(model.heads))
    if name not in table.names:
        raise UnknownNameError("column", name, table.names, where=table.source.name)
    return str(name)


def labelled_rows(
    model: Model,
    table: Table,
    columns: Mapping[str, Sequence[Any]],
    target: str,
    progress: Progress,
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Positions of usable rows, their label codes, and where the others went."""
    usable, _ = usable_rows(model, table, columns)
    labels = to_list(table.columns.column(target))
    missing = missing_mask(table.columns.column(target))
    codes = _codes(model, [labels[i] for i in usable], missing[usable])
    rows = np.asarray([i for i, code in zip(usable, codes, strict=True) if code >= 0], np.int64)
    truth = np.asarray([code for code in codes if code >= 0], dtype=np.int64)
    k = len(model.classes)
    strange = sorted({str(labels[i]) for i in rows[truth >= k]})
    if not (truth < k).any():
        raise DataError(
            faults=[
                Fault(
                    "no row has an input and a label that the model knows; it knows "
                    + ", ".join(map(str, model.classes[:20])),
                    file=table.source.name,
                    field=target,
                )
            ]
        )
    if strange:
        progress.say(
            f"{int((truth >= k).sum()):,} rows have labels that the model does not know "
            f"({', '.join(strange[:5])}{', …' if len(strange) > 5 else ''}); they count as wrong"
        )
    accounting = {
        "rows_in": table.n_in,
        "used": len(rows),
        "quarantined": table.n_in - len(rows) - int(missing.sum()),
        "dropped": int(missing.sum()),
    }
    audit = {"accounting": accounting, "unknown_labels": strange[:50], "findings": []}
    return rows, truth, audit


def _codes(model: Model, labels: Sequence[Any], missing: np.ndarray) -> list[int]:
    """Label codes: by value, else by spelling, else by spelling without case; -1 where missing.

    All labels that the model does not know share one code behind the known ones.
    """
    known = {label: code for code, label in enumerate(model.classes)}
    spelt = {str(label): code for label, code in known.items()}
    folded: dict[str, list[int]] = {}
    for text, code in spelt.items():
        folded.setdefault(text.casefold().strip(), []).append(code)

    def code_of(label: Any) -> int:
        text = str(label)
        alike = folded.get(text.casefold().strip(), [])
        return known.get(label, spelt.get(text, alike[0] if len(alike) == 1 else len(known)))

    return [-1 if gone else code_of(v) for v, gone in zip(labels, missing, strict=True)]


def _majority(truth: np.ndarray, k: int) -> Control:
    winner = int(np.bincount(truth, minlength=k).argmax())
    return Control(
        name="majority",
        title="Always the most frequent class of these rows",
        predicted=np.full(len(truth), winner, dtype=np.int64),
    )


def _slices(table: Table, names: Sequence[str], rows: np.ndarray) -> dict[str, list[Any]]:
    for name in names:
        if name not in table.names:
            raise UnknownNameError("column", name, table.names, where=table.source.name)
    columns = {name: to_list(table.columns.column(name)) for name in names}
    return {name: [values[i] for i in rows] for name, values in columns.items()}


def seen_rows(model: Model, inputs: Mapping[str, Sequence[Any]]) -> np.ndarray | None:
    """Bool (n,): rows that the model was trained on; None where it keeps no hashes of them."""
    if model.training_keys is None:
        return None
    trained = [key.tobytes().hex() for key in model.training_keys]
    return seen_in_training(trained, row_keys(list(inputs.values())))


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


def _nearest(model: Model, inputs: Mapping[str, Sequence[Any]]) -> Nearest | None:
    """The nearest training rows, where the model keeps them (`keep_neighbours`)."""
    known = model.neighbours
    if known is None:
        return None

    def find(wanted: np.ndarray) -> list[list[dict[str, Any]]]:
        rows = {name: [str(values[i]) for i in wanted] for name, values in inputs.items()}
        block = dense_block(model.blocks(rows))
        return [[] for _ in wanted] if block is None else known.nearest(block, NEAREST)

    return find
