"""What a training begins from: a readout of the frozen base and a head fitted on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from graftwork.strategies import _linear as linear

if TYPE_CHECKING:
    from graftwork.model.model import Model
    from graftwork.strategies.strategy import Job

__all__ = ["begin", "say_start", "settings_of", "start_settings"]

DEFAULT_STRENGTH = 16.0
CONTRAST_STRENGTH = 4.0  # weaker: rows of one label lie close together then


def start_settings(job: Job, name: str, frozen: int = 0) -> dict[str, Any]:
    """Readout, strength and balance of the head that training begins from.

    Those that the probe chose on that backbone, or, where it reads no layer that would learn (of a
    weak base it may read the embeddings alone), the best of its candidates that does. Where no
    probe ran, the default readout.

    Args:
        job: with what the probe chose.
        name: of the backbone.
        frozen: the highest layer that stands still.
    """
    known = job.shared.get(name)
    if known is not None and _reads_above(known.settings, frozen):
        return dict(known.settings)
    found = None if known is None else known.out_of_fold
    if known is not None and found is not None:
        for i in np.lexsort((found.log_loss, -found.scores())).tolist():
            if _reads_above(found.settings[i], frozen):
                return {**known.settings, **found.settings[i]}
    return _last_layer(job, name, "zscore", DEFAULT_STRENGTH)


def settings_of(job: Job, name: str, *, frozen: int = 0, contrast: bool = False) -> dict[str, Any]:
    """Readout, strength and balance that a training begins from (see `start_settings`).

    Where rows are compared with each other (`contrast`) the probe's choice does not count: it was
    made of a few rows, and what the last layer says is what training will shape.
    """
    if contrast:
        return _last_layer(job, name, "unit", CONTRAST_STRENGTH)
    return start_settings(job, name, frozen)


def _last_layer(job: Job, name: str, scale: str, strength: float) -> dict[str, Any]:
    from graftwork.features.readout import Readout

    last = Readout((job.backbones[name].n_layers - 1,), 0, scale=scale)
    balanced = linear.balanced_options(job) == (True,)
    return {"readout": last.to_json(), "strength": strength, "balanced": balanced}


def _reads_above(settings: dict[str, Any], frozen: int) -> bool:
    return max(settings["readout"]["layers"]) > frozen


def begin(job: Job, name: str, settings: dict[str, Any]) -> Model:
    """The model of the frozen base that training begins from, fitted on the job's rows."""
    from graftwork.features.readout import Readout

    readout = Readout.from_json(settings["readout"])
    return linear.build_model(
        job,
        linear.Blocks.dense(job, name).dense_sources(name, readout),
        [(name, column) for column in job.dataset.inputs],
        strength=settings["strength"],
        balanced=settings["balanced"],
        facts={},
    )


def say_start(job: Job, name: str, settings: dict[str, Any]) -> None:
    """Tell where training begins from another readout than the probe's."""
    from graftwork.features.readout import Readout

    known = job.shared.get(name)
    if known is None or known.settings["readout"] == settings["readout"]:
        return
    words = Readout.from_json(settings["readout"]).describe(job.backbones[name].poolings)
    job.progress.say(
        f"The probe reads no layer that would learn; tuning begins from another readout: {words}"
    )
