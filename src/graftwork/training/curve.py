"""What a training showed, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Curve", "told_of"]

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 16  # bars


@dataclass
class Curve:
    """Losses and scores over the epochs of one training.

    Attributes:
        losses: mean training loss of each epoch.
        scores: what `after_epoch` gave, one entry an epoch.
        seconds: of each epoch, evaluation apart; of all sessions.
        steps: optimizer steps in all.
    """

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    steps: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "losses": [round(x, 6) for x in self.losses],
            "scores": self.scores,
            "seconds": [round(x, 3) for x in self.seconds],
            "steps": self.steps,
        }


def told_of(curve: Curve, losses: Sequence[float]) -> str:
    """How a training goes, in a line: its loss so far as bars, the last of it, the last score.

    Args:
        curve: of the epochs that are done.
        losses: of every step so far.
    """
    parts = np.array_split(np.asarray(losses, dtype=np.float64), min(WIDTH, len(losses)))
    means = np.asarray([part.mean() for part in parts])
    heights = np.round(means / max(float(means.max()), 1e-12) * (len(BARS) - 1)).astype(int)
    words = [f"loss {''.join(BARS[i] for i in heights)} {means[-1]:.3f}"]
    if curve.scores:
        words.append(f"score {curve.scores[-1]:.3f}")
    return ", ".join(words)
