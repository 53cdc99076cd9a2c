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
from typing import Any

import numpy as np

from graftwork.errors import RunError, TrainingError
from graftwork.evaluation.contender import Contender
from graftwork.evaluation.scores import gain as paired_gain
from graftwork.evaluation.scores import intervals
from graftwork.features.out_of_fold import OutOfFold
from graftwork.planning.budget import Budget
from graftwork.planning.gain import (
    Gain,
    gain_text,
    pays,
    presumption_text,
    shown_worse,
    wanted_of_kept,
)
from graftwork.planning.gate import Gate
from graftwork.planning.memory import Memory
from graftwork.planning.rung import Rung, RungResult, trains
from graftwork.stats.interval import z_of
from graftwork.strategies.strategy import Choice, Job

__all__ = ["Climb", "climb"]


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
    timely: Mapping[str, Mapping[str, Any]] | None = None,
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
        timely: decisions on rungs of which it is known whether there is time for them (a run that
            is replayed): the clock is not asked.
    """
    rows = refit_rows or len(job.rows)
    gate = Gate(job, min_gain, end_on, budget, rows, fresh, timely or {})
    way = _Ladder(job, min_gain, memory, end_on, gate, fresh)
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
    gate: Gate
    fresh: np.ndarray | None
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
        rung = _as_decided(rung, decision)
        self.job.progress.say(f"Rung: {rung.title}")
        try:
            keep = bool(decision.get("kept"))
            choice, seconds = _search(self.job, rung, self.memory, keep)
        except TrainingError as error:  # the rungs below stand
            if rung.name == self.end_on:
                raise
            self.job.progress.say(f"{rung.title}: given up: {error}")
            self.passed.append({"name": rung.name, "title": rung.title, "reason": str(error)})
            return
        first = len(rung.backbones) == 1 and rung.builds_on is None  # others tell of another start
        self.job.shared[rung.backbones[0] if first else rung.name] = choice
        wanted = self._wanted(rung, decision)
        result = self._judged(rung, choice, seconds, wanted, decision.get("forecast"))
        self.results.append(result)
        if result.taken:
            self.best = result
        if rung.transfers and self._beats(result, wanted):
            self.transfer = result
        self.job.progress.say(_told(result, self.job.metric))

    def _decision(self, rung: Rung) -> dict[str, Any]:
        """Whether to try a rung; kept, so that a resumed run does not decide otherwise."""
        known = self.memory.decided(rung.name) if self.memory is not None else None
        if known is not None:
            return known
        decision = self.gate.decide(rung, self.best)
        if self.memory is not None:
            self.memory.decide(rung.name, decision)
        return decision

    def _judged(
        self,
        rung: Rung,
        choice: Choice,
        seconds: float,
        wanted: float,
        forecast: dict[str, float] | None,
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
            taken = pays(gain, wanted)
            reason = gain_text(gain, taken, self.best, wanted)
            if not taken and self._presumed(rung, self.best) and not shown_worse(gain):
                taken = True
                reason = presumption_text(gain, self.best)
            if taken and _as_it_began(rung, choice):
                taken, reason = False, UNTUNED
        if self.end_on is not None:
            taken = rung.name == self.end_on or self.best is None
            if rung.name == self.end_on:
                reason = f"asked for; {UNTUNED}" if _as_it_began(rung, choice) else "asked for"
        return RungResult(
            rung,
            choice,
            predicted,
            score[metric].to_json(),
            gain,
            taken,
            seconds,
            reason,
            forecast,
        )

    def _wanted(self, rung: Rung, decision: Mapping[str, Any]) -> float:
        """The gain that a rung must show."""
        share = self.gate.kept_share(rung) if decision.get("kept") else None
        if self.best is None or share is None:
            return self.min_gain
        return wanted_of_kept(self.best, self.job.metric, self.min_gain, share)

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
        if found.rows is None or not trains(rung.strategy) or trains(other.rung.strategy):
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

    def _gain(self, a: np.ndarray, b: np.ndarray) -> Gain:
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

    def _beats(self, result: RungResult, wanted: float) -> bool:
        """Whether a transfer rung gains so much on the best transfer rung before it."""
        if self.transfer is None or result.rung.name == self.end_on:
            return True
        if self.transfer.rung.name == self.end_on:
            return False
        if result.taken and self._presumed(result.rung, self.transfer):
            return True
        if _as_it_began(result.rung, result.choice):
            return False
        standing = self._standing(result.rung, result.choice, self.transfer)
        return pays(self._gain(result.predicted, standing), wanted)


def _as_decided(rung: Rung, decision: Mapping[str, Any]) -> Rung:
    """The rung with as many epochs as there is time for, where that was decided."""
    if "epochs" not in decision or not trains(rung.strategy):
        return rung
    strategy: Any = replace(rung.strategy, epochs=decision["epochs"])
    return replace(rung, strategy=strategy)


UNTUNED = "nothing is tuned: the pilot went all the way back to the frozen start"


def _as_it_began(rung: Rung, choice: Choice) -> bool:
    """Whether what is kept of a training is its start; the score is of the halves' own choices."""
    return trains(rung.strategy) and choice.settings.get("epochs") == 0


def _begins_as(choice: Choice, probe: Choice) -> bool:
    """Whether a training began from that very head (see `start_settings`)."""
    names = ("readout", "strength", "balanced")
    return all(choice.settings.get(name) == probe.settings.get(name) for name in names)


def _search(job: Job, rung: Rung, memory: Memory | None, keep: bool) -> tuple[Choice, float]:
    known = memory.recall(rung.name) if memory is not None else None
    if known is not None:
        _check_rows(job, rung, known[0])
        return known
    begun = time.perf_counter()
    backbones = {name: job.backbones[name] for name in rung.backbones}
    mine = replace(job, backbones=backbones)
    strategy = rung.strategy
    choice = (
        strategy.search(mine, keep=True) if keep and trains(strategy) else strategy.search(mine)
    )
    seconds = time.perf_counter() - begun
    if memory is not None:
        memory.remember(rung.name, choice, seconds)
    return choice, seconds


def _check_rows(job: Job, rung: Rung, choice: Choice) -> None:
    """Predictions that were kept must be of the rows that are there.

    Raises:
        RunError: another version of this project drew others.
    """
    found = _out_of_fold(choice)
    rows = _judged_rows(found)
    codes = job.codes()
    inside = rows.max(initial=0) < len(codes)
    if not inside or (codes[rows] != found.truth).any():
        raise RunError(
            f"what the run has kept of {rung.title} is of other rows than this version draws; "
            "--overwrite begins anew"
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


def _told(result: RungResult, metric: str) -> str:
    value = result.score["value"]
    where = "out of fold"
    if _out_of_fold(result.choice).rows is not None:  # others than the rungs before it
        rows = "rows of a pilot" if trains(result.rung.strategy) else "rows that are new to it"
        where = f"on {int(result.judged.sum()):,} {rows}"
    score = "" if value is None else f"{metric} {value:.3f} {where}"
    word = "taken" if result.taken else "not taken"
    return f"{result.rung.title}: {score} ({word}: {result.reason})"
