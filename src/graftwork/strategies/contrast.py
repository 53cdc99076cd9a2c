"""Hard transfer with few labels: rows of one label are drawn together before a head is fitted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.registry import Declaration, declare
from graftwork.runs.recipe import setting
from graftwork.strategies._tuner import Tuner

if TYPE_CHECKING:
    from graftwork.bases.tunable import Tunable
    from graftwork.strategies._trained import Way
    from graftwork.strategies.strategy import Job

__all__ = ["Contrast"]


@declare(
    "contrast",
    title="Rows of one label drawn together, then a linear head (hard transfer with few labels)",
    source="Khosla et al. 2020; Tunstall et al. 2022",
    short="contrast of pairs",
)
@dataclass(frozen=True)
class Contrast(Tuner):
    """Supervised contrastive tuning: all layers learn which rows belong together.

    A handful of labels says little to a head, but n rows make n²/2 pairs, each of which tells
    whether two are of one kind. Every batch compares its rows with each other (within the shards
    that it is cut into, 16 rows each by default), so that some twenty steps do what one pair at a
    time takes thousands of texts for (SetFit, Tunstall et al. 2022). Starts from the base as it is,
    with the probe's kind of head, fitted anew on the tuned features. Pays with some 8 to 100 labels
    a class; with thousands, `finetune` does better.

    Raises:
        ParameterError: a parameter is not allowed.
        UnsupportedError: the base cannot be tuned.
    """

    declaration: ClassVar[Declaration]
    joins: ClassVar[bool] = False  # how much it should say cannot be told by so few rows
    keeps: ClassVar[bool] = False  # of few rows every one counts

    epochs: int = setting(2, "passes over the rows, at least", low=1, high=100)
    steps: int = setting(
        20, "with few rows there are more passes, until so many steps are made", low=1, high=10_000
    )
    rate: float | None = setting(
        None,
        "highest learning rate; default: half of what finetune takes, as pairs say more",
        low=1e-7,
        high=1e-1,
    )

    def way(self, job: Job) -> Way:
        """How it trains."""
        from graftwork.bases.hints import hints_of
        from graftwork.strategies._trained import Way
        from graftwork.training.options import TrainOptions

        backbone = next(iter(job.backbones.values()))
        common = self.common()
        batches = max(1, len(job.rows) // common["batch_rows"])
        common["epochs"] = max(self.epochs, math.ceil(self.steps / batches))
        options = TrainOptions(rate=self.rate or hints_of(backbone).rate / 2, **common)
        return Way(
            "contrast",
            "contrast",
            self._tunable,
            options,
            "drawing rows of one label together",
            shares=(),
            contrast=True,
            altered=self.altered(backbone, options.epochs),
        )

    def _tunable(self, backbone: Any) -> Tunable:
        self.check(backbone)
        made: Tunable = backbone.tunable(None)
        return made
