"""The face that strategies which train a network share; each names only its way of training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graftwork.runs.recipe import setting

if TYPE_CHECKING:
    import numpy as np

    from graftwork.bases.backbone import Backbone
    from graftwork.model.model import Model
    from graftwork.strategies._trained import Way
    from graftwork.strategies.strategy import Choice, Job

__all__ = ["Tuner", "views_setting"]


def views_setting() -> Any:
    """The parameter `views`, which all of them have."""
    return setting(
        None,
        "altered views of each picture besides itself, one an epoch after the first; default: 2",
        low=0,
        high=100,
    )


class Tuner:
    """A `Strategy` that can be forecast, tried by a pilot, and refitted on all rows."""

    epochs: int
    views: int | None

    def way(self, job: Job) -> Way:
        """How it trains."""
        raise NotImplementedError

    def refuses(self, backbone: Backbone) -> str | None:
        """Why it cannot train that backbone; None where it can."""
        raise NotImplementedError

    def altered(self, backbone: Backbone) -> int:
        """Altered views of each input: as asked for or as its kind wants, if they are seen."""
        from graftwork.bases.hints import hints_of

        wanted = hints_of(backbone).views if self.views is None else self.views
        return min(wanted, self.epochs - 1)

    def idle(self, job: Job) -> str | None:
        """Why no layer would learn, because the readout lies below all that do; else None."""
        from graftwork.strategies._trained import start_settings

        job = self.start(job)
        name, backbone = next(iter(job.backbones.items()))
        top = getattr(self, "top", None)
        frozen = 0 if top is None else backbone.n_layers - 1 - top
        highest = max(start_settings(job, name)["readout"]["layers"])
        if highest > frozen:
            return None
        return f"the probe reads layer {highest}, below all layers that would learn"

    def start(self, job: Job) -> Job:
        """The job as training begins from it."""
        return job

    def search(self, job: Job) -> Choice:
        """Choose passes and interpolation factor by a pilot."""
        from graftwork.strategies._trained import pilot

        return pilot(self.start(job), self.way(job))

    def build(self, job: Job, choice: Choice) -> Model:
        """Train on all rows of the job with the choices fixed."""
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
