"""Answers of several as they were given, in numbers that they share: equal answers, equal numbers.

To be right is a question of labels, to agree is not: two that answer past the labels agree only
where they say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graftwork.evaluation.referee.answers import Answers

__all__ = ["Shared", "share_codes"]


@dataclass(frozen=True, eq=False)
class Shared:
    """What several said to the same n rows.

    Attributes:
        codes: int64 (contestants, n); label codes, k: no answer, k + 1 and on: `outside`.
        outside: the answers that are no label, each once.
        k: labels.
    """

    codes: np.ndarray
    outside: tuple[str, ...]
    k: int

    @property
    def size(self) -> int:
        """One more than the largest code there may be."""
        return self.k + 1 + len(self.outside)

    def apart(self) -> np.ndarray:
        """Bool (n,): rows that not all answer alike."""
        return np.asarray((self.codes != self.codes[0]).any(axis=0))


def share_codes(answers: Sequence[Answers], rows: np.ndarray) -> Shared:
    """Number the answers of several alike.

    Args:
        answers: at least one, all read by the same labels.
        rows: int (n,) positions to keep.
    """
    k = answers[0].k
    numbers: dict[str, int] = {}
    codes = []
    for each in answers:
        known = [numbers.setdefault(text, k + 1 + len(numbers)) for text in each.outside]
        # by `Answers.given`: the labels, the code k that it leaves out, no answer, those outside
        table = np.asarray([*range(k), k, k, *known], dtype=np.int64)
        codes.append(table[each.given[rows]])
    return Shared(np.stack(codes), tuple(numbers), k)
