"""What every conversion does with foreign tensors: narrow and check them, open what was written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from graftwork.errors import BaseModelError, Fault

__all__ = ["LISTED", "WIDENED", "check_values", "narrowed", "opened"]

LISTED = 1000  # names of what was left out
WIDENED = ("bfloat16", "float64")  # types in the file that become float32

NUMBERS = ("weight", "bias", "running_mean", "running_var")  # last words of names of fractions
SHOWN = 20  # tensors in a message


def check_values(tensors: Mapping[str, np.ndarray], where: str) -> None:
    """Refuse weights that are no finite fractions.

    Whole numbers in their place (of a quantized network, say) mean something else.

    Raises:
        BaseModelError: some are not; the first are named.
    """
    faults = []
    for name, array in tensors.items():
        fraction = array.dtype.kind == "f"
        if not fraction and name.rpartition(".")[2] in NUMBERS:
            message = f"tensor {name!r} is of {array.dtype.name}, which no weights are kept in"
            faults.append(Fault(message, file=where))
        elif fraction and not np.isfinite(array).all():
            faults.append(
                Fault(f"tensor {name!r} holds values that are no numbers (as float32)", file=where)
            )
    if faults:
        more = len(faults) - SHOWN
        shown = [*faults[:SHOWN], *([Fault(f"and {more:,} more")] if more > 0 else [])]
        raise BaseModelError("these weights cannot be used", shown)


def narrowed(array: np.ndarray) -> np.ndarray:
    """Float32 in place of float64; what is too large becomes infinite, and `check_values` tells."""
    with np.errstate(over="ignore"):
        return array.astype(np.float32) if array.dtype == np.float64 else array


def opened(folder: Path) -> dict[str, Any]:
    """What the base says of itself, once opened as any other is."""
    from graftwork.bases import open_base
    from graftwork.runtime.devices import place

    return open_base(str(folder), placement=place("cpu", "float32")).describe()
