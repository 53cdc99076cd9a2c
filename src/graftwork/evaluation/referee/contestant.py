"""Who is weighed: a name, answers, and what else is known of where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graftwork.evaluation.contender import Contender
from graftwork.evaluation.referee.answers import Answers

__all__ = ["Contestant", "Price"]


@dataclass(frozen=True)
class Price:
    """What a million rows cost.

    Attributes:
        value: in whatever currency all prices are given in.
        source: ``stated`` by the caller, or ``measured`` here from the time that rows took.
        seconds: of machine time a million rows take, where it was measured.
    """

    value: float
    source: str
    seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"value": self.value, "source": self.source, "seconds": self.seconds}


@dataclass(frozen=True, kw_only=True, eq=False)
class Contestant:
    """Answers to n labelled rows.

    Attributes:
        name: short and unique.
        kind: ``run``, ``column``, ``file`` or ``given``.
        source: where they come from, for people.
        answers: as codes.
        confidence: float (n,) how sure it was of each answer, NaN where it gave none; None: it
            never tells.
        price: of a million rows, where it is known.
        seen: bool (n,) rows that it was trained on; None: not known.
    """

    name: str
    kind: str
    source: str
    answers: Answers
    confidence: np.ndarray | None = None
    price: Price | None = None
    seen: np.ndarray | None = None

    def contender(self, rows: np.ndarray) -> Contender:
        """Its codes at the positions `rows`."""
        return Contender(name=self.name, title=self.name, predicted=self.answers.codes[rows])
