"""Soft transfer: a linear head on frozen features."""

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

__all__ = ["Probe"]


@declare(
    "probe",
    title="Linear head on frozen features (soft transfer)",
    source="Alain & Bengio 2016",
    aliases=("soft",),
    short="frozen features",
)
@dataclass(frozen=True)
class Probe:
    """Soft transfer: the base stays as it is, a linear head learns to read it.

    Pays with few labels, short training times, and tasks near what the base was trained on; does
    not where the base mixes what the task must tell apart (there its layers must be tuned).

    Reads one backbone of the job, pooled or sparse. For pooled features the readout (which layers
    or their mix, pooling, standardisation) is ranked by ridge regression and decided, with the
    head's strength, by L-BFGS, all out of fold on stored features.

    Raises:
        ParameterError: a parameter is not allowed.
        UnsupportedError: the backbone gives no features that a linear head can read.
    """

    declaration: ClassVar[Declaration]

    readouts: int = setting(
        3, "readouts that go from the ridge ranking to L-BFGS; more costs time", low=1, high=50
    )
    layer: int | None = setting(None, "read this layer only (0: embeddings); default: searched")
    pooling: str | None = setting(None, "pooling to read (mean, first, last); default: searched")

    def search(self, job: Job) -> Choice:
        """Choose readout and strength out of fold."""
        from graftwork.features.race import race
        from graftwork.strategies.strategy import Choice

        name = next(iter(job.backbones))
        entries = self._entries(job, name)
        found = race(
            entries,
            job.codes(),
            job.folds,
            job.task,
            job.metric,
            progress=job.progress,
            title=f"choosing the head ({name})",
        )
        best = found.best()
        settings = {"backbone": name, **found.settings[best]}
        return Choice(self.declaration.name, settings, found, found.names[best])

    def check(self, backbone: Backbone) -> None:
        """Refuse what the backbone has not.

        Raises:
            ParameterError: it has no such layer.
            UnknownNameError: it has no such pooling.
        """
        from graftwork.errors import UnknownNameError

        linear.check_layer(backbone, self.layer)
        if self.pooling is not None and self.pooling not in backbone.poolings:
            raise UnknownNameError("pooling", self.pooling, backbone.poolings, where="the base")

    def forecast_search(self, job: Job) -> float:
        """Seconds that the search will take, from that of a few rows."""
        import time

        from graftwork.bases.vectors import vectors_of
        from graftwork.features.race_seconds import SAMPLE, race_seconds

        name, backbone = next(iter(job.backbones.items()))
        few = linear.sampled(job, SAMPLE)
        begun = time.perf_counter()
        entries = self._entries(few, name)
        # of ridge: rows x width², and width³ whatever the rows
        widths = vectors_of(backbone).widths
        width = max((layer[0] for layer in widths if layer), default=0)
        times = (len(job.rows) + width) / (len(few.rows) + width)
        ranking = (time.perf_counter() - begun) * times
        return ranking + race_seconds(entries, few.codes(), job.folds, job.task)

    def build(self, job: Job, choice: Choice) -> Model:
        """Fit on all rows of the job with readout and strength fixed."""
        from graftwork.features.readout import Readout

        settings = choice.settings
        name = settings["backbone"]
        if linear.is_sparse(job.backbones[name]):
            sources: list[Any] = [*linear.Blocks.sparse(job, name).sparse_sources(job, name)]
        else:
            readout = Readout.from_json(settings["readout"])
            sources = [*linear.Blocks.dense(job, name).dense_sources(name, readout)]
        return linear.build_model(
            job,
            sources,
            [(name, column) for column in job.dataset.inputs],
            strength=settings["strength"],
            balanced=settings["balanced"],
            facts={"strategy": self.declaration.name, "chosen": choice.words},
        )

    def transfer(self, job: Job) -> Model:
        """`search`, then `build`."""
        return self.build(job, self.search(job))

    def _entries(self, job: Job, name: str) -> list[Entry]:
        from graftwork.features.race import Entry

        if linear.is_sparse(job.backbones[name]):
            sources = linear.Blocks.sparse(job, name).sparse_sources(job, name)
            return [
                Entry(_words(name, balanced), {}, sources, linear.STRENGTHS, balanced)
                for balanced in linear.balanced_options(job)
            ]
        blocks = linear.Blocks.dense(job, name)
        poolings = job.backbones[name].poolings
        return [
            Entry(
                _words(readout.describe(poolings), balanced),
                {"readout": readout.to_json()},
                blocks.dense_sources(name, readout),
                linear.STRENGTHS,
                balanced,
            )
            for readout in self._readouts(job, name, blocks)
            for balanced in linear.balanced_options(job)
        ]

    def _readouts(self, job: Job, name: str, blocks: linear.Blocks) -> list[Readout]:
        """The best few by ridge, the default among them always."""
        from graftwork.features.rank_readouts import rank_readouts

        candidates = self._allowed(job, name)
        if len(candidates) == 1:
            return candidates
        ranked = rank_readouts(
            list(blocks.stored.values()),
            candidates,
            job.codes(),
            job.folds,
            job.task,
            job.metric,
            seed=job.seed,
            progress=job.progress,
        )
        few = [readout for readout, _ in ranked[: self.readouts]]
        return few if candidates[0] in few else [*few, candidates[0]]

    def _allowed(self, job: Job, name: str) -> list[Readout]:
        from graftwork.bases.vectors import vectors_of
        from graftwork.features.readout import USUAL, readout_candidates

        backbone = job.backbones[name]
        self.check(backbone)
        scales = tuple(getattr(backbone, "scales", USUAL))
        found = list(readout_candidates(vectors_of(backbone), scales))
        if self.layer is not None:
            found = _single_layer(self.layer, len(backbone.poolings), scales)
        if self.pooling is not None:
            wanted = backbone.poolings.index(self.pooling)
            found = [readout for readout in found if readout.pooling == wanted]
        return found


def _single_layer(layer: int, n_poolings: int, scales: tuple[str, ...]) -> list[Readout]:
    from graftwork.features.readout import Readout

    return [
        Readout((layer,), pooling, "concat", scale)
        for pooling in range(n_poolings)
        for scale in scales
    ]


def _words(text: str, balanced: bool) -> str:
    return f"{text}, classes balanced" if balanced else text
