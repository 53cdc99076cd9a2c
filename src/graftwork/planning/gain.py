"""Whether a rung's gain pays, and how that is said.

A gain is paired, as plain values: `value`, `low`, `high` (95 %) and the standard `error`; None
where there was nothing to judge by.
"""

from __future__ import annotations

from graftwork.metrics import METRICS
from graftwork.planning.rung import RungResult

__all__ = [
    "Gain",
    "gain_text",
    "missing",
    "pays",
    "points_text",
    "presumption_text",
    "shown_worse",
    "wanted_of_kept",
]

Gain = dict[str, float | None]
# Errors go with rows to the power of about -.1: heads on the default base's frozen features by the
# last doubling in their runs' learning curves, -.05 (MR), -.08 (AG News) and -.13 (SUBJ).
FALL = 0.1


def gain_text(gain: Gain, taken: bool, best: RungResult, min_gain: float) -> str:
    """Why a rung is taken or not, by its gain over the best one before it."""
    if taken:
        return f"gains {points_text(gain['value'])} over {best.rung.title}"
    if (gain["value"] or 0) < 0:
        return f"loses {points_text(-(gain['value'] or 0))} against {best.rung.title}"
    return (
        f"gains only {points_text(gain['value'])} over {best.rung.title}, less than "
        f"{points_text(min_gain)} or one standard error ({points_text(gain['error'])})"
    )


def pays(gain: Gain, min_gain: float) -> bool:
    """Whether a gain is at least `min_gain` and more than one standard error."""
    value, error = gain["value"], gain["error"]
    return value is not None and error is not None and value >= min_gain and value > error


def missing(rung: RungResult, metric: str) -> float | None:
    """How far a rung's score is from the best there can be; None where that is not known."""
    value, most = rung.score["value"], METRICS.get(metric).declaration.facts["range"][1]
    return None if value is None or most is None else float(most - value)


def wanted_of_kept(best: RungResult, metric: str, min_gain: float, share: float) -> float:
    """Gain that a pilot whose model is kept must show over the best rung.

    It has learnt from fewer rows than that rung's final model will, unless that is a pilot's too.
    By a power law those rows take away some of that rung's errors: a quarter more rows 2 %, twice
    as many 7 %.

    Args:
        best: the rung that stands.
        metric: of its score.
        min_gain: that any rung must show.
        share: of the rows of the final fit that the pilot learns from.
    """
    if best.choice.learnt is not None:
        return min_gain
    return max(min_gain, (1 - share**FALL) * (missing(best, metric) or 0.0))


def shown_worse(gain: Gain) -> bool:
    """Whether the whole interval lies below nothing."""
    return gain["high"] is not None and gain["high"] < 0


def presumption_text(gain: Gain, best: RungResult) -> str:
    """Why a rung is taken that was not shown to gain."""
    value, error = gain["value"], gain["error"]
    found = "not judged"
    if value is not None and error is not None:
        found = f"{100 * value:+.1f} points, standard error {100 * error:.1f}"
    return (
        f"does better than {best.rung.title} as a rule with so few labels, and is not shown to be "
        f"worse ({found})"
    )


def points_text(value: float | None) -> str:
    """A share in points."""
    return "an unknown amount" if value is None else f"{100 * value:.1f} points"
