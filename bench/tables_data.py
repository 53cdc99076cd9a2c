"""The tables of what is said of the data, for `tables.py`."""

from __future__ import annotations

from collections.abc import Callable

from cells import NAMES, Result, table

__all__ = ["DATA"]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def label_errors(found: Result) -> str:
    rows = []
    for name, told in found["sets"].items():
        first = told["draws"][0]
        rungs = ", ".join(sorted({draw["rung"] for draw in told["draws"]}))
        rows.append(
            [
                NAMES[name],
                f"{first['flipped']:,} of {first['rows_looked_at']:,}",
                f"{sum(d['suspected'] for d in told['draws']) / len(told['draws']):,.0f}",
                _percent(told["precision"]),
                _percent(told["recall"]),
                _percent(told["at_number_flipped"]),
                _percent(told["suggested_right"]),
                f"{rungs} ({told['accuracy']:.3f})",
            ]
        )
    head = ["set", "flipped", "suspected", "precision", "recall"]
    head += ["both, of as many as were flipped", "old label suggested"]
    return table([*head, "best rung (accuracy out of fold, flipped rows included)"], rows)


def line_label_errors(found: Result) -> list[list[str]]:
    told = "; ".join(
        f"{NAMES[name]} {_percent(each['precision'])}, {_percent(each['recall'])}"
        for name, each in found["sets"].items()
    )
    name = f"label errors, {100 * found['share']:.0f} % flipped: precision, recall"
    return [[name, "counted", told, "–"]]


DATA: dict[str, tuple[Callable[[Result], str], Callable[[Result], list[list[str]]]]] = {
    "label_errors": (label_errors, line_label_errors),
}
