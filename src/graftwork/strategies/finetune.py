"""Hard transfer: the base's own layers learn too."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.errors import ParameterError
from graftwork.registry import Declaration, declare
from graftwork.runs.recipe import setting
from graftwork.strategies._tuner import BATCH_ROWS, Tuner

if TYPE_CHECKING:
    from graftwork.bases.backbone import Backbone
    from graftwork.bases.tunable import Tunable
    from graftwork.strategies._trained import Way
    from graftwork.strategies.strategy import Job

__all__ = ["Finetune"]

# From here on batches are twice as large: much of a step is spent on all weights, however many rows
# it has (casting, moments), and there are steps enough.
MANY_ROWS = 4000


@declare(
    "finetune",
    title="Layers of the base tuned from the probe on (hard transfer)",
    source="Howard & Ruder 2018; Kumar et al. 2022; Wortsman et al. 2022",
    aliases=("hard",),
    short="tuned layers",
)
@dataclass(frozen=True)
class Finetune(Tuner):
    """Hard transfer: the upper layers of the base, or all of them, learn the task.

    Starts from the probe with its readout and head (linear probing, then fine-tuning), and is
    interpolated back towards it, the factor 0 included, so that it is never worse than the probe
    where that was chosen. Where the job has a lexical rung, its scores may be added, which keeps
    what single words tell. With `top` layers the states below are computed once and stored; an
    epoch then costs the top layers alone. Pays where the base mixes what the task must tell apart
    (sentiment, question types) and there are some hundred labels; does not with a handful.

    Raises:
        ParameterError: a parameter is not allowed.
        UnsupportedError: the base cannot be tuned, or has no boundary between layers.
    """

    declaration: ClassVar[Declaration]

    top: int | None = setting(None, "upper layers that learn; default: all of them", low=1)
    rate: float | None = setting(
        None,
        "highest learning rate; default: 1e-4; convolutional networks 1e-3, large ones 3e-4; for "
        "batches of other than 32 rows by the root of their size",
        low=1e-7,
        high=1e-1,
    )
    layer_decay: float = setting(
        1.0, "factor on the rate for each layer further from the head", low=0.1, high=1.0
    )

    def refuses(self, backbone: Backbone) -> str | None:
        """Why it cannot tune that backbone; None where it can."""
        from graftwork.bases.backbone import Capability

        why = super().refuses(backbone)
        if why is None and self.top is not None and not backbone.supports(Capability.BOUNDARY):
            return (
                "the base has no boundary between its layers (they share their weights, or it does "
                "not say where they lie); leave out `top` to tune all of it"
            )
        return why

    def check(self, backbone: Backbone) -> None:
        """Refuse a backbone that cannot be tuned, or has not so many layers."""
        super().check(backbone)
        depth = backbone.n_layers - 1
        if self.top is not None and self.top > depth:
            raise ParameterError(f"{self.top} top layers were asked for; the base has 1 to {depth}")

    def way(self, job: Job) -> Way:
        """How it trains."""
        from graftwork.bases.hints import hints_of
        from graftwork.strategies._trained import Way
        from graftwork.training.options import TrainOptions

        backbone = next(iter(job.backbones.values()))
        common = self._batches(len(job.rows))
        # noise of a step falls with the root of its rows (Malladi et al. 2022, of Adam)
        larger = math.sqrt(common["batch_rows"] / BATCH_ROWS)
        options = TrainOptions(
            rate=self.rate or hints_of(backbone).rate * larger,
            layer_decay=self.layer_decay,
            **common,
        )
        depth = "all" if self.top is None else f"top{self.top}"
        title = "tuning all layers" if self.top is None else f"tuning the top {self.top} layers"
        name = f"finetune-{depth}"
        return Way(
            "finetune",
            name,
            self._tunable,
            options,
            title,
            altered=self.altered(backbone),
            patience=self.patience,
            frozen=0 if self.top is None else backbone.n_layers - 1 - self.top,
        )

    def _batches(self, rows: int) -> dict[str, Any]:
        """What all tell the loop; batches twice as large where there are steps enough."""
        many = self.batch_rows is None and rows >= MANY_ROWS
        return self.common() | ({"batch_rows": 2 * BATCH_ROWS} if many else {})

    def _tunable(self, backbone: Any) -> Tunable:
        self.check(backbone)
        made: Tunable = backbone.tunable(self.top)
        return made
