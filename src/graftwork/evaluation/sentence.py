"""The verdict as a sentence for someone who has to decide."""

from __future__ import annotations

import math

from graftwork.evaluation.comparison import Comparison
from graftwork.metrics import METRICS

__all__ = ["sentence"]


_OPENING = {
    "helped": "Transfer helped",
    "hurt": "Transfer hurt",
    "no-difference": "Transfer made no difference",
    "undecidable": "Undecidable with these rows",
}


def _number(value: float, share: bool) -> str:
    """A difference: in points where the metric is a share of rows."""
    if not math.isfinite(value):
        return "unknown"
    text = f"{100 * value:.1f}" if share else f"{value:.3f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")


def _scores(metric: str, best: Comparison, share: bool) -> str:
    if share:
        return (
            f"{100 * best.against:.1f} % of {best.n:,} test rows right, "
            f"against {100 * best.value:.1f} % for {best.title}"
        )
    name = metric.replace("_", " ").replace("-", " ").replace(" f1", "-F1")
    return (
        f"{name} {best.against:.3f} on {best.n:,} test rows, against {best.value:.3f} "
        f"for {best.title}"
    )


def sentence(
    outcome: str, metric: str, best: Comparison | None, margin: float, rows: int | None
) -> str:
    """The verdict in plain words.

    Args:
        outcome: one of the four.
        metric: what was compared.
        best: the deciding comparison; None where there was no control.
        margin: differences inside ± margin count as none.
        rows: rows that would decide, if they can be told.
    """
    if best is None:
        return "Undecidable: there was no control to compare with."
    share = METRICS.get(metric).declaration.facts["unit"] == "share"
    points = " points" if share else ""
    flip = -1 if outcome == "hurt" else 1
    low, high = sorted((flip * best.low, flip * best.high))
    what = {"helped": "gain", "hurt": "loss"}.get(outcome, "difference")
    between = f"95 % interval {_number(low, share)} to {_number(high, share)}"
    own = ", both trained on the same rows" if best.own else ""
    text = (
        f"{_OPENING[outcome]}: {_scores(metric, best, share)}{own}; "
        f"the {what} is {_number(flip * best.gain, share)}{points} ({between})"
    )
    if outcome == "no-difference":
        return f"{text}, inside the margin of ±{_number(margin, share)}{points}."
    if outcome != "undecidable":
        return f"{text}."
    ending = f" About {rows:,} test rows would decide it." if rows else ""
    return f"{text}.{ending}"
