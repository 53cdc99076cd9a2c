"""The ladder: cheapest rung first, and up only where the next one pays, judged out of fold.

A rung is a strategy on some backbones. What chose a rung may not report its gain: every rung's
candidates are chosen on one half of the rows and judged on the other, and the reverse. A costlier
rung is taken where it gains at least `min_gain` and more than one standard error (Breiman et al.
1984, the one-standard-error rule in favour of the cheaper). With a handful of labels no gain could
be seen; there a rung that does better as a rule is taken unless it is shown to be worse.

A rung that trains a network is forecast first, from some measured steps; it is tried, by a pilot
on some of the rows, where that and its refit fit what is left of the budget. Where the best score
so far leaves less than `min_gain` to be gained, the ladder ends.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeGuard

import numpy as np

from graftwork.errors import GraftworkError, TrainingError
from graftwork.evaluation.contender import Contender
from graftwork.evaluation.scores import gain as paired_gain
from graftwork.evaluation.scores import intervals
from graftwork.features.out_of_fold import OutOfFold
from graftwork.metrics import METRICS
from graftwork.planning.budget import Budget, duration_text
from graftwork.stats.interval import z_of
from graftwork.strategies._tuner import Tuner
from graftwork.strategies.strategy import Choice, Job, Strategy

__all__ = ["Climb", "Memory", "Rung", "RungResult", "climb"]


@dataclass(frozen=True)
class Rung:
    """A strategy on some of the job's backbones.

    Attributes:
        name: ``lexical``, ``probe``, ``hybrid``, …
        title: for people.
        strategy: with its parameters.
        backbones: names of the job's backbones that it reads.
        transfers: whether knowledge of a pre-trained base moves in it.
        builds_on: name of the rung that it starts from, if any.
        most_rows: with more it is not tried, unless it is asked for.
        presumed: it is taken unless it is shown to be worse: of strategies that do better as a rule
            where there are too few rows to show it.
    """

    name: str
    title: str
    strategy: Strategy
    backbones: tuple[str, ...]
    transfers: bool = True
    builds_on: str | None = None
    most_rows: int | None = None
    presumed: bool = False


@dataclass(frozen=True, eq=False)
class RungResult:
    """What came of one rung.

    Attributes:
        rung, choice: what was tried and what it chose.
        predicted: int32 (n,) cross-fitted out-of-fold predictions; -1 where none was made.
        score: of these, with interval, as plain values.
        gain: over the best rung before it, with interval and standard error; None for the first.
        taken: whether the ladder stood on it.
        seconds: what it took.
        forecast: seconds by part as foretold, where it was.
    """

    rung: Rung
    choice: Choice
    predicted: np.ndarray
    score: dict[str, float | None]
    gain: dict[str, float | None] | None
    taken: bool
    seconds: float
    reason: str
    forecast: dict[str, float] | None = None

    @property
    def judged(self) -> np.ndarray:
        """Bool (n,): the rows that it was judged on."""
        return np.asarray(self.predicted >= 0)

    def to_json(self) -> dict[str, Any]:
        """A row for the record and the report."""
        return {
            "name": self.rung.name,
            "title": self.rung.title,
            **self.score,
            "gain": self.gain,
            "chosen": False,
            "taken": self.taken,
            "note": self.reason,
            "words": self.choice.words,
            "settings": self.choice.settings,
            "seconds": round(self.seconds, 3),
            "forecast": self.forecast,
            "facts": self.choice.facts,
        }


@dataclass(frozen=True, eq=False)
class Climb:
    """The ladder's end.

    Attributes:
        results: every rung that was tried, in order.
        chosen: the rung that the run keeps.
        transfer: the best rung that transfers; the verdict is told of it.
        reason: why it ended there.
        passed: rungs that were not tried, with the reason.
    """

    results: list[RungResult]
    chosen: RungResult
    transfer: RungResult
    reason: str
    passed: list[dict[str, Any]] = field(default_factory=list)

    def of(self, name: str) -> RungResult | None:
        """The result of a rung by name."""
        return next((result for result in self.results if result.rung.name == name), None)

    def to_json(self) -> list[dict[str, Any]]:
        """Rows for the report, the chosen one marked."""
        rows = [result.to_json() for result in self.results]
        for row, result in zip(rows, self.results, strict=True):
            row["chosen"] = result is self.chosen
        return rows


class Memory(Protocol):
    """Where finished rungs are kept, so that a resumed run does not search again."""

    def recall(self, rung: str) -> tuple[Choice, float] | None:
        """The choice and seconds of a rung that was finished before."""
        ...

    def remember(self, rung: str, choice: Choice, seconds: float) -> None:
        """Keep a finished rung."""
        ...

    def decided(self, rung: str) -> dict[str, Any] | None:
        """What was decided of a rung before, so that nothing is decided twice."""
        ...

    def decide(self, rung: str, decision: dict[str, Any]) -> None:
        """Keep a decision."""
        ...


def climb(
    job: Job,
    rungs: Sequence[Rung],
    *,
    min_gain: float,
    memory: Memory | None = None,
    end_on: str | None = None,
    budget: Budget | None = None,
    refit_rows: int | None = None,
    fresh: np.ndarray | None = None,
    timely: Mapping[str, bool] | None = None,
) -> Climb:
    """Try the rungs in order.

    Args:
        job: with all backbones that the rungs read; only its rows are used.
        rungs: cheapest first; at least one.
        min_gain: smallest gain of the job's metric that a costlier rung must show.
        memory: finished rungs and decisions of an earlier session.
        end_on: a rung that the user asked for by name: it is taken whatever it gains.
        budget: what is left of the time; the first rung is tried in any case.
        refit_rows: rows of the final fit; default: the job's.
        fresh: bool (n,), the rows that rungs may be judged on (what the start of a warm start has
            learnt from flatters it); default: all.
        timely: rungs of which it is known whether there is time for them (a run that is replayed):
            the clock is not asked.
    """
    rows = refit_rows or len(job.rows)
    way = _Ladder(job, min_gain, memory, end_on, budget, rows, fresh, dict(timely or {}))
    for rung in rungs:
        way.try_rung(rung)
    if way.best is None:
        raise ValueError("a ladder needs at least one rung")
    reason = way.best.reason
    if way.best is way.results[0] and len(way.results) > 1 and end_on is None:
        reason = "no costlier rung gained enough"
    if len(way.results) == 1 and way.passed:
        reason = way.passed[0]["reason"]
    return Climb(way.results, way.best, way.transfer or way.best, reason, way.passed)


@dataclass
class _Ladder:
    """A climb on its way."""

    job: Job
    min_gain: float
    memory: Memory | None
    end_on: str | None
    budget: Budget | None
    refit_rows: int
    fresh: np.ndarray | None = None
    timely: dict[str, bool] = field(default_factory=dict)
    results: list[RungResult] = field(default_factory=list)
    passed: list[dict[str, Any]] = field(default_factory=list)
    fitted: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    best: RungResult | None = None
    transfer: RungResult | None = None

    def __post_init__(self) -> None:
        self.halves, self.truth = self.job.halves(), self.job.codes()
        self.k = len(self.job.task.labels)

    def try_rung(self, rung: Rung) -> None:
        decision = self._decision(rung)
        if not decision["go"]:
            self.job.progress.say(f"{rung.title}: not tried: {decision['reason']}")
            self.passed.append({"name": rung.name, "title": rung.title, **decision})
            return
        self.job.progress.say(f"Rung: {rung.title}")
        try:
            choice, seconds = _search(self.job, rung, self.memory)
        except TrainingError as error:  # the rungs below stand
            if rung.name == self.end_on:
                raise
            self.job.progress.say(f"{rung.title}: given up: {error}")
            self.passed.append({"name": rung.name, "title": rung.title, "reason": str(error)})
            return
        first = len(rung.backbones) == 1 and rung.builds_on is None  # others tell of another start
        self.job.shared[rung.backbones[0] if first else rung.name] = choice
        result = self._judged(rung, choice, seconds, decision.get("forecast"))
        self.results.append(result)
        if result.taken:
            self.best = result
        if rung.transfers and self._beats(result):
            self.transfer = result
        self.job.progress.say(_told(result, self.job.metric))

    def _decision(self, rung: Rung) -> dict[str, Any]:
        """Whether to try a rung; kept, so that a resumed run does not decide otherwise."""
        known = self.memory.decided(rung.name) if self.memory is not None else None
        if known is not None:
            return known
        decision = self._decide(rung)
        if self.memory is not None:
            self.memory.decide(rung.name, decision)
        return decision

    def _decide(self, rung: Rung) -> dict[str, Any]:
        if self.best is None:
            return {"go": True, "reason": "the first rung"}
        asked = rung.name == self.end_on
        if rung.most_rows is not None and len(self.job.rows) > rung.most_rows and not asked:
            reason = (
                f"with more than {rung.most_rows:,} rows the upper layers of such a base do as "
                f"well in a fraction of the time; --strategy {rung.name} tunes all"
            )
            return {"go": False, "reason": reason}
        if self.timely.get(rung.name) is False and not asked:
            reason = "the run that is replayed had no time for it"
            return {"go": False, "reason": reason, "clock": True}
        if self._spent(rung, asked):
            return {"go": False, "reason": "the budget is spent", "clock": True}
        backbones = {name: self.job.backbones[name] for name in rung.backbones}
        mine = replace(self.job, backbones=backbones)
        if not _trains(rung.strategy):
            return self._searchable(rung, mine, asked)
        why = rung.strategy.refuses(next(iter(backbones.values())))
        if why is None and not asked and not rung.presumed:  # neither is told by so few rows
            why = self._headroom() or self._too_few(rung.strategy.splits(mine)) or None
        if why is not None and not asked:
            return {"go": False, "reason": why}
        forecast = rung.strategy.forecast(mine, self.refit_rows)
        forecast = {name: round(seconds, 3) for name, seconds in forecast.items()}
        wanted = forecast["pilot"] + forecast["refit"]
        return {**self._affordable(rung, wanted, asked), "forecast": forecast}

    def _spent(self, rung: Rung, asked: bool) -> bool:
        """Whether the budget is, as far as the clock is asked at all."""
        if self.budget is None or asked or rung.name in self.timely:
            return False
        return self.budget.left <= 0

    def _searchable(self, rung: Rung, job: Job, asked: bool) -> dict[str, Any]:
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

    def _affordable(self, rung: Rung, wanted: float, asked: bool) -> dict[str, Any]:
        told = f"about {duration_text(wanted)}"
        if rung.name in self.timely and not asked:
            reason = f"{told}, as the run that is replayed decided"
            return {"go": self.timely[rung.name], "reason": reason, "clock": True}
        if self.budget is None:
            return {"go": True, "reason": told, "clock": True}
        left = self.budget.left
        if wanted > left and not asked:
            reason = f"{told}, and {duration_text(max(left, 0))} are left of the budget"
            return {"go": False, "reason": reason, "clock": True}
        self.job.progress.say(f"Forecast: {told} ({duration_text(max(left, 0))} left)")
        reason = f"{told} of the {duration_text(max(left, 0))} left"
        return {"go": True, "reason": reason, "clock": True}

    def _headroom(self) -> str:
        """Why there is nothing left to gain, or nothing.

        Only a score near its best says so. That a few layers bring nothing says little of all of
        them: where frozen features fall short, the last layers often do too.
        """
        value = None if self.best is None else self.best.score["value"]
        most = METRICS.get(self.job.metric).declaration.facts["range"][1]
        if value is None or most is None or most - value >= self.min_gain:
            return ""
        return f"at {value:.3f} there is less than {_points(self.min_gain)} left to gain"

    def _judged(
        self, rung: Rung, choice: Choice, seconds: float, forecast: dict[str, float] | None
    ) -> RungResult:
        """Cross-fit the rung's choice and compare it with the best so far."""
        found = _out_of_fold(choice)
        rows = _judged_rows(found)
        predicted = _spread(len(self.truth), rows, found.cross_fitted(self.halves[rows]))
        if self.fresh is not None and self.fresh[rows].any():  # a pilot asked for may judge none
            predicted[~self.fresh] = -1
            rows = rows[self.fresh[rows]]
        own = Contender(name=rung.name, title=rung.title, predicted=predicted[rows])
        metric = self.job.metric
        score = intervals((metric,), self.truth[rows], own, self.k, seed=self.job.seed)
        gain, taken, reason = None, True, "the first rung"
        if self.best is not None:
            gain = self._gain(predicted, self._standing(rung, choice, self.best))
            taken = _pays(gain, self.min_gain)
            reason = _reason(gain, taken, self.best, self.min_gain)
            if not taken and self._presumed(rung, self.best) and not _shown_worse(gain):
                taken = True
                reason = _presumption(gain, self.best)
        if self.end_on is not None:
            taken = rung.name == self.end_on or self.best is None
            reason = "asked for" if rung.name == self.end_on else reason
        return RungResult(
            rung, choice, predicted, score[metric].to_json(), gain, taken, seconds, reason, forecast
        )

    @staticmethod
    def _presumed(rung: Rung, best: RungResult) -> bool:
        """Whether the rule that speaks for a rung holds: what it builds on must have stood."""
        return rung.presumed and rung.builds_on in (None, best.rung.name)

    def _standing(self, rung: Rung, choice: Choice, other: RungResult) -> np.ndarray:
        """Predictions of an earlier rung to compare with.

        A pilot learns from some of the rows. What it is compared with must have learnt from the
        very same: the pilot's own start, another pilot, or the rung fitted on them again.
        """
        found = _out_of_fold(choice)
        if found.rows is None or not _trains(rung.strategy) or _trains(other.rung.strategy):
            return other.predicted
        frozen = found.settings[0].get("epochs") == 0
        if other.rung.name == rung.builds_on and frozen and _begins_as(choice, other.choice):
            return _spread(len(self.truth), found.rows, found.predicted[0])
        key = (other.rung.name, rung.name)
        if key not in self.fitted:
            splits = rung.strategy.splits(self.job)
            rows = np.concatenate([judge for _, judge in splits])
            codes = np.concatenate([self._fitted_on(other, *split) for split in splits])
            self.fitted[key] = _spread(len(self.truth), rows, codes)
        return self.fitted[key]

    def _fitted_on(self, other: RungResult, learn: np.ndarray, judge: np.ndarray) -> np.ndarray:
        """Codes of the rows at `judge` by that rung's choice fitted on those at `learn`."""
        job = self.job
        backbones = {name: job.backbones[name] for name in other.rung.backbones}
        small = replace(job, rows=job.rows[learn], folds=job.folds[learn], backbones=backbones)
        model = other.rung.strategy.build(small, other.choice)
        inputs = job.dataset.take(job.rows[judge])
        labels = model.predict(inputs, store=job.store, progress=job.progress).labels
        return np.asarray(job.task.encode(labels), dtype=np.int32)

    def _gain(self, a: np.ndarray, b: np.ndarray) -> dict[str, float | None]:
        """Paired gain on the rows that both predict, with interval and standard error."""
        rows = np.flatnonzero((a >= 0) & (b >= 0))
        if not len(rows):
            return {"value": None, "low": None, "high": None, "error": None}
        found = paired_gain(
            self.job.metric,
            self.truth[rows],
            Contender(name="a", title="a", predicted=a[rows]),
            Contender(name="b", title="b", predicted=b[rows]),
            self.k,
            seed=self.job.seed,
        )
        error = (found.high - found.low) / (2 * z_of(0.95))
        return {**found.to_json(), "error": float(error) if np.isfinite(error) else None}

    def _beats(self, result: RungResult) -> bool:
        """Whether a transfer rung is better than the best transfer rung before it."""
        if self.transfer is None or result.rung.name == self.end_on:
            return True
        if self.transfer.rung.name == self.end_on:
            return False
        if result.taken and self._presumed(result.rung, self.transfer):
            return True
        standing = self._standing(result.rung, result.choice, self.transfer)
        return _pays(self._gain(result.predicted, standing), self.min_gain)


FEW_ROWS = 1000  # a choice among heads on fewer is over before it is worth foretelling
LEAST_JUDGED = 100  # rows; a pilot that is judged by fewer could tell 5 points from none at best


def _begins_as(choice: Choice, probe: Choice) -> bool:
    """Whether a training began from that very head (see `start_settings`)."""
    names = ("readout", "strength", "balanced")
    return all(choice.settings.get(name) == probe.settings.get(name) for name in names)


def _trains(strategy: Strategy) -> TypeGuard[Tuner]:
    return isinstance(strategy, Tuner)


def _search(job: Job, rung: Rung, memory: Memory | None) -> tuple[Choice, float]:
    known = memory.recall(rung.name) if memory is not None else None
    if known is not None:
        return known
    begun = time.perf_counter()
    backbones = {name: job.backbones[name] for name in rung.backbones}
    choice = rung.strategy.search(replace(job, backbones=backbones))
    seconds = time.perf_counter() - begun
    if memory is not None:
        memory.remember(rung.name, choice, seconds)
    return choice, seconds


def _reason(gain: dict[str, float | None], taken: bool, best: RungResult, min_gain: float) -> str:
    if taken:
        return f"gains {_points(gain['value'])} over {best.rung.title}"
    if (gain["value"] or 0) < 0:
        return f"loses {_points(-(gain['value'] or 0))} against {best.rung.title}"
    return (
        f"gains only {_points(gain['value'])} over {best.rung.title}, less than "
        f"{_points(min_gain)} or one standard error ({_points(gain['error'])})"
    )


def _pays(gain: dict[str, float | None], min_gain: float) -> bool:
    value, error = gain["value"], gain["error"]
    return value is not None and error is not None and value >= min_gain and value > error


def _shown_worse(gain: dict[str, float | None]) -> bool:
    return gain["high"] is not None and gain["high"] < 0


def _presumption(gain: dict[str, float | None], best: RungResult) -> str:
    """Why a rung is taken that was not shown to gain."""
    value, error = gain["value"], gain["error"]
    found = "not judged"
    if value is not None and error is not None:
        found = f"{100 * value:+.1f} points, standard error {100 * error:.1f}"
    return (
        f"does better than {best.rung.title} as a rule with so few labels, and is not shown to be "
        f"worse ({found})"
    )


def _out_of_fold(choice: Choice) -> OutOfFold:
    if choice.out_of_fold is None:
        raise ValueError(f"the choice of {choice.strategy} has no out-of-fold predictions")
    return choice.out_of_fold


def _judged_rows(found: OutOfFold) -> np.ndarray:
    """Positions in the job's rows that were judged."""
    return np.arange(len(found.truth)) if found.rows is None else found.rows


def _spread(n: int, rows: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """int32 (n,): the codes where their rows are, -1 where none was predicted."""
    out = np.full(n, -1, dtype=np.int32)
    out[rows] = codes
    return out


def _points(value: float | None) -> str:
    return "an unknown amount" if value is None else f"{100 * value:.1f} points"


def _told(result: RungResult, metric: str) -> str:
    value = result.score["value"]
    score = "" if value is None else f"{metric} {value:.3f} out of fold"
    word = "taken" if result.taken else "not taken"
    return f"{result.rung.title}: {score} ({word}: {result.reason})"
