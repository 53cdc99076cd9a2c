"""Labels: none, one class, rare classes, and spellings of what may be one label."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from graftwork.data.audit import Finding
from graftwork.data.checks.view import View
from graftwork.data.words import counted

__all__ = ["RARE", "classes", "named", "spellings", "too_few"]

RARE = 8  # with fewer rows than this a class has hardly one test row in five
SHOWN = 10


def named(labels: list[object]) -> str:
    """The first labels, for a message."""
    more = f", … ({len(labels)} in all)" if len(labels) > SHOWN else ""
    return ", ".join(repr(label) for label in labels[:SHOWN]) + more


def too_few(view: View) -> Iterator[Finding]:
    """Errors: no usable row, no label at all, or only one class."""
    n_in = sum(table.n_in for table in view.tables)
    reasons = [row.reason for row in view.set_aside]
    target = view.schema.target
    if not len(view.dataset):
        blank = reasons.count("missing_label")
        if target is not None and blank:
            missing = counted(n_in, "label is missing", "labels are missing")
            message = f"no row with an input has a label ({blank:,} of {missing})"
            yield Finding("no_labels", "error", message, count=blank, field=target)
        else:
            rows = counted(n_in, "row", "rows")
            message = f"not one of {rows} can be used: all inputs are blank or rows faulty"
            yield Finding("no_rows", "error", message, count=n_in, field=view.schema.inputs[0])
    elif target is not None and len(view.label_values) == 1:
        label = view.label_values[0]
        n = len(view.dataset)
        labels = "the only label is" if n == 1 else f"all {n:,} labels are"
        message = f"{labels} {label!r}; two classes at least are wanted"
        yield Finding("one_class", "error", message, count=len(view.dataset), field=target)


def spellings(view: View) -> Iterator[Finding]:
    """Labels that differ only in letter case or white space; they are kept apart as they are."""
    if view.labels is None:
        return
    alike: dict[str, list[int]] = {}
    for code, label in enumerate(view.label_values):
        if isinstance(label, str):
            alike.setdefault(" ".join(label.split()).casefold(), []).append(code)
    counts = np.bincount(view.labels, minlength=len(view.label_values))
    for codes in alike.values():
        if len(codes) > 1:
            codes.sort(key=lambda code: -counts[code])
            spelt = {str(view.label_values[code]): int(counts[code]) for code in codes}
            shown = ", ".join(
                f"{label!r} ({counted(n, 'row', 'rows')})" for label, n in spelt.items()
            )
            message = f"labels differ only in case or space and count as different: {shown}"
            index = np.flatnonzero(np.isin(view.labels, codes[1:]))
            yield view.finding(
                "label_spelling",
                "warning",
                message,
                index,
                column=view.schema.target,
                spellings=spelt,
            )


def classes(view: View) -> Iterator[Finding]:
    """Classes with few rows, with one row; a target that hardly repeats."""
    if view.labels is None or not len(view.dataset):
        return
    counts = np.bincount(view.labels, minlength=len(view.label_values))
    target = view.schema.target
    if len(counts) > 50 and len(counts) > 0.5 * len(view.labels):
        message = (
            f"column {target!r} has {len(counts):,} different values in {len(view.labels):,} rows: "
            "is it a label?"
        )
        yield Finding("many_classes", "warning", message, count=len(counts), field=target)
        return
    single = np.flatnonzero(counts == 1)
    rare = np.flatnonzero((counts > 1) & (counts < RARE))
    for kind, codes, words in (
        ("single_row_class", single, "one row only"),
        ("rare_class", rare, f"fewer than {RARE} rows"),
    ):
        if len(codes):
            names = [view.label_values[code] for code in codes]
            count = counted(len(codes), "class has", "classes have")
            message = f"{count} {words}: {named(names)}"
            index = np.flatnonzero(np.isin(view.labels, codes))
            sizes = {str(name): int(counts[code]) for name, code in zip(names, codes, strict=True)}
            yield view.finding(
                kind, "warning", message, index, count=len(codes), column=target, classes=sizes
            )
