"""Groups of rows that belong together: duplicates, near-duplicates, values of a group column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from graftwork.data.assemble import Rows
from graftwork.data.keys import unit_hash
from graftwork.data.schema import Schema
from graftwork.data.values import is_blank, to_list

__all__ = ["NEAR_LIMIT", "Duplicates", "column_groups", "find_duplicates"]

NEAR_LIMIT = (
    200_000  # different inputs; above it near-duplicates are searched in a sample this large
)


@dataclass(frozen=True)
class Duplicates:
    """Which rows are the same, or nearly.

    Attributes:
        exact: int64 (n,), one number per different input, from 0 in order of first appearance.
        near: int64 (n,), one number per group of near-duplicates (exact ones included), from 0
            without gaps; None where not searched.
        sample: how many different inputs were searched for near ones, None: all.
    """

    exact: np.ndarray
    near: np.ndarray | None
    sample: int | None = None

    @property
    def groups(self) -> np.ndarray:
        """The widest groups known."""
        return self.exact if self.near is None else self.near


def _numbered(codes: Any) -> tuple[np.ndarray, np.ndarray]:
    """Codes renumbered from 0 in order of first appearance, and where each first stands."""
    numbers = np.asarray(pa.array(codes).dictionary_encode().indices).astype(np.int64)
    before = np.concatenate([[-1], np.maximum.accumulate(numbers)[:-1]])
    return numbers, np.flatnonzero(numbers > before)


def find_duplicates(
    keys: Sequence[str],
    inputs: Sequence[Sequence[Any]],
    near_duplicates: Callable[[Sequence[Any]], np.ndarray] | None,
    limit: int = NEAR_LIMIT,
) -> Duplicates:
    """Exact duplicates by key, and near ones among different inputs.

    With several inputs, rows are near-duplicates where each of their inputs is. Above `limit`
    different inputs, those whose keys have the lowest hashes are searched: the same ones each time.
    """
    if not len(keys):
        none = np.empty(0, dtype=np.int64)
        return Duplicates(none, none if near_duplicates else None)
    exact, first = _numbered(keys)
    if near_duplicates is None:
        return Duplicates(exact, None)
    chosen, sample = np.arange(len(first)), None
    if len(first) > limit:
        lowest = np.argpartition(unit_hash([keys[i] for i in first]), limit)[:limit]
        chosen, sample = np.sort(lowest), limit
    alike = [
        np.asarray(near_duplicates([values[i] for i in first[chosen]]), dtype=np.int64)
        for values in inputs
    ]
    joined = alike[0]
    for other in alike[1:]:
        joined = _numbered(joined * np.int64(other.max() + 1) + other)[0]
    near_of = np.arange(len(first), dtype=np.int64) + int(joined.max()) + 1
    near_of[chosen] = joined
    return Duplicates(exact, _numbered(near_of[exact])[0], sample)


def column_groups(
    rows: Rows, schema: Schema, keys: Sequence[str], twins: Duplicates
) -> tuple[np.ndarray, Sequence[str]]:
    """int64 (n,) groups that stay whole, and what is hashed for each row.

    With a group column its values are the groups, and duplicates are not joined to them: one common
    text ("thanks") would else chain all groups into one. A row without a value is its own group.
    """
    if schema.group is None or not len(keys):
        return twins.groups, keys
    values = to_list(rows.columns.column(schema.group))
    names = [
        f"row:{key}" if is_blank(value) else f"group:{value}"
        for value, key in zip(values, keys, strict=True)
    ]
    codes: dict[str, int] = {}
    return np.asarray([codes.setdefault(name, len(codes)) for name in names], dtype=np.int64), names
