"""The parts: how large they are, what they lack, which groups straddle them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow.compute as pc

from graftwork.data.audit import Finding
from graftwork.data.checks.labels import named
from graftwork.data.checks.view import View
from graftwork.data.dataset import TEST, TRAIN
from graftwork.data.splits import is_part_name
from graftwork.data.values import is_text
from graftwork.data.words import counted

__all__ = ["classes_by_part", "parts", "straddling_groups"]


def parts(view: View) -> Iterator[Finding]:
    """No test part, no training part, or a test part far from the size asked for."""
    yield from _unused_split(view)
    n = len(view.dataset)
    if not n:
        return
    n_test = int(np.count_nonzero(view.dataset.parts == TEST))
    n_train = int(np.count_nonzero(view.dataset.parts == TRAIN))
    if not n_train and view.schema.target is not None:
        yield Finding("no_train", "error", "there is no row to train on", count=n)
    if not n_test and (view.given_split or view.test_size > 0):
        message = "there is no test row: nothing can be proven on rows held back"
        yield Finding("no_test", "warning", message)
    elif not view.given_split and view.test_size > 0:
        share = n_test / n
        # what chance alone does to the share of n rows, three times over
        chance = 3 * (view.test_size * (1 - view.test_size) / n) ** 0.5
        if abs(share - view.test_size) > max(0.25 * view.test_size, chance):
            message = (
                f"the test part is {share:.1%} of the rows, {view.test_size:.1%} was asked for: "
                "groups of duplicates, or of the group or time column, are kept whole"
            )
            yield Finding("test_share", "warning", message, count=n_test, data={"share": share})


def _unused_split(view: View) -> Iterator[Finding]:
    """A column that reads like a split, where the user named none."""
    if view.schema.split is not None:
        return
    for name in view.columns.column_names:
        column = view.columns.column(name)
        if name in view.schema.used or not is_text(column):
            continue
        words = pc.unique(column.slice(0, 1000)).to_pylist()
        if 2 <= len(words) <= 4 and all(is_part_name(word) for word in words):
            message = f"column {name!r} reads like a split; it is not used unless --split names it"
            yield Finding("unused_split", "info", message, field=name)


def classes_by_part(view: View) -> Iterator[Finding]:
    """Classes without a test row, and classes that only stand outside training."""
    if view.labels is None or not np.any(view.dataset.parts == TEST):
        return
    width = len(view.label_values)
    in_test = np.bincount(view.labels[view.dataset.parts == TEST], minlength=width)
    in_train = np.bincount(view.labels[view.dataset.parts == TRAIN], minlength=width)
    for kind, lacking, words in (
        ("no_test_rows", in_test == 0, "no test row"),
        ("no_train_rows", in_train == 0, "no training row and can never be predicted"),
    ):
        codes = np.flatnonzero(lacking)
        if len(codes):
            names = [view.label_values[code] for code in codes]
            count = counted(len(codes), "class has", "classes have")
            message = f"{count} {words}: {named(names)}"
            index = np.flatnonzero(np.isin(view.labels, codes))
            yield view.finding(
                kind,
                "warning",
                message,
                index,
                count=len(codes),
                column=view.schema.target,
                classes=[str(name) for name in names],
            )


def straddling_groups(view: View) -> Iterator[Finding]:
    """Values of the group column on both sides of a split that the user gave."""
    group = view.schema.group
    if group is None or not view.given_split:
        return
    groups, is_test = view.dataset.groups, view.dataset.parts == TEST
    both = np.intersect1d(groups[is_test], groups[~is_test])
    if len(both):
        index = np.flatnonzero(is_test & np.isin(groups, both))
        values = counted(len(both), "value", "values")
        stand = "stands" if len(both) == 1 else "stand"
        rows = counted(len(index), "test row", "test rows")
        message = (
            f"{values} of the group column {group!r} {stand} in the test part and outside it "
            f"({rows}); nothing was moved"
        )
        yield view.finding(
            "group_straddles", "warning", message, index, column=group, groups=len(both)
        )
