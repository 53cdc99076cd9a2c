"""The one kind of model that every strategy returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graftwork.bases.backbone import Backbone, Shape
from graftwork.bases.vectors import vectors_of
from graftwork.errors import DataError, ParameterError
from graftwork.model.graph import Graph
from graftwork.model.head import HeadBlock, ModelHead
from graftwork.model.predictions import Predictions
from graftwork.runs.progress import Progress
from graftwork.runtime.batches import plan_batches
from graftwork.runtime.threads import networks_side_by_side

if TYPE_CHECKING:
    from graftwork.features.store import FeatureStore
    from graftwork.model.neighbours import Neighbours
    from graftwork.runtime.devices import Placement

__all__ = ["Model"]

CHUNK_ROWS = 4096  # rows whose features are in memory at a time


@dataclass(eq=False)
class Model:
    """A graph of named parts with everything needed to predict; one directory on disk.

    No `nn.Module`: networks live inside backbones, heads are plain arrays.

    Attributes:
        graph: how the parts hang together.
        backbones: by name.
        heads: by name; the first is the one that `predict` uses when none is named.
        facts: plain values for cards and `info` (strategy, data, when).
        neighbours: training rows for nearest-example explanations, if kept.
        training_keys: uint8 (n, 16) hashes of the rows that it learnt from (contamination).
    """

    graph: Graph
    backbones: dict[str, Backbone]
    heads: dict[str, ModelHead]
    facts: dict[str, Any] = field(default_factory=dict)
    neighbours: Neighbours | None = None
    training_keys: np.ndarray | None = None

    @property
    def head(self) -> ModelHead:
        """The first head."""
        return next(iter(self.heads.values()))

    @property
    def classes(self) -> tuple[Any, ...]:
        """Labels of the first head."""
        return self.head.task.labels

    def predict(
        self,
        inputs: Mapping[str, Sequence[Any]] | Sequence[Any],
        *,
        head: str | None = None,
        store: FeatureStore | None = None,
        progress: Progress | None = None,
    ) -> Predictions:
        """Labels and probabilities of some rows.

        Args:
            inputs: values by input name; a plain sequence where the model has one input.
            head: which head; default: the first.
            store: where features are looked up and kept; None encodes without keeping.
            progress: shown while encoding.

        Raises:
            DataError: inputs are missing or of unequal length.
        """
        chosen = self.heads[head] if head else self.head
        scores = self.scores(inputs, head=head, store=store, progress=progress)
        probabilities = chosen.probabilities(scores)
        return Predictions(chosen.task.decode(probabilities), probabilities, chosen.task.labels)

    def scores(
        self,
        inputs: Mapping[str, Sequence[Any]] | Sequence[Any],
        *,
        head: str | None = None,
        store: FeatureStore | None = None,
        progress: Progress | None = None,
    ) -> np.ndarray:
        """float32 (n, outputs) scores of a head, before calibration (see `predict`)."""
        values = self._named(inputs)
        name = head or next(iter(self.heads))
        progress = progress or Progress()
        n = len(next(iter(values.values())))
        parts = []
        if store is not None and n:
            return self._head_scores(name, values, store, progress)
        with progress.step("predicting", n) as step:
            for start in range(0, n, CHUNK_ROWS):
                stop = min(start + CHUNK_ROWS, n)
                chunk = {key: column[start:stop] for key, column in values.items()}
                parts.append(self._head_scores(name, chunk, None, progress))
                step.advance(stop - start)
        n_outputs = len(self.heads[name].linear.bias)
        return np.concatenate(parts) if parts else np.zeros((0, n_outputs), np.float32)

    def blocks(
        self,
        inputs: Mapping[str, Sequence[Any]] | Sequence[Any],
        *,
        head: str | None = None,
        store: FeatureStore | None = None,
        progress: Progress | None = None,
    ) -> list[Any]:
        """The standardised features that a head's linear map reads, one entry per block."""
        values = self._named(inputs)
        chosen = self.heads[head] if head else self.head
        return [
            block.apply(self._raw(block, values, store, progress or Progress()))
            for block in chosen.blocks
        ]

    def save(self, folder: Path | str, *, card: str = "") -> None:
        """Write the model to one directory, whole or not at all (see `model.directory`)."""
        from graftwork.model.directory import save_model

        save_model(self, Path(folder), card=card)

    @classmethod
    def load(cls, folder: Path | str, *, placement: Placement | None = None) -> Model:
        """Load a model directory; every file is checked against its manifest first.

        Raises:
            IntegrityError: a file is missing or changed; it is named.
        """
        from graftwork.model.directory import load_model

        return load_model(Path(folder), placement=placement)

    def _head_scores(
        self,
        name: str,
        values: Mapping[str, Sequence[Any]],
        store: FeatureStore | None,
        progress: Progress,
    ) -> np.ndarray:
        head = self.heads[name]
        return head.scores([self._raw(block, values, store, progress) for block in head.blocks])

    def _raw(
        self,
        block: HeadBlock,
        values: Mapping[str, Sequence[Any]],
        store: FeatureStore | None,
        progress: Progress,
    ) -> Any:
        node = self.graph.features[block.node]
        backbone, column = self.backbones[node.backbone], values[node.input]
        if block.readout is None:
            prepared = backbone.prepare(column)
            return backbone.encode(prepared, np.arange(len(column)), Shape.SPARSE)
        if store is not None:
            return block.readout.readout.raw(
                store.features(backbone, column, progress=progress).view
            )
        pooled = _encode_all(backbone, column, progress)
        vectors = vectors_of(backbone)
        return block.readout.readout.raw(
            lambda layer, pooling: vectors.view(pooled, layer, pooling)
        )

    def _named(
        self, inputs: Mapping[str, Sequence[Any]] | Sequence[Any]
    ) -> Mapping[str, Sequence[Any]]:
        names = list(self.graph.inputs)
        if not isinstance(inputs, Mapping):
            if isinstance(inputs, str):
                raise ParameterError("predict takes a list of inputs, not one text")
            if len(names) != 1:
                raise DataError(f"the model reads the inputs {', '.join(names)}; give them by name")
            inputs = {names[0]: inputs}
        missing = [name for name in names if name not in inputs]
        if missing:
            raise DataError(
                f"the model reads the inputs {', '.join(names)}; missing: {', '.join(missing)}"
            )
        lengths = {len(inputs[name]) for name in names}
        if len(lengths) > 1:
            raise DataError(f"inputs of unequal length: {sorted(lengths)}")
        return inputs


def _encode_all(backbone: Backbone, column: Sequence[Any], progress: Progress) -> np.ndarray:
    """float32 (n, layers, poolings, d), or flat rows (`bases.vectors`), batch by batch."""
    prepared = backbone.prepare(column)
    device = getattr(getattr(backbone, "placement", None), "device", "cpu")
    batches = plan_batches(prepared.lengths, device)

    vectors = vectors_of(backbone)

    def work(batch: np.ndarray) -> Any:
        progress.check()
        return vectors.flat(np.asarray(backbone.encode(prepared, batch, Shape.POOLED)))

    # one batch alone gets all threads; several run side by side with one thread each
    alone = device != "cpu" or len(batches) == 1
    passes = map(work, batches) if alone else networks_side_by_side(work, batches)
    out: np.ndarray | None = None
    for batch, values in zip(batches, passes, strict=True):
        if out is None:
            out = np.empty((len(column), *values.shape[1:]), dtype=np.float32)
        out[batch] = values
    if out is None:
        widest = max(max(layer) for layer in vectors.widths)
        shape = (0, backbone.n_layers, len(backbone.poolings), widest)
        return vectors.flat(np.zeros(shape, np.float32))
    return out
