"""How much time a run may take, and what is left of it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

from graftwork.errors import ParameterError

__all__ = ["Budget", "duration_text", "parse_budget"]

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_FORM = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smh])")


def parse_budget(text: str) -> float:
    """Seconds of a budget such as ``90s``, ``15m`` or ``1.5h``.

    Raises:
        ParameterError: no unit, a negative number, or no number at all.
    """
    match = _FORM.fullmatch(str(text).strip().lower())
    if match is None or float(match[1]) <= 0:
        raise ParameterError(
            f"budget {text!r}: a number above 0 with its unit is wanted: 90s, 15m or 2h"
        )
    return float(match[1]) * _UNITS[match[2]]


def duration_text(seconds: float) -> str:
    """``42 s``, ``7 min``, ``1.5 h``: as exact as a forecast deserves."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@dataclass
class Budget:
    """A limit on the seconds of a run, over all its sessions.

    Attributes:
        seconds: the limit.
        before: seconds that earlier sessions took.
    """

    seconds: float
    before: float = 0.0
    _begun: float = field(default_factory=time.perf_counter)

    @property
    def spent(self) -> float:
        """Seconds so far."""
        return self.before + time.perf_counter() - self._begun

    @property
    def left(self) -> float:
        """Seconds that are left; negative where it was overdrawn."""
        return self.seconds - self.spent
