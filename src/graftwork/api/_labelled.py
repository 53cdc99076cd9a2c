"""Labelled rows of a table, as a model sees them: codes, inputs, answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graftwork.api._rows import readable_rows
from graftwork.data.keys import row_keys, unpacked_keys
from graftwork.data.table import Table
from graftwork.data.values import missing_mask, to_list
from graftwork.errors import DataError, Fault, UnknownNameError
from graftwork.evaluation.contamination import seen_in_training
from graftwork.evaluation.contender import Contender
from graftwork.evaluation.controls import widened
from graftwork.model.model import Model
from graftwork.runs.progress import Progress
from graftwork.runs.recipe import Machine

__all__ = ["Labelled", "answered", "contender", "labelled_rows", "seen_rows", "target_of"]


@dataclass(frozen=True, eq=False)
class Labelled:
    """The rows of a table that a model can be judged on.

    Attributes:
        table: where they stand.
        rows: int64 (n,) their positions in it.
        truth: int64 (n,) their label codes; all labels that the model does not know share one code
            behind the known ones.
        inputs: by name of the input the value of each row.
        audit: where all rows of the table went.
    """

    table: Table
    rows: np.ndarray
    truth: np.ndarray
    inputs: dict[str, list[Any]]
    audit: dict[str, Any]

    def column(self, name: str) -> list[Any]:
        """The value of each row in another column.

        Raises:
            UnknownNameError: there is no such column.
        """
        values = to_list(self.table.column(name))
        return [values[i] for i in self.rows]


def target_of(model: Model, target: str | None, table: Table) -> str:
    """The label column: the one named, else the run's.

    Raises:
        UnknownNameError: the table has no such column.
    """
    name = target or model.facts.get("target") or next(iter(model.heads))
    if target is None and name not in table.names:
        name = table.roles.get("target", name)
    if name not in table.names:
        raise UnknownNameError("column", name, table.names, where=table.source.name)
    return str(name)


def labelled_rows(
    model: Model,
    table: Table,
    target: str | None,
    machine: Machine | Mapping[str, Any] | None,
    progress: Progress,
) -> Labelled:
    """The rows that have an input and a label.

    Raises:
        InputError: columns are missing, or no row has a label that the model knows.
    """
    name = target_of(model, target, table)
    readable = readable_rows(model, table, machine, progress)
    usable = readable.positions
    labels = to_list(table.columns.column(name))
    missing = missing_mask(table.columns.column(name))
    codes = _codes(model, [labels[i] for i in usable], missing[usable])
    with_label = [place for place, code in enumerate(codes) if code >= 0]
    rows = np.asarray([usable[place] for place in with_label], np.int64)
    truth = np.asarray([code for code in codes if code >= 0], dtype=np.int64)
    if not (truth < len(model.classes)).any():
        raise _no_labels(model, table, name)
    audit = {
        "accounting": {
            "rows_in": table.n_in,
            "used": len(rows),
            "quarantined": table.n_in - len(rows) - int(missing.sum()),
            "dropped": int(missing.sum()),
        },
        "unknown_labels": _strange(labels, rows, truth >= len(model.classes), progress)[:50],
        "findings": [],
    }
    inputs = {
        name: [values[place] for place in with_label] for name, values in readable.inputs.items()
    }
    return Labelled(table, rows, truth, inputs, audit)


def _no_labels(model: Model, table: Table, target: str) -> DataError:
    known = ", ".join(map(str, model.classes[:20]))
    message = f"no row has an input and a label that the model knows; it knows {known}"
    return DataError(faults=[Fault(message, file=table.source.name, field=target)])


def _strange(
    labels: Sequence[Any], rows: np.ndarray, unknown: np.ndarray, progress: Progress
) -> list[str]:
    """The labels that the model does not know, each once; the user is told of them."""
    strange = sorted({str(labels[i]) for i in rows[unknown]})
    if strange:
        progress.say(
            f"{int(unknown.sum()):,} rows have labels that the model does not know "
            f"({', '.join(strange[:5])}{', …' if len(strange) > 5 else ''}); they count as wrong"
        )
    return strange


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


def contender(predicted: np.ndarray, probabilities: np.ndarray) -> Contender:
    """The model that is evaluated, as it is named in every evaluation."""
    return Contender(
        name="model", title="the model", predicted=predicted, probabilities=probabilities
    )


def answered(model: Model, labelled: Labelled, progress: Progress) -> Contender:
    """What the model says of the rows; an unknown label is a class that it never predicts."""
    told = model.predict(labelled.inputs, progress=progress)
    known = len(model.classes)
    k = known + int((labelled.truth >= known).any())
    return contender(told.codes, widened(told.probabilities, k))


def seen_rows(model: Model, inputs: Mapping[str, Sequence[Any]]) -> np.ndarray | None:
    """Bool (n,): rows that the model was trained on; None where it keeps no hashes of them."""
    if model.training_keys is None:
        return None
    trained = unpacked_keys(model.training_keys)
    return seen_in_training(trained, row_keys(list(inputs.values())))
