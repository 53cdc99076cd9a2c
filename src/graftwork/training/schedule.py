"""The learning rate over the steps of a training."""

from __future__ import annotations

import math

from graftwork.training.options import TrainOptions

__all__ = ["rate_factor"]


def rate_factor(step: int, steps: int, options: TrainOptions) -> float:
    """Factor on the highest rate at `step` (from 0) of `steps`: up during warm-up, then down."""
    rising = max(1, math.ceil(options.warmup * steps))
    if step < rising and options.warmup > 0:
        return (step + 1) / rising
    left = 1.0 - (step - rising) / max(1, steps - rising)
    if options.schedule == "cosine":
        return 0.5 * (1.0 - math.cos(math.pi * left))
    return left if options.schedule == "linear" else 1.0
