"""What a contestant said, as label codes; what is no label is counted and shown, not guessed at."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np

__all__ = ["Answers", "read_answers"]

SHOWN = 20  # spellings told of each kind
EXACT = 2**53  # whole numbers below it are exact as floats
_AROUND = string.whitespace + string.punctuation


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers to n rows.

    Attributes:
        given: int64 (n,) label codes; k + 1: no answer; k + 2 and on: the first, second, … of
            `outside`.
        outside: answers that are no label, with how often, the most frequent first.
        respelt: among them those that differ from a label in case, space or punctuation alone,
            with that label; they count as wrong unless they were asked to be read as the label.
        read_as: answers that were read as a label, with it (what the caller asked for).
    """

    given: np.ndarray
    outside: dict[str, int]
    respelt: dict[str, str]
    read_as: dict[str, str]
    k: int

    @cached_property
    def codes(self) -> np.ndarray:
        """int64 (n,) label codes; k: an answer that is no label; k + 1: no answer."""
        return np.where(self.given > self.k + 1, self.k, self.given)

    @property
    def empty(self) -> np.ndarray:
        """Bool (n,): rows without an answer."""
        return np.asarray(self.codes == self.k + 1)

    @property
    def n_outside(self) -> int:
        """Rows whose answer is no label."""
        return int((self.codes == self.k).sum())

    @property
    def n_empty(self) -> int:
        """Rows without an answer."""
        return int(self.empty.sum())

    def to_json(self) -> dict[str, Any]:
        """Counts, and the most frequent spellings with the label that they resemble."""
        labels = self.respelt
        shown = list(self.outside.items())[:SHOWN]
        return {
            "outside": self.n_outside,
            "empty": self.n_empty,
            "respelt": sum(self.outside.get(text, 0) for text in labels),
            "spellings": [{"answer": text, "n": n, "label": labels.get(text)} for text, n in shown],
            "read_as": dict(list(self.read_as.items())[:SHOWN]),
        }


def read_answers(
    raw: Sequence[Any],
    labels: Sequence[str],
    *,
    mapping: Mapping[str, str] | None = None,
    spelling: bool = False,
) -> Answers:
    """Turn answers into codes.

    Args:
        raw: n answers as given; None, NaN and blank are none. A number is the label, or the mapped
            answer, that is the same number (1.0 is 1).
        labels: the k labels in code order, as text.
        mapping: answers to be read as a label, exactly as they stand.
        spelling: read an answer as the one label from which it differs in case, space or
            punctuation around it alone.
    """
    known = {label: code for code, label in enumerate(labels)}
    spelt = {*known, *(mapping or {})}
    texts = [None if _is_none(value) else _text(value, spelt) for value in raw]
    counts = Counter(text for text in texts if text is not None and text.strip())
    folded = _folded(labels)
    table: dict[str | None, int] = {text: len(labels) + 1 for text in texts if text not in counts}
    outside: dict[str, int] = {}
    respelt: dict[str, str] = {}
    read_as: dict[str, str] = {}
    for text, n in counts.most_common():
        meant = folded.get(_fold(text))
        if text in known:
            table[text] = known[text]
        elif mapping and text in mapping:
            table[text], read_as[text] = known[mapping[text]], mapping[text]
        elif spelling and meant is not None:
            table[text], read_as[text] = known[meant], meant
        else:
            table[text], outside[text] = len(labels) + 2 + len(outside), n
            if meant is not None:
                respelt[text] = meant
    given = np.fromiter((table[text] for text in texts), dtype=np.int64, count=len(texts))
    return Answers(given, outside, respelt, read_as, len(labels))


def _is_none(value: Any) -> bool:
    """None, NaN, or another thing that is not even equal to itself (pandas.NA)."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA says neither yes nor no
        return True
    except ValueError:  # an array
        return False


def _text(value: Any, spelt: Collection[str]) -> str:
    """An answer's spelling; of a number the one that is known (a column with gaps is float).

    A number that nobody spells is written one way (7.0 as 7), so that it is one answer in columns
    with gaps and without.
    """
    text = str(value)
    if text in spelt or not isinstance(value, Real) or isinstance(value, bool):
        return text
    number = float(value)
    other = str(int(number)) if number.is_integer() else text
    found = next((each for each in (other, str(number)) if each in spelt), None)
    return found or (other if abs(number) < EXACT else text)


def _fold(text: str) -> str:
    return " ".join(text.casefold().replace("_", " ").replace("-", " ").split()).strip(_AROUND)


def _folded(labels: Sequence[str]) -> dict[str, str]:
    """Labels by what is left without case, space and punctuation; ambiguous ones are left out."""
    found: dict[str, list[str]] = {}
    for label in labels:
        found.setdefault(_fold(label), []).append(label)
    return {key: same[0] for key, same in found.items() if len(same) == 1 and key}
