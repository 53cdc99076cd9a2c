"""Whether tensors are weights at all: finite fractions where fractions belong."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graftwork.errors import BaseModelError, Fault

__all__ = ["check_values"]

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
