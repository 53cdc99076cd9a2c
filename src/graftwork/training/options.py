"""How a training goes: rates, schedule, batches, length."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from graftwork.errors import ParameterError

__all__ = ["SCHEDULES", "TrainOptions"]

SCHEDULES = ("linear", "cosine", "constant")


@dataclass(frozen=True)
class TrainOptions:
    """Settings of one training.

    Attributes:
        epochs: passes over the rows that the schedule is made for.
        rate: highest learning rate of the layers next to the head. 1e-4 suits small encoders that
            begin with a fitted head; large ones want less.
        head_rate: learning rate of the head, as a multiple of `rate`.
        layer_decay: factor on the rate for each layer further from the head (Howard & Ruder 2018).
        batch_rows: rows of a batch on average; a batch holds a fixed number of tokens, so that one
            of long rows holds fewer.
        accumulate: pieces that a batch is cut into, whose gradients are added before the step; for
            a base whose batch does not fit in memory.
        warmup: share of all steps over which the rate rises from 0.
        schedule: how it falls afterwards: ``linear`` or ``cosine`` to 0, or ``constant``.
        weight_decay: decoupled from the gradient (Loshchilov & Hutter 2019); biases and norms are
            spared.
        clip: longest gradient, as a norm over all parameters (Pascanu et al. 2013).

    Raises:
        ParameterError: a value that no training can go by.
    """

    epochs: int = 3
    rate: float = 1e-4
    head_rate: float = 1.0
    layer_decay: float = 1.0
    batch_rows: int = 32
    accumulate: int = 1
    warmup: float = 0.1
    schedule: str = "linear"
    weight_decay: float = 0.01
    clip: float = 1.0

    def __post_init__(self) -> None:
        wrong = [
            f"{name} {value}: {allowed}"
            for name, value, good, allowed in (
                ("epochs", self.epochs, self.epochs >= 1, "at least 1"),
                ("rate", self.rate, 0 < self.rate < 1, "above 0, below 1"),
                ("batch_rows", self.batch_rows, self.batch_rows >= 1, "at least 1"),
                ("accumulate", self.accumulate, self.accumulate >= 1, "at least 1"),
                ("warmup", self.warmup, 0 <= self.warmup < 1, "from 0, below 1"),
                ("layer_decay", self.layer_decay, 0 < self.layer_decay <= 1, "above 0, at most 1"),
                ("schedule", self.schedule, self.schedule in SCHEDULES, f"one of {SCHEDULES}"),
                ("clip", self.clip, self.clip > 0, "above 0"),
            )
            if not good
        ]
        if wrong:
            raise ParameterError("training cannot go by these: " + "; ".join(wrong))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)
