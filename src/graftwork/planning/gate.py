"""Whether a rung is tried: is there anything to gain, can it be seen, is there time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graftwork.errors import GraftworkError
from graftwork.planning.budget import Budget, duration_text
from graftwork.planning.gain import missing, points_text, wanted_of_kept
from graftwork.planning.rung import Rung, RungResult, trains
from graftwork.strategies._tuner import Tuner
from graftwork.strategies.strategy import Job

__all__ = ["Gate"]

FEW_ROWS = 1000  # a choice among heads on fewer is over before it is worth foretelling
# Tuning brings a tenth (finance) to a third (SUBJ) of what is missing to the best score. A trial
# whose model would be kept takes most of what is left of the budget: twice the least gain must be
# hoped for.
HOPED, HOPED_GAINS = 0.1, 2
FEWEST_EPOCHS = 2  # of a trial that is kept; with one the rate would fall as soon as it is up
NOISE = 3  # so many times too long may a measurement on a busy machine come out
LEAST_JUDGED = 100  # rows; a pilot that is judged by fewer could tell 5 points from none at best

Decision = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Gate:
    """Decides of each rung before it is tried. Fields: see `climb`."""

    job: Job
    min_gain: float
    end_on: str | None
    budget: Budget | None
    refit_rows: int
    fresh: np.ndarray | None
    timely: Mapping[str, Mapping[str, Any]]

    def decide(self, rung: Rung, best: RungResult | None) -> Decision:
        """Whether to `go` and for what `reason`; whether the `clock` had a say; any `forecast`.

        Where the time is enough for a pilot alone, it may go with its model `kept`.

        Args:
            rung: the next one.
            best: what the ladder stands on; None before the first rung, which is always tried.
        """
        if best is None:
            return {"go": True, "reason": "the first rung"}
        asked = rung.name == self.end_on
        if rung.most_rows is not None and len(self.job.rows) > rung.most_rows and not asked:
            reason = (
                f"with more than {rung.most_rows:,} rows the upper layers of such a base do as "
                f"well in a fraction of the time; --strategy {rung.name} tunes all"
            )
            return {"go": False, "reason": reason}
        if not asked and (late := self._late(rung)):
            return {"go": False, "reason": late, "clock": True}
        job = replace(self.job, backbones={n: self.job.backbones[n] for n in rung.backbones})
        if not trains(rung.strategy):
            return self._searchable(rung, job, asked)
        why = rung.strategy.refuses(next(iter(job.backbones.values())))
        if why is None and not asked and not rung.presumed:  # neither is told by so few rows
            why = self._headroom(best) or self._too_few(rung.strategy.splits(job)) or None
        if why is not None and not asked:
            return {"go": False, "reason": why}
        pending = _pending(best)
        forecast = self._forecast(rung.strategy, job, pending)
        wanted = forecast["pilot"] + max(forecast["refit"], pending)
        share = self.kept_share(rung)
        kept: Mapping[str, Any] = {}
        if rung.name in self.timely:
            kept = self.timely[rung.name] if share is not None else {}
        elif self._hopeful(best, share):
            kept = self._kept(rung.strategy, forecast, pending)
        return {**self._affordable(rung, wanted, asked, kept), "forecast": forecast}

    def kept_share(self, rung: Rung) -> float | None:
        """Share of the final fit's rows that a rung's pilot learns from, if its model may be kept.

        There must be one pilot only, and a folder for its checkpoints: it would be trained again.
        """
        if not trains(rung.strategy) or not rung.strategy.keeps or self.job.folder is None:
            return None
        splits = rung.strategy.splits(self.job)
        return len(splits[0][0]) / self.refit_rows if len(splits) == 1 else None

    def _kept(self, strategy: Tuner, forecast: Mapping[str, float], pending: float) -> Decision:
        """That a pilot may be kept, its `epochs` as many as there is time for; empty: not even few.

        Args:
            strategy: how many it would have with time enough.
            forecast: seconds by part.
            pending: seconds that the best rung so far still needs.
        """
        left = 0.0 if self.budget is None else self.budget.left
        for epochs in range(strategy.epochs, min(FEWEST_EPOCHS, strategy.epochs) - 1, -1):
            spent = forecast["pilot"] - (strategy.epochs - epochs) * forecast["pilot_epoch"]
            if spent + pending <= left:
                return {"kept": True, "epochs": epochs, "seconds": spent}
        return {}

    def _forecast(self, strategy: Tuner, job: Job, pending: float) -> dict[str, float]:
        """Seconds by part; measured again where time falls short by no more than noise may do."""
        told = strategy.forecast(job, self.refit_rows)
        spent = told["pilot"] + max(told["refit"], pending)
        if self.budget is not None and self.budget.left < spent < NOISE * self.budget.left:
            again = strategy.forecast(job, self.refit_rows)
            told = {name: min(told[name], again[name]) for name in told}
        return {name: round(seconds, 3) for name, seconds in told.items()}

    def _late(self, rung: Rung) -> str:
        """Why there is no time for any more, or nothing."""
        if rung.name in self.timely:  # replayed: the clock is not asked
            known = self.timely[rung.name]["go"]
            return "" if known else "the run that is replayed had no time for it"
        return "the budget is spent" if self.budget is not None and self.budget.left <= 0 else ""

    def _searchable(self, rung: Rung, job: Job, asked: bool) -> Decision:
        """Whether there is time to choose a head on frozen features."""
        cheap = {"go": True, "reason": "cheap", "clock": True}
        forecast = getattr(rung.strategy, "forecast_search", None)
        if forecast is None or len(job.rows) < FEW_ROWS:
            return cheap
        try:
            seconds = forecast(job)
            if self.budget is not None and seconds > self.budget.left:
                seconds = min(seconds, forecast(job))  # a busy machine may be far too slow for once
        except GraftworkError:  # of the few rows that are drawn; all of them may do
            return cheap
        told = {"search": round(seconds, 3)}
        return {**self._affordable(rung, seconds, asked), "forecast": told}

    def _too_few(self, splits: Sequence[tuple[np.ndarray, np.ndarray]]) -> str:
        """Why no pilot could be judged on these rows, or nothing."""
        rows = np.concatenate([judge for _, judge in splits])
        judged = len(rows) if self.fresh is None else int(self.fresh[rows].sum())
        if judged >= LEAST_JUDGED:
            return ""
        new = "" if self.fresh is None else " new"
        return f"a pilot could be judged by {judged}{new} rows only, too few to see a gain"

    def _affordable(
        self,
        rung: Rung,
        wanted: float,
        asked: bool,
        trial: Mapping[str, Any] | None = None,
    ) -> Decision:
        """Whether so many seconds are left, or at least those of a pilot that is kept.

        Args:
            rung: the next one.
            wanted: seconds of all of it.
            asked: whether it was asked for by name.
            trial: a pilot that may be kept, as `_kept` gives it; default: none may.
        """
        trial = trial or {}
        kept = {name: trial[name] for name in ("kept", "epochs") if name in trial}
        told = f"about {duration_text(wanted)}"
        if rung.name in self.timely and not asked:  # one that it had no time for is out before
            reason = f"{told}, as the run that is replayed decided"
            return {"go": True, "reason": reason, "clock": True, **kept}
        if self.budget is None:
            return {"go": True, "reason": told, "clock": True}
        left = self.budget.left
        if wanted > left and not asked and kept:
            reason = (
                f"{told}, and {duration_text(left)} are left of the budget: enough for a trial of "
                f"{kept['epochs']} epochs (about {duration_text(trial['seconds'])}), whose own "
                "model is kept if it gains enough"
            )
            self.job.progress.say(f"{rung.title}: {reason}")
            return {"go": True, "reason": reason, "clock": True, **kept}
        if wanted > left and not asked:
            reason = f"{told}, and {duration_text(max(left, 0))} are left of the budget"
            return {"go": False, "reason": reason, "clock": True}
        self.job.progress.say(f"Forecast: {told} ({duration_text(max(left, 0))} left)")
        reason = f"{told} of the {duration_text(max(left, 0))} left"
        return {"go": True, "reason": reason, "clock": True}

    def _hopeful(self, best: RungResult, share: float | None) -> bool:
        """Whether tuning can be hoped to gain what is wanted of a trial that is kept."""
        if share is None:
            return False
        left = missing(best, self.job.metric)
        wanted = wanted_of_kept(best, self.job.metric, HOPED_GAINS * self.min_gain, share)
        return left is None or left * HOPED >= wanted

    def _headroom(self, best: RungResult) -> str:
        """Why there is nothing left to gain, or nothing.

        Only a score near its best says so. That a few layers bring nothing says little of all of
        them: where frozen features fall short, the last layers often do too.
        """
        left, value = missing(best, self.job.metric), best.score["value"]
        if value is None or left is None or left >= self.min_gain:
            return ""
        return f"at {value:.3f} there is less than {points_text(self.min_gain)} left to gain"


def _pending(best: RungResult) -> float:
    """Seconds of the final training that the best rung so far still needs."""
    if not trains(best.rung.strategy) or best.choice.learnt is not None:
        return 0.0
    return (best.forecast or {}).get("refit", 0.0)
