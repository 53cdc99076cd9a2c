"""Did transfer help? The rules of evidence, and nothing else.

In this order, with 95 % paired intervals of transfer minus each control and a margin m:

1. *helped*: the lower bound is above 0 against every control;
2. *hurt*: against one control the upper bound is below 0;
3. *no-difference*: the interval against the best control lies inside ±m;
4. *undecidable* with these rows otherwise, with the number of rows that would decide.

All controls must be beaten at once, so no correction for several looks is needed for *helped*: the
chance to say it wrongly is at most that of the one comparison that is really a draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from graftwork.evaluation.comparison import Comparison
from graftwork.evaluation.contender import Contender, Control
from graftwork.evaluation.plain import plain
from graftwork.evaluation.scores import can_score, gain, margin_rows
from graftwork.evaluation.sentence import sentence
from graftwork.metrics.scoring import score
from graftwork.stats.interval import Interval
from graftwork.stats.mcnemar import mcnemar
from graftwork.stats.sample_size import rows_to_decide

__all__ = ["OUTCOMES", "Verdict", "decide", "outcome_of"]

OUTCOMES = ("helped", "hurt", "no-difference", "undecidable")


@dataclass(frozen=True)
class Verdict:
    """The outcome in a word, in figures and in a sentence.

    Attributes:
        outcome: one of `OUTCOMES`.
        gain: against `best_control`; None without any control.
        low: lower bound of the gain's 95 % interval.
        high: upper bound.
        best_control: name of the control that decided: the one hardest to beat.
        sentence: for someone who decides, without jargon.
        per_control: each comparison by the control's name.
        rows_to_decide: rows that would settle it, where it is undecidable and can be told.
        margin: differences inside ± margin count as none.
    """

    outcome: str
    gain: float | None
    low: float | None
    high: float | None
    best_control: str | None
    sentence: str
    per_control: dict[str, Comparison]
    rows_to_decide: int | None
    margin: float

    def to_json(self) -> dict[str, Any]:
        """As `metrics.json` holds it."""
        found: dict[str, Any] = plain(asdict(self))
        return found


def outcome_of(gains: Sequence[Interval], margin: float) -> tuple[str, int | None]:
    """The outcome, and which control decided it, from the paired intervals alone.

    The best control is the one against which the gain is smallest; a *hurt* is told of the
    smallest among those that show it.
    """
    if not gains:
        return "undecidable", None
    best = min(range(len(gains)), key=lambda i: gains[i].value)
    if all(found.low > 0 for found in gains):
        return "helped", best
    worse = [i for i, found in enumerate(gains) if found.high < 0]
    if worse:
        return "hurt", min(worse, key=lambda i: gains[i].value)
    if -margin <= gains[best].low and gains[best].high <= margin:
        return "no-difference", best
    return "undecidable", best


def _compare(
    metric: str, truth: np.ndarray, k: int, transfer: Contender, control: Control, seed: int
) -> Comparison:
    mine = control.opponent(transfer)
    found = gain(metric, truth, mine, control, k, seed=seed)
    known = truth[control.rows()]
    return Comparison(
        name=control.name,
        title=control.title,
        n=len(known),
        value=score(metric, known, control.predicted, k, probabilities=control.probabilities),
        against=score(metric, known, mine.predicted, k, probabilities=mine.probabilities),
        gain=found.value,
        low=found.low,
        high=found.high,
        p_value=mcnemar(*margin_rows(truth, mine, control)),
        own=control.against is not None,
    )


def decide(
    truth: np.ndarray,
    k: int,
    transfer: Contender,
    controls: Sequence[Control],
    *,
    metric: str = "accuracy",
    margin: float = 0.01,
    seed: int = 0,
) -> Verdict:
    """Whether transfer helped, against all controls.

    A control left with no rows, or without the probabilities that the metric needs, cannot speak
    and is left out.

    Args:
        truth: int (n,) codes of the test rows.
        k: number of classes.
        transfer: the best transfer rung (also where a classical model was chosen).
        controls: what it must beat.
        metric: what is compared.
        margin: in the metric's own unit.
        seed: of the resamples.
    """
    compared = [
        _compare(metric, truth, k, transfer, control, seed)
        for control in controls
        if len(control.predicted) and can_score(metric, control)
    ]
    gains = [Interval(c.gain, c.low, c.high) for c in compared]
    outcome, which = outcome_of(gains, margin)
    best = None if which is None else compared[which]
    rows = None
    if outcome == "undecidable" and best is not None and which is not None:
        rows = rows_to_decide(gains[which], best.n, margin)
    return Verdict(
        outcome=outcome,
        gain=best.gain if best else None,
        low=best.low if best else None,
        high=best.high if best else None,
        best_control=best.name if best else None,
        sentence=sentence(outcome, metric, best, margin, rows),
        per_control={c.name: c for c in compared},
        rows_to_decide=rows,
        margin=margin,
    )
