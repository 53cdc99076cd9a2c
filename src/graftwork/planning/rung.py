"""A rung of the ladder, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np

from graftwork.strategies._tuner import Tuner
from graftwork.strategies.strategy import Choice, Strategy

__all__ = ["Rung", "RungResult", "trains"]


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


def trains(strategy: Strategy) -> TypeGuard[Tuner]:
    """Whether a rung's strategy trains a network."""
    return isinstance(strategy, Tuner)
