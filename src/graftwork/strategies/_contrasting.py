"""A network that trains by comparing rows, and a head fitted on what it then says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from graftwork.strategies._tuning import Tuning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graftwork.bases.tunable import Tunable
    from graftwork.model.head import ModelHead
    from graftwork.strategies._tuned_rows import TunedRows
    from graftwork.tasks.task import Task
    from graftwork.training.trainee import Weights

__all__ = ["TEMPERATURE", "Contrasting", "supervised_contrast"]

TEMPERATURE = 0.1  # as Khosla et al. 2020


class Contrasting(Tuning):
    """A `Trainee`: rows of one label are drawn together, others apart; no head trains.

    The head is fitted anew on the features of the rows wherever it is asked for: it is a matter of
    milliseconds, has one optimum, and a head that trained along would have to start from a few rows
    what that finds exactly.

    Args:
        tunable, head, task, rows: as of `Tuning`.
        strength: C of the head.
    """

    def __init__(
        self, tunable: Tunable, head: ModelHead, task: Task, rows: TunedRows, strength: float
    ) -> None:
        super().__init__(tunable, head, task, rows)
        self.head = {}
        self.kinds = rows.codes
        self.strength = strength

    def weights(self) -> Sequence[Weights]:
        """The layers from the head down."""
        return [group for group in super().weights() if group.names]

    def loss(self, rows: np.ndarray) -> Any:
        """The contrast summed over the rows at `rows`, each against the others."""
        own = rows % len(self.rows)
        weights = None if self.rows.weights is None else self.rows.weights[own]
        return supervised_contrast(self.raw(self.rows, rows), self.rows.codes[own], weights)

    def finished_head(self) -> ModelHead:
        """Fitted on the rows under the weights as they are.

        Raises:
            TrainingError: the weights are no numbers any more.
        """
        from dataclasses import replace

        from graftwork.errors import TrainingError
        from graftwork.features.convex import fit_head
        from graftwork.model.head import ModelHead

        raws = self._raws(self.rows)
        if not all(np.isfinite(raw).all() for raw in raws):
            raise TrainingError("the learning rate is too high for this base: it gives no numbers")
        blocks = tuple(
            replace(block, readout=own.readout.fit(raw))
            for block, own, raw in zip(self.blocks, self.readouts, raws, strict=True)
        )
        linear = fit_head(
            [block.apply(raw) for block, raw in zip(blocks, raws, strict=True)],
            self.rows.codes,
            self.task.convex(),
            strength=self.strength,
            sample_weight=self.rows.weights,
        )
        return ModelHead(self.task, blocks, linear)

    def scores(self, rows: TunedRows) -> np.ndarray:
        """float32 (n, outputs) of other rows, by a head fitted on those that it trains on."""
        head = self.finished_head()
        raws = self._raws(rows)
        return head.linear.scores(
            [block.apply(raw) for block, raw in zip(head.blocks, raws, strict=True)]
        )

    def _raws(self, rows: TunedRows) -> list[np.ndarray]:
        return self.passes(rows, lambda index: self.raw(rows, index))


def supervised_contrast(
    vectors: Sequence[Any], codes: np.ndarray, weights: np.ndarray | None = None
) -> Any:
    """How much closer rows of another label are than those of the same (Khosla et al. 2020).

    Of each row that has a partner: the mean, over its partners, of −log softmax of their cosine
    among all other rows, divided by `TEMPERATURE`. A row without one counts only for the others.

    Args:
        vectors: torch (b, d), one an input; set side by side, each of length 1.
        codes: int (b,) labels.
        weights: float32 (b,) of rows, or None.

    Returns:
        the sum over rows, a scalar torch tensor.
    """
    import torch

    units = [v / v.norm(dim=1, keepdim=True).clamp(min=1e-12) for v in vectors]
    cosines = sum(unit @ unit.T for unit in units) / len(units)
    labels = torch.from_numpy(codes).to(cosines.device)
    itself = torch.eye(len(codes), dtype=torch.bool, device=cosines.device)
    partners = (labels[:, None] == labels[None, :]) & ~itself
    odds = (cosines / TEMPERATURE).masked_fill(itself, float("-inf")).log_softmax(dim=1)
    count = partners.sum(dim=1)
    each = -odds.masked_fill(~partners, 0.0).sum(dim=1) / count.clamp(min=1)
    if weights is not None:
        each = each * torch.from_numpy(weights).to(each.device)
    return each.sum()
