"""Columns that give the label away, and labels that stand in the input itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graftwork.data.audit import Finding
from graftwork.data.checks.view import View
from graftwork.data.values import codes_of, distinct

__all__ = ["label_in_input", "leaking_columns"]

DETERMINED = (
    0.95  # of the errors that the commonest label makes, a leaking column avoids this share
)
INSIDE = 0.95  # share of rows whose input holds the label's own text
SAMPLE = 20_000  # rows looked at for labels inside inputs, evenly spaced
MIN_ROWS = 20  # below this, columns determine labels by chance


def leaking_columns(view: View) -> Iterator[Finding]:
    """Columns (inputs apart) from whose value alone the label follows, nearly always.

    A column with about a value of its own per row (an id) determines everything and leaks nothing;
    so only columns with fewer values than half the rows are looked at.
    """
    if view.labels is None or len(view.labels) < MIN_ROWS or len(view.label_values) < 2:
        return
    passed = {view.schema.target, view.schema.split}
    for name in view.columns.column_names:
        kind = view.columns.column(name).type
        if name in passed or pa.types.is_nested(kind):
            continue
        try:
            n_values = pc.count_distinct(view.columns.column(name)).as_py()
        except pa.ArrowNotImplementedError:
            continue  # empty columns, and types that cannot be told equal
        if n_values * 2 > len(view.labels):
            continue
        codes, values = codes_of(view.columns.column(name))
        forward = _determined(codes + 1, view.labels)
        if forward < DETERMINED:
            continue
        backward = _determined(view.labels, codes + 1)
        relation = (
            "is the label under another name" if backward >= DETERMINED else "determines the label"
        )
        same = sum(str(value) in {str(label) for label in view.label_values} for value in values)
        used = name in view.schema.inputs
        note = "it is an input" if used else "it is not used as input"
        message = f"column {name!r} {relation} nearly always; {note}"
        yield Finding(
            "leak",
            "warning" if used else "info",
            message,
            count=len(codes),
            field=name,
            data={"determines": forward, "determined": backward, "same_values": same},
        )


def _determined(given: np.ndarray, wanted: np.ndarray) -> float:
    """Share of the majority's errors that knowing `given` avoids (Goodman & Kruskal's lambda)."""
    n, width = len(given), int(wanted.max()) + 1
    majority = int(np.bincount(wanted).max())
    if majority == n:
        return 0.0
    pairs, counts = distinct(given.astype(np.int64) * width + wanted)
    best = np.zeros(int(given.max()) + 1, dtype=np.int64)
    np.maximum.at(best, pairs // width, counts)
    return float((best.sum() - majority) / (n - majority))


def label_in_input(view: View) -> Iterator[Finding]:
    """Inputs that hold their own label's text, where they seldom hold another row's.

    The comparison with another row's label keeps labels such as "a", which stand in every text,
    from being taken for a leak.
    """
    values = view.label_values
    if view.labels is None or len(view.labels) < MIN_ROWS or len(values) < 2:
        return
    if not all(isinstance(label, str) for label in values):
        return
    folded = [label.strip().casefold() for label in values]
    step = max(1, len(view.labels) // SAMPLE)
    index = np.arange(0, len(view.labels), step)
    for name, inputs in view.dataset.inputs.items():
        if not isinstance(inputs[0], str):
            continue
        own = other = 0
        for i in index.tolist():
            text, code = str(inputs[i]).casefold(), int(view.labels[i])
            own += folded[code] in text
            other += folded[(code + 1) % len(folded)] in text
        if own > INSIDE * len(index) and other < 0.5 * own:
            message = f"{own / len(index):.0%} of the inputs hold their own label as text"
            yield Finding(
                "label_in_input",
                "warning",
                message,
                count=own,
                field=name,
                data={"share": own / len(index)},
            )
