"""The table of picked rows against rows drawn at random, for `tables.py`."""

from __future__ import annotations

from collections.abc import Callable

from cells import NAMES, Result, gain, reached, table

__all__ = ["SELECT"]


def select_rows(found: Result) -> str:
    rows = []
    for name, told in found["sets"].items():
        labels = [told["start"] + told["step"] * i for i in range(told["rounds"] + 1)]
        picked, drawn = told["accuracy"]["select"], told["accuracy"]["random"]
        needed = told["random_needs"]
        rows.append(
            [
                f"{NAMES[name]}, {told['seeds']} draws",
                f"{labels[0]:,} + {told['rounds']} × {told['step']}",
                *(
                    f"{picked[i]:.3f} / {drawn[i]:.3f}"
                    for i in (1, told["rounds"] // 2, told["rounds"])
                ),
                gain(told["gain"]),
                gain(told["gain_at_the_end"]),
                f"more than {labels[-1]:,}" if needed is None else f"{needed:,.0f}",
            ]
        )
    head = ["set", "labels", "round 1, picked / random", "half way", "at the end"]
    head += ["gain over the rounds (95 %)", "gain at the end (95 %)"]
    return table([*head, "labels that random choice needs for the end"], rows)


def line_select_rows(found: Result) -> list[list[str]]:
    told = "; ".join(
        f"{NAMES[name]} {gain(each['gain'])} points" for name, each in found["sets"].items()
    )
    name = "`select` against rows drawn at random, mean over the rounds"
    return [[name, "lower bound above 0 on both sets", told, reached(found)]]


SELECT: dict[str, tuple[Callable[[Result], str], Callable[[Result], list[list[str]]]]] = {
    "select_rows": (select_rows, line_select_rows),
}
