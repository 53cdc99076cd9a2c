"""Features of a base joined with those of a backbone without pre-training, one head on both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.registry import Declaration, declare
from graftwork.runs.recipe import setting
from graftwork.strategies import _linear as linear

if TYPE_CHECKING:
    from graftwork.bases.backbone import Backbone
    from graftwork.features.race import Entry
    from graftwork.features.readout import Readout
    from graftwork.model.model import Model
    from graftwork.strategies.strategy import Choice, Job

__all__ = ["Hybrid"]

WEIGHTS = (0.3, 0.6, 1.0, 1.8)


@declare(
    "hybrid",
    title="Frozen features joined with plain ones (TF-IDF; HOG and colour), weighted out of fold",
    source="Wang & Manning 2012; Lin 2021 (dense and sparse join)",
    short="frozen features + plain ones",
)
@dataclass(frozen=True)
class Hybrid:
    """Features [base, λ·plain] under one linear head, λ and strength chosen out of fold.

    The plain ones are those of the modality's backbone without pre-training: TF-IDF for text, HOG
    and colour for images. Pays where single words decide (product names, codes, jargon that the
    base never saw) beside meaning; does not where the base already holds all that they say.

    Reads two backbones of the job, the base first. The readout is that of a probe: one already
    chosen in this ladder (`job.shared`), else the one given.

    Raises:
        ParameterError: the base has no such layer.
        UnsupportedError: the job has not two such backbones.
    """

    declaration: ClassVar[Declaration]

    finalists: int = setting(
        3, "(λ, strength) pairs that see every fold; more costs time", low=1, high=50
    )
    layer: int | None = setting(None, "layer to read where no probe came before; default: the last")

    def check(self, backbone: Backbone) -> None:
        """Refuse a layer that the base has not.

        Raises:
            ParameterError: so it is.
        """
        linear.check_layer(backbone, self.layer)

    def search(self, job: Job) -> Choice:
        """Choose λ and strength out of fold."""
        from graftwork.features.race import race
        from graftwork.strategies.strategy import Choice

        found = race(
            self._entries(job),
            job.codes(),
            job.folds,
            job.task,
            job.metric,
            finalists=self.finalists,
            progress=job.progress,
            title="choosing the head (hybrid)",
        )
        best = found.best()
        dense, other = _names(job)
        settings = {"dense": dense, "plain": other, **found.settings[best]}
        return Choice(self.declaration.name, settings, found, found.names[best])

    def forecast_search(self, job: Job) -> float:
        """Seconds that the search will take, from one fit of each candidate on a few rows."""
        from graftwork.features.race_seconds import SAMPLE, race_seconds

        few = linear.sampled(job, SAMPLE)
        return race_seconds(self._entries(few), few.codes(), job.folds, job.task)

    def _entries(self, job: Job) -> list[Entry]:
        """The base's readout with the plain features at each weight."""
        from graftwork.features.race import Entry

        dense, other = _names(job)
        readout, strengths, balanced = self._start(job, dense)
        blocks, plain = linear.Blocks.dense(job, dense), linear.Plain.of(job, other)
        dense_sources = blocks.dense_sources(dense, readout)
        return [
            Entry(
                f"{readout.describe(job.backbones[dense].poolings)} with {weight:g} x {other}",
                {"weight": weight, "readout": readout.to_json()},
                [*dense_sources, *plain.sources(job, weight)],
                strengths,
                balanced,
            )
            for weight in WEIGHTS
        ]

    def build(self, job: Job, choice: Choice) -> Model:
        """Fit on all rows of the job with λ, readout and strength fixed."""
        from graftwork.features.readout import Readout

        settings = choice.settings
        dense, other = settings["dense"], settings["plain"]
        readout = Readout.from_json(settings["readout"])
        sources: list[Any] = [
            *linear.Blocks.dense(job, dense).dense_sources(dense, readout),
            *linear.Plain.of(job, other).sources(job, settings["weight"]),
        ]
        columns = list(job.dataset.inputs)
        return linear.build_model(
            job,
            sources,
            [(dense, column) for column in columns] + [(other, column) for column in columns],
            strength=settings["strength"],
            balanced=settings["balanced"],
            facts={"strategy": self.declaration.name, "chosen": choice.words},
        )

    def transfer(self, job: Job) -> Model:
        """`search`, then `build`."""
        return self.build(job, self.search(job))

    def _start(self, job: Job, dense: str) -> tuple[Readout, tuple[float, ...], bool]:
        """Readout, strengths and weighting to begin from: a probe's of this ladder, if any."""
        from graftwork.features.readout import Readout

        probe = job.shared.get(dense)
        if probe is not None and "readout" in probe.settings:
            strength = probe.settings["strength"]
            near = [c for c in linear.STRENGTHS if strength / 5 <= c <= strength * 20]
            return (
                Readout.from_json(probe.settings["readout"]),
                tuple(near),
                probe.settings["balanced"],
            )
        self.check(job.backbones[dense])
        layer = job.backbones[dense].n_layers - 1 if self.layer is None else self.layer
        return Readout((layer,), 0), linear.STRENGTHS, linear.balanced_options(job)[-1]


def _names(job: Job) -> tuple[str, str]:
    """Names of the base and of the backbone without pre-training, in the job's order."""
    from graftwork.errors import UnsupportedError

    names = sorted(job.backbones, key=lambda name: linear.is_sparse(job.backbones[name]))
    if len(names) != 2 or linear.is_sparse(job.backbones[names[0]]):
        kinds = ", ".join(backbone.kind for backbone in job.backbones.values()) or "none"
        raise UnsupportedError(
            "hybrid joins one pre-trained base with one backbone without pre-training; this job "
            f"has {kinds}"
        )
    return names[0], names[1]
