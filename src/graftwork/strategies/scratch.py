"""The same architecture without pre-training, trained on the task alone: a control."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.registry import Declaration, declare
from graftwork.runs.recipe import setting

if TYPE_CHECKING:
    import numpy as np

    from graftwork.bases.backbone import Backbone
    from graftwork.bases.tunable import Tunable
    from graftwork.model.model import Model
    from graftwork.strategies._trained import Way
    from graftwork.strategies.strategy import Choice, Job

__all__ = ["Scratch"]


@declare(
    "scratch",
    title="The same architecture from random weights, trained on the task (a control)",
    source="Kornblith et al. 2019; He et al. 2019",
    short="random weights, trained",
)
@dataclass(frozen=True)
class Scratch:
    """No transfer at all: what the architecture learns from these rows alone.

    The control for tuned layers: if it does as well, it was not the pre-training that helped. All
    weights begin at random, embeddings included, and all of them train.

    Raises:
        ParameterError: a parameter is not allowed.
        UnsupportedError: the base cannot be tuned.
    """

    declaration: ClassVar[Declaration]

    epochs: int = setting(8, "passes over the rows that the schedule is made for", low=1, high=200)
    rate: float = setting(5e-4, "highest learning rate", low=1e-7, high=1e-1)
    batch_rows: int = setting(32, "rows of a batch, on average", low=1, high=4096)

    def search(self, job: Job) -> Choice:
        """Choose the passes by a pilot."""
        from graftwork.strategies._trained import pilot

        return pilot(self._blank(job), self._way())

    def build(self, job: Job, choice: Choice) -> Model:
        """Train on all rows of the job with the choice fixed."""
        from graftwork.strategies._trained import refit

        return refit(self._blank(job), self._way(), choice)

    def transfer(self, job: Job) -> Model:
        """`search`, then `build`."""
        return self.build(job, self.search(job))

    def forecast(self, job: Job, refit_rows: int) -> dict[str, float]:
        """Seconds that pilot and refit will take, from some measured steps."""
        from graftwork.strategies._trained_forecast import forecast

        return forecast(self._blank(job), self._way(), refit_rows)

    def splits(self, job: Job) -> list[tuple[np.ndarray, np.ndarray]]:
        """Positions to learn from and to judge of each pilot."""
        from graftwork.strategies._trained import splits

        return splits(job)

    def refuses(self, backbone: Backbone) -> str | None:
        """Why it cannot train that architecture; None where it can."""
        from graftwork.bases.backbone import Capability

        if backbone.supports(Capability.TRAIN) and hasattr(backbone, "twin"):
            return None
        return "the base has no layers that can be trained"

    def _blank(self, job: Job) -> Job:
        """The job with random weights in place of the base, and nothing that was learnt of it."""
        from graftwork.errors import UnsupportedError

        name, backbone = next(iter(job.backbones.items()))
        why = self.refuses(backbone)
        if why is not None:
            raise UnsupportedError(f"scratch: {why}")
        twin = backbone.twin(job.seed)  # type: ignore[attr-defined]
        return replace(job, backbones={name: twin}, shared={})

    def _way(self) -> Way:
        from graftwork.strategies._trained import Way
        from graftwork.training.options import TrainOptions

        options = TrainOptions(epochs=self.epochs, rate=self.rate, batch_rows=self.batch_rows)
        title = "training from random weights"
        return Way("scratch", "scratch", _everything, options, title, shares=(), blank=True)


def _everything(backbone: Any) -> Tunable:
    made: Tunable = backbone.tunable(None, everything=True)
    return made
