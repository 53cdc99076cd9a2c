"""What a training showed, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Curve"]


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
