"""Words for a terminal: nothing that a user's data holds may steer it."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["plain", "printable"]

# C0 and C1 control characters except tab and line feed, and what turns the reading direction.
_STEERING = dict.fromkeys(
    [*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "�"
)
del _STEERING[0x09], _STEERING[0x0A]


def printable(text: str) -> str:
    """`text` with control characters (escape sequences, bells, …) replaced by �."""
    return text.translate(_STEERING)


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: numbers of numpy, paths and tuples made plain, NaN made null."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    for method in ("to_json", "tolist"):
        if hasattr(value, method):
            return plain(getattr(value, method)())
    return str(value)
