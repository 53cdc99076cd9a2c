"""Rows that stand there twice, nearly twice, or twice with different labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from graftwork.data.audit import Finding
from graftwork.data.checks.view import Twins, View
from graftwork.data.dataset import TEST
from graftwork.data.splits import seen_test_rows
from graftwork.data.values import distinct
from graftwork.data.words import counted

__all__ = ["conflicts", "exact_duplicates", "near_duplicates"]

NEARLY = "≈"


def _later_rows(ids: np.ndarray) -> np.ndarray:
    """Positions of the rows whose number stood there before."""
    later = np.ones(len(ids), dtype=bool)
    later[np.unique(ids, return_index=True)[1]] = False
    return np.flatnonzero(later)


def _first_rows(ids: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
    """int64 by number: position of the first of its rows (among some, ascending); -1: none."""
    among = np.arange(len(ids)) if among is None else among
    first = np.full(int(ids.max(initial=-1)) + 1, -1, dtype=np.int64)
    first[ids[among[::-1]]] = among[::-1]  # of several the last that is written stays
    return first


def exact_duplicates(view: View) -> Iterator[Finding]:
    """The same input again, within all rows and across parts."""
    later = _later_rows(view.exact)
    if len(later):
        count = counted(len(later), "row repeats", "rows repeat")
        yield view.finding(
            "exact_duplicates",
            "info",
            f"{count} the input of an earlier row",
            later,
            twins=Twins(_first_rows(view.exact)[view.exact[later]]),
            share=len(later) / len(view.exact),
        )
    yield from _across(
        view, view.exact, "exact", "the same input as a row of training or validation"
    )


def near_duplicates(view: View) -> Iterator[Finding]:
    """Nearly the same input again, exact repeats apart."""
    if view.near is None:
        return
    scope = ""
    if view.near_sample is not None:
        scope = f" (searched in a sample of {view.near_sample:,} different inputs)"
        message = (
            f"near-duplicates were searched in {view.near_sample:,} different inputs, not in all"
        )
        yield Finding("near_sampled", "info", message, count=view.near_sample)
    later = np.setdiff1d(_later_rows(view.near), _later_rows(view.exact), assume_unique=True)
    if len(later):
        count = counted(len(later), "row nearly repeats", "rows nearly repeat")
        yield view.finding(
            "near_duplicates",
            "info",
            f"{count} an earlier row's input{scope}",
            later,
            twins=Twins(_first_rows(view.near)[view.near[later]], NEARLY),
            share=len(later) / len(view.near),
        )
    yield from _across(
        view, view.near, "near", f"nearly the input of a row of training or validation{scope}"
    )


def _across(view: View, ids: np.ndarray, kind: str, words: str) -> Iterator[Finding]:
    """Test rows that training has seen; only in splits of the user's (or by group or time)."""
    seen = seen_test_rows(view.dataset, ids)
    if kind == "near":  # those that are exact repeats are told of already
        seen = np.setdiff1d(seen, seen_test_rows(view.dataset, view.exact), assume_unique=True)
    if len(seen):
        n_test = int(np.count_nonzero(view.dataset.parts == TEST))
        has = "has" if len(seen) == 1 else "have"
        message = f"{len(seen):,} of {n_test:,} test rows {has} {words}; nothing was moved"
        outside = _first_rows(ids, np.flatnonzero(view.dataset.parts != TEST))
        yield view.finding(
            f"{kind}_across_parts",
            "warning",
            message,
            seen,
            twins=Twins(outside[ids[seen]], NEARLY if kind == "near" else "="),
            positions=[int(i) for i in seen],
        )


def conflicts(view: View) -> Iterator[Finding]:
    """The same input with different labels: at most one of them can be predicted."""
    if view.labels is None or not len(view.labels):
        return
    pairs, _ = distinct(view.exact * np.int64(len(view.label_values)) + view.labels)
    inputs, n_labels = distinct(pairs // len(view.label_values))
    index = np.flatnonzero(np.isin(view.exact, inputs[n_labels > 1]))
    if len(index):
        index = index[np.argsort(view.exact[index], kind="stable")]  # equal inputs stand together
        n = int(np.count_nonzero(n_labels > 1))
        count = counted(n, "input has", "inputs have")
        message = f"{count} different labels in different rows ({len(index):,} rows)"
        first = _first_rows(view.exact)[view.exact[index]]
        yield view.finding(
            "label_conflicts",
            "warning",
            message,
            index,
            twins=Twins(np.where(first == index, -1, first)),
            inputs=n,
            labels=[str(view.label_values[view.labels[i]]) for i in index[:20]],
        )
