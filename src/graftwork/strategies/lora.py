"""Low-rank adapters: hard transfer with few trained numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.errors import MissingExtraError
from graftwork.registry import Declaration, declare
from graftwork.runs.recipe import setting
from graftwork.strategies._tuner import Tuner

if TYPE_CHECKING:
    from graftwork.bases.backbone import Backbone
    from graftwork.bases.tunable import Tunable
    from graftwork.strategies._trained import Way
    from graftwork.strategies.strategy import Job

__all__ = ["Lora"]


@declare(
    "lora",
    title="Low-rank changes to all linear layers, from the probe on",
    source="Hu et al. 2022",
    short="low-rank adapters",
)
@dataclass(frozen=True)
class Lora(Tuner):
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
    rate: float = setting(
        1e-3, "highest learning rate; adapters want more than whole layers", low=1e-7, high=1e-1
    )

    def refuses(self, backbone: Backbone) -> str | None:
        """Why it cannot adapt that backbone; None where it can."""
        from graftwork.bases.backbone import Capability

        if not backbone.supports(Capability.LORA):
            tuned = backbone.supports(Capability.TRAIN)
            instead = "; finetune tunes the layers that it has" if tuned else ""
            return f"the base has no linear layers that could be adapted{instead}"
        if _no_peft():
            return str(MissingExtraError("peft", "lora"))
        return None

    def check(self, backbone: Backbone) -> None:
        """Refuse a backbone without linear layers, and a machine without `peft`."""
        if _no_peft():
            raise MissingExtraError("peft", "lora")
        super().check(backbone)

    def way(self, job: Job) -> Way:
        """How it trains."""
        from graftwork.strategies._trained import Way
        from graftwork.training.options import TrainOptions

        backbone = next(iter(job.backbones.values()))
        options = TrainOptions(rate=self.rate, **self.common())
        made = partial(self._tunable, job.seed)
        title, name = "training low-rank adapters", f"lora-{self.rank}"
        return Way(
            "lora",
            name,
            made,
            options,
            title,
            altered=self.altered(backbone),
            patience=self.patience,
        )

    def _tunable(self, seed: int, backbone: Any) -> Tunable:
        self.check(backbone)
        made: Tunable = backbone.low_rank(self.rank, self.alpha, seed)
        return made


def _no_peft() -> bool:
    return find_spec("peft") is None
