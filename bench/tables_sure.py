"""The tables of calibration and abstention, for `tables.py`."""

from __future__ import annotations

from collections.abc import Callable

from cells import NAMES, Result, reached, table

__all__ = ["SURE"]


def _percent(share: float | None, digits: int = 1) -> str:
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def calibration(found: Result) -> str:
    rows = []
    for name, told in found["sets"].items():
        for rung, facts in told["rungs"].items():
            rows.append(_calibrated(f"{NAMES[name]}, {told['test']:,}", rung, facts))
        if told.get("auto"):
            rung = f"`auto`: {told['auto']['rung']}"
            rows.append(_calibrated(f"{NAMES[name]}, {told['test']:,}", rung, told["auto"]))
    head = ["set, test rows", "rung", "temperature", "ECE before", "ECE after"]
    return table([*head, "a perfectly calibrated model"], rows)


def _calibrated(name: str, rung: str, facts: Result) -> list[str]:
    shown = (f"{facts[key]:.4f}" for key in ("ece_before", "ece_after", "ece_by_chance"))
    return [name, rung, f"{facts['temperature']:.3f}", *shown]


def abstention(found: Result) -> str:
    rows = [
        [
            NAMES[name],
            _percent(case["risk"], 0),
            f"{case['calibration_rows']:,} / {case['rest_rows']:,}",
            f"{case['broken']} of {case['resplits']} (at most {case['limit']})",
            f"{case['broken_of_all']} of {case['resplits']}",
            str(case["nothing_promised"]),
            _percent(case["answered"]),
            f"{_percent(case['error'])} (all rows: {_percent(case['error_of_all'])})",
        ]
        for name, told in found["sets"].items()
        for case in told.values()
        if isinstance(case, dict)
    ]
    head = ["set", "promised", "calibration rows / rest", "broken in the rest (limit for δ = .05)"]
    head += ["broken among all test rows", "nothing promised", "answered"]
    return table([*head, "wrong among these"], rows)


def line_calibration(found: Result) -> list[list[str]]:
    told = f"hybrid: largest {found['worst']:.4f}" if found["worst"] is not None else "–"
    if found.get("worst_auto") is not None:
        told += f"; `auto`: largest {found['worst_auto']:.4f}"
    name = "ECE after temperature, sets with ≥ 1,000 test rows"
    return [[name, "≤ .03", told, reached(found)]]


def line_abstention(found: Result) -> list[list[str]]:
    cases = [
        case for told in found["sets"].values() for case in told.values() if isinstance(case, dict)
    ]
    told = ", ".join(
        f"{case['broken']} of {case['resplits']}"
        f" ({case['resplits'] - case['nothing_promised']} promised)"
        for case in cases
    )
    limit = max((case["limit"] for case in cases), default=0)
    name = "`--guarantee` broken, resplits"
    return [[name, f"at most δ = .05 of them (≤ {limit} by the binomial)", told, reached(found)]]


SURE: dict[str, tuple[Callable[[Result], str], Callable[[Result], list[list[str]]]]] = {
    "calibration": (calibration, line_calibration),
    "abstention": (abstention, line_abstention),
}
