"""What is known beforehand of tuning one kind of backbone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["TuningHints", "hints_of"]


@dataclass(frozen=True)
class TuningHints:
    """Defaults for one kind of backbone; a strategy takes those that it has no own ones for.

    Attributes:
        rate: highest learning rate of the layers next to the head.
        views: altered views of each input besides itself, one an epoch in turn. The fitted head
            knows the rows as they are by heart: without views there is little left to learn from.
        top_share: share of the layers that is worth tuning before all of them are.
        whole_rows: with more rows all layers are not worth a trial, where the upper ones can be
            tuned alone; None: they always are.
        contrast_rows: rows a label, on average, below which contrast of pairs does better than
            frozen features as a rule; 0: it does not.
    """

    rate: float = 1e-4
    views: int = 0
    top_share: float = 1 / 3
    whole_rows: int | None = None
    contrast_rows: int = 0


def hints_of(backbone: Any) -> TuningHints:
    """Those that its kind gives as `hints`, or the defaults."""
    found = getattr(backbone, "hints", None)
    return found if isinstance(found, TuningHints) else TuningHints()
