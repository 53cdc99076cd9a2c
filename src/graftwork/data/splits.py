"""Which part (train, validation, test) a row belongs to.

Without a split of the user's, a hash decides: every row has a number in [0, 1) from BLAKE2b of its
key, and a row is test if and only if the **smallest** number of its duplicate group lies below
`test_size`. Adding rows can only make a group larger, hence its smallest number smaller: rows
added later may move old rows from train to test (as new duplicates of them arrive), but never
from test to train. This holds as long as the near-duplicate search looks at all rows; above its
limit it looks at a sample, and only exact duplicates are then sure to stay together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graftwork.data.dataset import TEST, TRAIN, VALIDATION, Dataset
from graftwork.data.keys import unit_hash
from graftwork.data.times import order_values
from graftwork.errors import DataError, Fault, nearest

__all__ = [
    "PART_DTYPE",
    "SYNONYMS",
    "is_part_name",
    "parts_by_hash",
    "parts_by_time",
    "parts_from_column",
    "seen_test_rows",
]

PART_DTYPE = "<U10"  # the longest name is "validation"
SYNONYMS = {
    TRAIN: ("train", "training", "trn", "fit"),
    VALIDATION: ("validation", "val", "valid", "dev", "development"),
    TEST: ("test", "testing", "tst", "holdout", "hold-out"),
}
_PART_OF = {word: part for part, words in SYNONYMS.items() for word in words}
SHOWN = 20


def is_part_name(word: object) -> bool:
    """Whether a word names a part."""
    return str(word).strip().casefold() in _PART_OF


def parts_from_column(
    values: Sequence[Any], rows: Sequence[int] | np.ndarray, *, field: str, file: str
) -> np.ndarray:
    """Parts as the user's column says them, in any usual word and letter case.

    Raises:
        DataError: values that are no part's name, each with its first row and how many there are.
    """
    wrong: dict[str, tuple[int, int]] = {}
    parts = []
    cache: dict[Any, str | None] = {}
    for row, value in zip(rows, values, strict=True):
        if value not in cache:
            cache[value] = _PART_OF.get(str(value).strip().casefold())
        part = cache[value]
        parts.append(part or TRAIN)
        if part is None:
            first, count = wrong.get(str(value), (int(row), 0))
            wrong[str(value)] = (first, count + 1)
    if wrong:
        raise DataError(_wrong_title(wrong, field), _wrong_faults(wrong, field, file))
    return np.asarray(parts, dtype=PART_DTYPE)


def _wrong_title(wrong: dict[str, tuple[int, int]], field: str) -> str:
    return (
        f"{len(wrong)} values of the split column {field!r} name no part" if len(wrong) > 1 else ""
    )


def _wrong_faults(wrong: dict[str, tuple[int, int]], field: str, file: str) -> list[Fault]:
    faults = []
    for value, (row, count) in list(wrong.items())[:SHOWN]:
        close = nearest(value, SYNONYMS) or nearest(value, _PART_OF)
        times = f" ({count:,} rows)" if count > 1 else ""
        message = (
            f"{value!r} is no part{times}; "
            "allowed are train, validation, test and their usual synonyms"
        )
        faults.append(
            Fault(message, file, row, field, f"did you mean {close!r}?" if close else None)
        )
    return faults


def parts_by_hash(
    keys: Sequence[str], groups: np.ndarray, *, test_size: float, seed: int = 0
) -> np.ndarray:
    """Train and test by hash; groups stay whole (see the module's text).

    Args:
        keys: what is hashed, one per row: the input's key, or the value of the group column.
        groups: int64 (n,), from 0 without gaps.
        test_size: expected share of groups that are test; 0: none.
        seed: salt of the hash: another seed gives another split.
    """
    parts = np.full(len(keys), TRAIN, dtype=PART_DTYPE)
    if not len(keys) or test_size <= 0:
        return parts
    lowest = np.full(int(groups.max()) + 1, np.inf)
    np.minimum.at(lowest, groups, unit_hash(keys, seed))
    parts[lowest[groups] < test_size] = TEST
    return parts


def parts_by_time(
    values: Sequence[Any],
    rows: Sequence[int] | np.ndarray,
    *,
    test_size: float,
    field: str,
    file: str,
) -> np.ndarray:
    """Train on the past, test on the newest `test_size` of rows; rows of one time stay together.

    Raises:
        DataError: values that cannot be ordered by; or all rows are of one time.
    """
    parts = np.full(len(rows), TRAIN, dtype=PART_DTYPE)
    if not len(rows) or test_size <= 0:
        return parts
    order = order_values(values, rows, field=field, file=file)
    times, first = np.unique(np.sort(order), return_index=True)
    if len(times) < 2:
        message = (
            f"all {len(rows)} rows have one time ({values[0]!r}): there is no past to train on"
        )
        raise DataError(faults=[Fault(message, file=file, field=field)])
    shares = 1.0 - first[1:] / len(rows)  # share of rows from each time on; the first stays train
    cut = times[1:][np.argmin(np.abs(shares - test_size))]
    parts[order >= cut] = TEST
    return parts


def seen_test_rows(dataset: Dataset, ids: np.ndarray | None = None) -> np.ndarray:
    """int64 positions of test rows whose group also has rows in another part.

    Args:
        dataset: the rows with their parts.
        ids: int64 (n,) other groups than `dataset.groups`, e.g. exact duplicates alone.
    """
    groups = dataset.groups if ids is None else ids
    is_test = dataset.parts == TEST
    elsewhere = np.zeros(int(groups.max(initial=-1)) + 1, dtype=bool)
    elsewhere[groups[~is_test]] = True
    return np.flatnonzero(is_test & elsewhere[groups])
