"""Hard transfer: the base's own layers learn too."""

from __future__ import annotations

from dataclasses import dataclass
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

__all__ = ["Finetune"]


@declare(
    "finetune",
    title="Layers of the base tuned from the probe on (hard transfer)",
    source="Howard & Ruder 2018; Kumar et al. 2022; Wortsman et al. 2022",
    aliases=("hard",),
    short="tuned layers",
)
@dataclass(frozen=True)
class Finetune:
    """Hard transfer: the upper layers of the base, or all of them, learn the task.

    Starts from the probe with its readout and head (linear probing, then fine-tuning), and is
    interpolated back towards it, the factor 0 included, so that it is never worse than the probe
    where that was chosen. With `top` layers the states below are computed once and stored; an epoch
    then costs the top layers alone. Pays where the base mixes what the task must tell apart
    (sentiment, question types) and there are some hundred labels; does not with a handful.

    Raises:
        ParameterError: a parameter is not allowed.
        UnsupportedError: the base cannot be tuned, or has no boundary between layers.
    """

    declaration: ClassVar[Declaration]

    top: int | None = setting(None, "upper layers that learn; default: all of them", low=1)
    epochs: int = setting(3, "passes over the rows that the schedule is made for", low=1, high=100)
    rate: float = setting(1e-4, "highest learning rate; large bases want less", low=1e-7, high=1e-1)
    batch_rows: int = setting(32, "rows of a batch, on average", low=1, high=4096)
    layer_decay: float = setting(
        1.0, "factor on the rate for each layer further from the head", low=0.1, high=1.0
    )

    def search(self, job: Job) -> Choice:
        """Choose passes and interpolation factor by a pilot."""
        from graftwork.strategies._trained import pilot

        return pilot(job, self._way())

    def build(self, job: Job, choice: Choice) -> Model:
        """Train on all rows of the job with the choices fixed."""
        from graftwork.strategies._trained import refit

        return refit(job, self._way(), choice)

    def transfer(self, job: Job) -> Model:
        """`search`, then `build`."""
        return self.build(job, self.search(job))

    def forecast(self, job: Job, refit_rows: int) -> dict[str, float]:
        """Seconds that pilot and refit will take, from some measured steps."""
        from graftwork.strategies._trained_forecast import forecast

        return forecast(job, self._way(), refit_rows)

    def splits(self, job: Job) -> list[tuple[np.ndarray, np.ndarray]]:
        """Positions to learn from and to judge of each pilot."""
        from graftwork.strategies._trained import splits

        return splits(job)

    def refuses(self, backbone: Backbone) -> str | None:
        """Why it cannot tune that backbone; None where it can."""
        from graftwork.bases.backbone import Capability

        if not backbone.supports(Capability.TRAIN):
            return "the base has no layers that can be tuned"
        if self.top is not None and not backbone.supports(Capability.BOUNDARY):
            return "the base has no boundary between its layers"
        return None

    def _way(self) -> Way:
        from graftwork.strategies._trained import Way
        from graftwork.training.options import TrainOptions

        options = TrainOptions(
            epochs=self.epochs,
            rate=self.rate,
            batch_rows=self.batch_rows,
            layer_decay=self.layer_decay,
        )
        depth = "all" if self.top is None else f"top{self.top}"
        title = "tuning all layers" if self.top is None else f"tuning the top {self.top} layers"
        return Way("finetune", f"finetune-{depth}", self._tunable, options, title)

    def _tunable(self, backbone: Any) -> Tunable:
        from graftwork.errors import UnsupportedError

        why = self.refuses(backbone)
        if why is not None:
            raise UnsupportedError(f"finetune: {why}")
        made: Tunable = backbone.tunable(self.top)
        return made
