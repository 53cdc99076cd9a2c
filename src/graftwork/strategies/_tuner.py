"""The face that strategies which train a network share; each names only its way of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.runs.recipe import setting
from graftwork.training.options import SCHEDULES

if TYPE_CHECKING:
    import numpy as np

    from graftwork.bases.backbone import Backbone
    from graftwork.model.model import Model
    from graftwork.strategies._trained import Way
    from graftwork.strategies.strategy import Choice, Job

__all__ = ["BATCH_ROWS", "Tuner"]

BATCH_ROWS = 32  # what the default rates are for


@dataclass(frozen=True)
class Tuner:
    """A `Strategy` that can be forecast, tried by a pilot, and refitted on all rows."""

    epochs: int = setting(3, "passes over the rows that the schedule is made for", low=1, high=100)
    batch_rows: int | None = setting(
        None,
        "rows of a batch, on average; default: 32; finetune with 4,000 rows or more: 64",
        low=1,
        high=4096,
    )
    accumulate: int = setting(1, "pieces of a batch, one after the other", low=1, high=1024)
    schedule: str = setting(
        "linear", "how the rate falls after its rise; constant: not at all", choices=SCHEDULES
    )
    warmup: float = setting(
        0.1, "share of all steps over which the rate rises from 0", low=0.0, high=0.9
    )
    patience: int = setting(
        2, "a trial stops after so many epochs without a better score", low=1, high=1000
    )
    views: int | None = setting(
        None,
        "altered views of each picture besides itself, one an epoch after the first; default: 2",
        low=0,
        high=100,
    )

    from_probe: ClassVar[bool] = True  # whether it begins with the probe's readout and head
    joins: ClassVar[bool] = True  # whether a model without pre-training may stand beside it
    keeps: ClassVar[bool] = True  # whether a pilot's model may be kept

    def common(self) -> dict[str, Any]:
        """What all of them tell the training loop."""
        names = ("epochs", "accumulate", "schedule", "warmup")
        told = {name: getattr(self, name) for name in names}
        return told | {"batch_rows": self.batch_rows or BATCH_ROWS}

    def way(self, job: Job) -> Way:
        """How it trains."""
        raise NotImplementedError

    def refuses(self, backbone: Backbone) -> str | None:
        """Why it cannot train that backbone; None where it can."""
        from graftwork.bases.backbone import Capability

        if backbone.supports(Capability.TRAIN):
            return None
        return "the base has no layers that can be tuned"

    def altered(self, backbone: Backbone, epochs: int | None = None) -> int:
        """Altered views of each input: as asked for or as its kind wants, if they are seen.

        Args:
            backbone: that is tuned.
            epochs: that are run, where these are not the parameter of that name.
        """
        from graftwork.bases.hints import hints_of

        wanted = hints_of(backbone).views if self.views is None else self.views
        return min(wanted, (epochs or self.epochs) - 1)

    def start(self, job: Job) -> Job:
        """The job as training begins from it."""
        return job

    def search(self, job: Job, *, keep: bool = False) -> Choice:
        """Choose passes and interpolation factor by a pilot.

        Args:
            job: the rows that choices are made on.
            keep: there is no time to learn from all rows afterwards: what `build` gives will be
                the model of the pilot itself. There must be one pilot only (see `splits`).
        """
        from graftwork.strategies._trained import pilot

        return pilot(self.start(job), self.way(job), keep=keep)

    def build(self, job: Job, choice: Choice) -> Model:
        """Train on all rows of the job with the choices fixed; or end what a kept pilot began."""
        from graftwork.strategies._trained import refit

        return refit(self.start(job), self.way(job), choice)

    def transfer(self, job: Job) -> Model:
        """`search`, then `build`."""
        return self.build(job, self.search(job))

    def forecast(self, job: Job, refit_rows: int) -> dict[str, float]:
        """Seconds that pilot and refit will take, from some measured steps."""
        from graftwork.strategies._trained_forecast import forecast

        return forecast(self.start(job), self.way(job), refit_rows)

    def splits(self, job: Job) -> list[tuple[np.ndarray, np.ndarray]]:
        """Positions to learn from and to judge of each pilot."""
        from graftwork.strategies._trained import splits

        return splits(job)

    def check(self, backbone: Backbone) -> None:
        """Refuse a backbone that it cannot train as it was asked to.

        Raises:
            UnsupportedError: it cannot train that backbone at all (see `refuses`).
        """
        from graftwork.errors import UnsupportedError

        why = self.refuses(backbone)
        if why is not None:
            raise UnsupportedError(f"{self.declaration.name}: {why}")  # type: ignore[attr-defined]
