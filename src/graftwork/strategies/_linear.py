"""What strategies with a linear head share: sources, strengths, and building the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graftwork.bases.backbone import Backbone, Shape

if TYPE_CHECKING:
    from graftwork.bases.backbone import Prepared
    from graftwork.features.readout import Readout
    from graftwork.features.sources import DenseSource, SparseSource
    from graftwork.features.stored import Stored
    from graftwork.model.graph import FeatureNode
    from graftwork.model.head import HeadBlock
    from graftwork.model.model import Model
    from graftwork.strategies.strategy import Job

__all__ = [
    "STRENGTHS",
    "Blocks",
    "Plain",
    "balanced_options",
    "build_model",
    "check_layer",
    "is_sparse",
    "node_name",
    "sampled",
    "short_name",
]

# C for rows of mean squared length 1; a factor of 4 apart, as accuracy is flat around the best
STRENGTHS = (1.0, 4.0, 16.0, 64.0, 250.0, 1000.0)


def is_sparse(backbone: Backbone) -> bool:
    """Whether the backbone gives a table fitted to rows rather than features of layers."""
    return Shape.SPARSE in backbone.shapes


def check_layer(backbone: Backbone, layer: int | None) -> None:
    """Refuse a layer that the backbone has not; None is any.

    Raises:
        ParameterError: so it is.
    """
    from graftwork.errors import ParameterError

    if layer is not None and not 0 <= layer < backbone.n_layers:
        last = backbone.n_layers - 1
        raise ParameterError(f"--layer: {layer} was asked for; there are 0 to {last}")


def node_name(backbone: str, column: str) -> str:
    """Name of the feature node of one backbone on one input."""
    return f"{backbone}({column})"


def balanced_options(job: Job) -> tuple[bool, ...]:
    """Which row weightings to try: both where the metric averages over classes, else none."""
    if job.class_weight == "auto":
        return (False, True) if job.metric in AVERAGES_OVER_CLASSES else (False,)
    return (job.class_weight == "balanced",)


AVERAGES_OVER_CLASSES = {
    "macro_f1",
    "balanced_accuracy",
    "macro_recall",
    "macro_precision",
}


@dataclass(frozen=True, eq=False)
class Blocks:
    """Features of one job's rows, by input: read from the store or counted once."""

    stored: dict[str, Stored]
    prepared: dict[str, Prepared]
    fits: dict[str, dict[bytes, Any]]

    @classmethod
    def dense(cls, job: Job, name: str) -> Blocks:
        """Stored features of every input under the dense backbone `name`."""
        values = job.dataset.take(job.rows)
        title = "encoding" if name != "random" else "encoding (random weights)"
        stored = {
            column: job.store.features(
                job.backbones[name],
                inputs,
                progress=job.progress,
                journal=job.journal,
                title=title,
            )
            for column, inputs in values.items()
        }
        return cls(stored, {}, {})

    @classmethod
    def sparse(cls, job: Job, name: str) -> Blocks:
        """Counts of every input under the fitted backbone `name`."""
        values = job.dataset.take(job.rows)
        backbone = job.backbones[name]
        prepared = {column: backbone.prepare(inputs) for column, inputs in values.items()}
        return cls({}, prepared, {column: {} for column in values})

    def dense_sources(self, name: str, readout: Readout, weight: float = 1.0) -> list[DenseSource]:
        """One source per input."""
        from graftwork.features.sources import DenseSource

        return [
            DenseSource(node_name(name, column), stored, readout, weight)
            for column, stored in self.stored.items()
        ]

    def sparse_sources(self, job: Job, name: str, weight: float = 1.0) -> list[SparseSource]:
        """One source per input, each with its own table."""
        from graftwork.features.sources import SparseSource

        return [
            SparseSource(
                node_name(name, column), job.backbones[name], prepared, weight, self.fits[column]
            )
            for column, prepared in self.prepared.items()
        ]


@dataclass(frozen=True, eq=False)
class Plain:
    """The backbone without pre-training that stands beside a base: a table, or plain features.

    Attributes:
        name: in the job.
        blocks: its features of the job's rows, read once.
        readout: what is read of them; None for a table.
    """

    name: str
    blocks: Blocks
    readout: Readout | None

    @classmethod
    def of(cls, job: Job, name: str) -> Plain:
        """With the readout that its own rung chose, else the last layer."""
        from graftwork.features.readout import Readout

        backbone = job.backbones[name]
        if is_sparse(backbone):
            return cls(name, Blocks.sparse(job, name), None)
        known = job.shared.get(name)
        if known is not None and "readout" in known.settings:
            readout = Readout.from_json(known.settings["readout"])
        else:
            readout = Readout((backbone.n_layers - 1,), 0)
        return cls(name, Blocks.dense(job, name), readout)

    def sources(self, job: Job, weight: float = 1.0) -> list[Any]:
        """One source per input, its block times `weight`."""
        if self.readout is None:
            return list(self.blocks.sparse_sources(job, self.name, weight))
        return list(self.blocks.dense_sources(self.name, self.readout, weight))


def sampled(job: Job, rows: int) -> Job:
    """A random few of the job's rows, some of every fold; nothing is told of what they are for."""
    from dataclasses import replace

    import numpy as np

    from graftwork.runs.progress import Progress

    rng = np.random.default_rng([job.seed, 13])
    shuffled = [rng.permutation(np.flatnonzero(job.folds == n)) for n in np.unique(job.folds)]
    share = rows / len(job.rows)
    few = np.sort(np.concatenate([own[: max(2, round(share * len(own)))] for own in shuffled]))
    return replace(job, rows=job.rows[few], folds=job.folds[few], journal=None, progress=Progress())


def short_name(backbone: Any) -> str:
    """The few words for a backbone in tables and sentences: ``TF-IDF``."""
    declaration = backbone.declaration
    return str(declaration.facts.get("short", declaration.name))


def build_model(
    job: Job,
    sources: Sequence[Any],
    names: Sequence[tuple[str, str]],
    *,
    strength: float,
    balanced: bool,
    facts: dict[str, Any],
) -> Model:
    """Fit the head on all rows of the job and put the parts together.

    Args:
        job: its rows are all learnt from.
        sources: one a block.
        names: (backbone, input) of each source.
        strength: C of the head, as chosen.
        balanced: whether rows are weighted so that labels count alike, as chosen.
        facts: kept in the model.
    """
    import numpy as np

    from graftwork.features.convex import Head as Linear
    from graftwork.features.convex import balanced_weights, fit_path
    from graftwork.model.graph import Graph
    from graftwork.model.head import ModelHead
    from graftwork.model.model import Model
    from graftwork.runtime.threads import side_by_side

    codes = job.codes()
    rows = np.arange(len(codes))
    fitted = [source.fit(rows) for source in sources]

    def fit(_: int) -> Linear:
        # from one step of the path below, as the search went: warm starts are the quick ones
        return fit_path(
            [source.block(rows) for source in fitted],
            codes,
            job.task.convex(),
            [*[c for c in STRENGTHS if c < strength][-1:], strength],
            sample_weight=balanced_weights(codes) if balanced else None,
        )[-1]

    linear = next(side_by_side(fit, [0]))
    backbones: dict[str, Backbone] = {}
    nodes: list[tuple[str, FeatureNode]] = []
    blocks: list[HeadBlock] = []
    for source, part, (backbone, column) in zip(sources, fitted, names, strict=True):
        node, block, key, kept = _part(job, source, part, backbone, column)
        backbones[key] = kept
        nodes.append((source.node, node))
        blocks.append(block)
    graph = Graph.of_blocks(job.dataset.modality, nodes, job.head)
    head = ModelHead(job.task, tuple(blocks), linear)
    return Model(graph, backbones, {job.head: head}, facts)


def _part(
    job: Job, source: Any, fitted: Any, backbone: str, column: str
) -> tuple[FeatureNode, HeadBlock, str, Backbone]:
    """Node, head block, and the backbone to keep (a fitted table is one per input)."""
    from graftwork.model.graph import FeatureNode
    from graftwork.model.head import HeadBlock

    if is_sparse(job.backbones[backbone]):
        several = len(job.dataset.inputs) > 1
        key = f"{backbone}_{list(job.dataset.inputs).index(column)}" if several else backbone
        node = FeatureNode(key, column, Shape.SPARSE.value)
        return node, HeadBlock(source.node, None, source.weight), key, fitted.backbone
    node = FeatureNode(backbone, column, Shape.POOLED.value)
    block = HeadBlock(source.node, fitted.readout, source.weight)
    return node, block, backbone, job.backbones[backbone]
