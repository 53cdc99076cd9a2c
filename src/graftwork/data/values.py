"""Missing and blank values of a column, the same way everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["codes_of", "distinct", "is_blank", "is_text", "missing_mask", "to_list"]

# Characters that show nothing but that `str.strip` keeps: zero-width ones, the mark, soft hyphen.
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u3164"


def is_text(column: pa.ChunkedArray) -> bool:
    """Whether the column holds text."""
    return bool(pa.types.is_large_string(column.type) or pa.types.is_string(column.type))


def is_blank(value: Any) -> bool:
    """Whether a value shows nothing: None, NaN, or text of spaces and invisible characters."""
    if value is None:
        return True
    if isinstance(value, str):
        # white space and invisible characters may alternate: strip until neither is left
        return not value.translate(_DROP).strip() if value[:1] <= " " or value[0] > "~" else False
    return isinstance(value, float) and value != value


_DROP = dict.fromkeys(map(ord, INVISIBLE))


def missing_mask(column: pa.ChunkedArray) -> np.ndarray:
    """Bool (n,): the value is null, NaN, or blank text. A text such as "NA" is not missing."""
    mask = np.asarray(pc.is_null(column, nan_is_null=True))
    if is_text(column):
        shows_nothing = pc.match_substring_regex(column, rf"^[\s\pZ{INVISIBLE}]*$")
        mask = mask | np.asarray(pc.fill_null(shows_nothing, True))
    return np.asarray(mask, dtype=bool)


def distinct(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different numbers in order, and how often each stands there.

    Sorting on purpose: `np.unique` hashes since numpy 2.3, which is ten times slower on millions of
    numbers that are mostly different.
    """
    ordered = np.sort(numbers)
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)])
    return ordered[first], np.diff(np.append(first, len(ordered)))


def codes_of(column: pa.ChunkedArray) -> tuple[np.ndarray, list[Any]]:
    """int64 code of each value (order of first appearance; -1: null), and the values."""
    encoded = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(encoded, pa.ChunkedArray):  # several chunks stay where one would be too large
        encoded = pa.concat_arrays(encoded.chunks)
    encoded = encoded.dictionary_encode()
    codes = pc.fill_null(encoded.indices.cast(pa.int64()), -1)
    return np.asarray(codes), encoded.dictionary.to_pylist()


def to_list(column: pa.ChunkedArray) -> list[Any]:
    """The values as Python objects; equal values of a column with few of them share one object."""
    n = len(column)
    if is_text(column) and n > 1000 and len(pc.unique(column.slice(0, 1000))) < 200:
        codes, values = codes_of(column)
        values.append(None)  # code -1
        return [values[code] for code in codes]
    return column.to_pylist()
