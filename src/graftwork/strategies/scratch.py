"""The same architecture without pre-training, trained on the task alone: a control."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.registry import Declaration, declare
from graftwork.runs.recipe import setting
from graftwork.strategies._tuner import Tuner

if TYPE_CHECKING:
    from graftwork.bases.backbone import Backbone
    from graftwork.bases.tunable import Tunable
    from graftwork.strategies._trained import Way
    from graftwork.strategies.strategy import Job

__all__ = ["Scratch"]


@declare(
    "scratch",
    title="The same architecture from random weights, trained on the task (a control)",
    source="Kornblith et al. 2019; He et al. 2019",
    short="random weights, trained",
)
@dataclass(frozen=True)
class Scratch(Tuner):
    """No transfer at all: what the architecture learns from these rows alone.

    The control for tuned layers: if it does as well, it was not the pre-training that helped. All
    weights begin at random, embeddings included, and all of them train.

    Raises:
        ParameterError: a parameter is not allowed.
        UnsupportedError: the base cannot be tuned.
    """

    declaration: ClassVar[Declaration]
    from_probe: ClassVar[bool] = False

    epochs: int = setting(8, "passes over the rows that the schedule is made for", low=1, high=200)
    rate: float = setting(5e-4, "highest learning rate", low=1e-7, high=1e-1)

    def refuses(self, backbone: Backbone) -> str | None:
        """Why it cannot train that architecture; None where it can."""
        from graftwork.bases.backbone import Capability

        if backbone.supports(Capability.TRAIN) and hasattr(backbone, "twin"):
            return None
        return "the base has no layers that can be trained"

    def start(self, job: Job) -> Job:
        """The job with random weights in place of the base, and nothing that was learnt of it."""
        name, backbone = next(iter(job.backbones.items()))
        self.check(backbone)
        twin = backbone.twin(job.seed)  # type: ignore[attr-defined]
        return replace(job, backbones={name: twin}, shared={})

    def way(self, job: Job) -> Way:
        """How it trains."""
        from graftwork.strategies._trained import Way
        from graftwork.training.options import TrainOptions

        options = TrainOptions(rate=self.rate, **self.common())
        title = "training from random weights"
        return Way(
            "scratch",
            "scratch",
            _everything,
            options,
            title,
            shares=(),
            blank=True,
            altered=self.altered(next(iter(job.backbones.values()))),
            patience=self.patience,
        )


def _everything(backbone: Any) -> Tunable:
    made: Tunable = backbone.tunable(None, everything=True)
    return made
