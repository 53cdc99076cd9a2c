"""Low-rank adapters: hard transfer with few trained numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
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

__all__ = ["Lora"]


@declare(
    "lora",
    title="Low-rank changes to all linear layers, from the probe on",
    source="Hu et al. 2022",
    short="low-rank adapters",
)
@dataclass(frozen=True)
class Lora:
    """Low-rank adaptation: every linear layer gets a trained change of low rank.

    Pays where the base is too large to tune in whole: a few per cent of its numbers are trained,
    and their moments kept. A small base is tuned in whole in about the same time. Starts from the
    probe; the changes are scaled back towards it, 0 included, and added to the weights at the end,
    so that the model is an ordinary one. Needs the extra ``lora``.

    Raises:
        ParameterError: a parameter is not allowed.
        MissingExtraError: `peft` is not installed.
        UnsupportedError: the base has no linear layers.
    """

    declaration: ClassVar[Declaration]

    rank: int = setting(16, "rank of each change", low=1, high=1024)
    alpha: float = setting(32.0, "changes are scaled by alpha / rank", low=0.01, high=10_000.0)
    epochs: int = setting(3, "passes over the rows that the schedule is made for", low=1, high=100)
    rate: float = setting(
        1e-3, "highest learning rate; adapters want more than whole layers", low=1e-7, high=1e-1
    )
    batch_rows: int = setting(32, "rows of a batch, on average", low=1, high=4096)

    def search(self, job: Job) -> Choice:
        """Choose passes and interpolation factor by a pilot."""
        from graftwork.strategies._trained import pilot

        return pilot(job, self._way(job.seed))

    def build(self, job: Job, choice: Choice) -> Model:
        """Train on all rows of the job with the choices fixed, and add the changes up."""
        from graftwork.strategies._trained import refit

        return refit(job, self._way(job.seed), choice)

    def transfer(self, job: Job) -> Model:
        """`search`, then `build`."""
        return self.build(job, self.search(job))

    def forecast(self, job: Job, refit_rows: int) -> dict[str, float]:
        """Seconds that pilot and refit will take, from some measured steps."""
        from graftwork.strategies._trained_forecast import forecast

        return forecast(job, self._way(job.seed), refit_rows)

    def splits(self, job: Job) -> list[tuple[np.ndarray, np.ndarray]]:
        """Positions to learn from and to judge of each pilot."""
        from graftwork.strategies._trained import splits

        return splits(job)

    def refuses(self, backbone: Backbone) -> str | None:
        """Why it cannot adapt that backbone; None where it can."""
        from graftwork.bases.backbone import Capability

        if backbone.supports(Capability.LORA):
            return None
        return "the base has no linear layers that could be adapted"

    def _way(self, seed: int) -> Way:
        from graftwork.strategies._trained import Way
        from graftwork.training.options import TrainOptions

        options = TrainOptions(epochs=self.epochs, rate=self.rate, batch_rows=self.batch_rows)
        made = partial(self._tunable, seed)
        return Way("lora", f"lora-{self.rank}", made, options, "training low-rank adapters")

    def _tunable(self, seed: int, backbone: Any) -> Tunable:
        from graftwork.errors import UnsupportedError

        why = self.refuses(backbone)
        if why is not None:
            raise UnsupportedError(f"lora: {why}")
        made: Tunable = backbone.low_rank(self.rank, self.alpha, seed)
        return made
