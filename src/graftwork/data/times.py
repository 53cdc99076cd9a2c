"""Times that rows can be ordered by: numbers, or ISO 8601 dates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from graftwork.errors import DataError, Fault

__all__ = ["order_values"]

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
SHOWN = 20


def order_values(
    values: Sequence[Any], rows: Sequence[int] | np.ndarray, *, field: str, file: str
) -> np.ndarray:
    """float64 (n,) to order rows by.

    All values must be numbers, or all ISO 8601 dates (``2024-05-01``, ``2024-05-01T12:30:00Z``;
    without a zone they count as UTC). Which of both is meant is what most of them are.

    Raises:
        DataError: values that are missing or neither, with their rows (the first 20 of them).
    """
    numbers = [_number(value) for value in values]
    pairs = zip(numbers, values, strict=True)
    dates = [None if number is not None else _date(value) for number, value in pairs]
    n_dates = sum(found is not None for found in dates)
    wanted, found = (
        ("an ISO date", dates)
        if n_dates > sum(number is not None for number in numbers)
        else ("a number", numbers)
    )
    bad = [i for i, value in enumerate(found) if value is None]
    if bad:
        allowed = (
            "an ISO date (2024-05-01, 2024-05-01T12:30) or a number" if not n_dates else wanted
        )
        faults = [
            Fault(
                f"{values[i]!r} cannot be ordered by; wanted is {allowed}",
                file,
                int(rows[i]),
                field,
            )
            for i in bad[:SHOWN]
        ]
        more = f", the first {SHOWN}" if len(bad) > SHOWN else ""
        raise DataError(
            f"{len(bad)} values of the time column {field!r} cannot be read{more}", faults
        )
    return np.asarray(found, dtype=np.float64)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value) if abs(value) < float("inf") else None
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    return None


def _date(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        return None
    zoned = value if value.tzinfo else value.replace(tzinfo=UTC)
    return (zoned - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
