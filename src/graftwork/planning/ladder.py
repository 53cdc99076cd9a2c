"""The ladder: cheapest rung first, and up only where the next one pays, judged out of fold.

A rung is a strategy on some backbones. What chose a rung may not report its gain: every rung's
candidates are chosen on one half of the rows and judged on the other, and the reverse. A costlier
rung is taken where it gains at least `min_gain` and more than one standard error (Breiman et al.
1984, the one-standard-error rule in favour of the cheaper).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from graftwork.evaluation.contender import Contender
from graftwork.evaluation.scores import gain as paired_gain
from graftwork.evaluation.scores import intervals
from graftwork.features.out_of_fold import OutOfFold
from graftwork.stats.interval import z_of
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
    """

    name: str
    title: str
    strategy: Strategy
    backbones: tuple[str, ...]
    transfers: bool = True


@dataclass(frozen=True, eq=False)
class RungResult:
    """What came of one rung.

    Attributes:
        rung, choice: what was tried and what it chose.
        predicted: int32 (n,) cross-fitted out-of-fold predictions.
        score: of these, with interval, as plain values.
        gain: over the best rung before it, with interval and standard error; None for the first.
        taken: whether the ladder stood on it.
        seconds: what it took.
    """

    rung: Rung
    choice: Choice
    predicted: np.ndarray
    score: dict[str, float | None]
    gain: dict[str, float | None] | None
    taken: bool
    seconds: float
    reason: str

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
        }


@dataclass(frozen=True, eq=False)
class Climb:
    """The ladder's end.

    Attributes:
        results: every rung that was tried, in order.
        chosen: the rung that the run keeps.
        transfer: the best rung that transfers; the verdict is told of it.
        reason: why it ended there.
    """

    results: list[RungResult]
    chosen: RungResult
    transfer: RungResult
    reason: str

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


def climb(
    job: Job,
    rungs: Sequence[Rung],
    *,
    min_gain: float,
    memory: Memory | None = None,
    end_on: str | None = None,
) -> Climb:
    """Try the rungs in order.

    Args:
        job: with all backbones that the rungs read; only its rows are used.
        rungs: cheapest first; at least one.
        min_gain: smallest gain of the job's metric that a costlier rung must show.
        memory: finished rungs of an earlier session.
        end_on: a rung that the user asked for by name: it is taken whatever it gains.
    """
    halves = job.halves()
    truth, k = job.codes(), len(job.task.labels)
    results: list[RungResult] = []
    best: RungResult | None = None
    transfer: RungResult | None = None
    for rung in rungs:
        job.progress.say(f"Rung: {rung.title}")
        choice, seconds = _search(job, rung, memory)
        job.shared[rung.backbones[0] if len(rung.backbones) == 1 else rung.name] = choice
        result = _judge(job, rung, choice, seconds, halves, truth, k, best, min_gain, end_on)
        results.append(result)
        if result.taken:
            best = result
        if rung.transfers and _beats(job, truth, k, result, transfer, min_gain, end_on):
            transfer = result
        job.progress.say(_told(result, job.metric))
    if best is None:
        raise ValueError("a ladder needs at least one rung")
    reason = best.reason
    if best is results[0] and len(results) > 1 and end_on is None:
        reason = "no costlier rung gained enough"
    return Climb(results, best, transfer or best, reason)


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


def _judge(
    job: Job,
    rung: Rung,
    choice: Choice,
    seconds: float,
    halves: np.ndarray,
    truth: np.ndarray,
    k: int,
    best: RungResult | None,
    min_gain: float,
    end_on: str | None,
) -> RungResult:
    """Cross-fit the rung's choice and compare it with the best so far."""
    predicted = _out_of_fold(choice).cross_fitted(halves)
    own = Contender(name=rung.name, title=rung.title, predicted=predicted)
    score = intervals((job.metric,), truth, own, k, seed=job.seed)[job.metric].to_json()
    gain, taken, reason = None, True, "the first rung"
    if best is not None:
        gain = _gain(job, truth, k, predicted, best.predicted)
        taken = _pays(gain, min_gain)
        reason = (
            f"gains {_points(gain['value'])} over {best.rung.title}"
            if taken
            else f"gains only {_points(gain['value'])} over {best.rung.title}, less than "
            f"{_points(min_gain)} or one standard error ({_points(gain['error'])})"
        )
    if end_on is not None:
        taken = rung.name == end_on or best is None
        reason = "asked for" if rung.name == end_on else reason
    return RungResult(rung, choice, predicted, score, gain, taken, seconds, reason)


def _beats(
    job: Job,
    truth: np.ndarray,
    k: int,
    result: RungResult,
    transfer: RungResult | None,
    min_gain: float,
    end_on: str | None,
) -> bool:
    """Whether a transfer rung is better than the best transfer rung before it."""
    if transfer is None or result.rung.name == end_on:
        return True
    gain = _gain(job, truth, k, result.predicted, transfer.predicted)
    return _pays(gain, min_gain) and transfer.rung.name != end_on


def _gain(
    job: Job, truth: np.ndarray, k: int, a: np.ndarray, b: np.ndarray
) -> dict[str, float | None]:
    """Paired gain with its interval and standard error."""
    found = paired_gain(
        job.metric,
        truth,
        Contender(name="a", title="a", predicted=a),
        Contender(name="b", title="b", predicted=b),
        k,
        seed=job.seed,
    )
    error = (found.high - found.low) / (2 * z_of(0.95))
    return {**found.to_json(), "error": float(error) if np.isfinite(error) else None}


def _pays(gain: dict[str, float | None], min_gain: float) -> bool:
    value, error = gain["value"], gain["error"]
    return value is not None and error is not None and value >= min_gain and value > error


def _out_of_fold(choice: Choice) -> OutOfFold:
    if choice.out_of_fold is None:
        raise ValueError(f"the choice of {choice.strategy} has no out-of-fold predictions")
    return choice.out_of_fold


def _points(value: float | None) -> str:
    return "an unknown amount" if value is None else f"{100 * value:.1f} points"


def _told(result: RungResult, metric: str) -> str:
    value = result.score["value"]
    score = "" if value is None else f"{metric} {value:.3f} out of fold"
    word = "taken" if result.taken else "not taken"
    return f"{result.rung.title}: {score} ({word}: {result.reason})"
