"""Backbone, readout and head as one network that trains."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graftwork.runtime.spread import Spread, in_one

if TYPE_CHECKING:
    from graftwork.bases.tunable import Tunable
    from graftwork.features.readout import FittedReadout
    from graftwork.model.head import ModelHead
    from graftwork.strategies._tuned_rows import TunedRows
    from graftwork.tasks.task import Task
    from graftwork.training.trainee import Weights

__all__ = ["Tuning", "blend"]

NO_DECAY = ("bias", "norm", "ln_")


class Tuning:
    """A `Trainee`: the tunable part of a base under a head that was fitted on frozen features.

    The readout stays what the probe chose (its layers, pooling and standardisation); the layers
    above the boundary and the head move.

    Args:
        tunable: of the base.
        head: what the probe ended with; one block an input.
        task: gives the loss.
        rows: to train on.
    """

    def __init__(self, tunable: Tunable, head: ModelHead, task: Task, rows: TunedRows) -> None:
        import torch

        self.tunable = tunable
        self.task = task
        self.rows = rows
        self.lengths = rows.lengths
        self.views = rows.views
        self.kinds: np.ndarray | None = None
        self.device = str(tunable.backbone.placement.device)
        self.blocks = head.blocks
        self.readouts = [_TorchReadout(block.readout, self.device) for block in head.blocks]
        values = {f"head.{i}": w for i, w in enumerate(head.linear.weights)}
        values["head.bias"] = head.linear.bias
        self.head = {
            name: torch.nn.Parameter(torch.from_numpy(np.array(v, np.float32)).to(self.device))
            for name, v in values.items()
        }

    def weights(self) -> Sequence[Weights]:
        """The head, then the layers from the head down, biases and norms apart."""
        from graftwork.training.trainee import Weights

        groups: dict[tuple[int, bool], list[tuple[str, Any]]] = {}
        for name, parameter in self.head.items():
            groups.setdefault((0, name != "head.bias"), []).append((name, parameter))
        for name, parameter, depth in self.tunable.parameters():
            decays = parameter.ndim > 1 and not any(word in name.lower() for word in NO_DECAY)
            groups.setdefault((depth, decays), []).append((f"base.{name}", parameter))
        return [
            Weights(tuple(n for n, _ in found), tuple(p for _, p in found), depth, decays)
            for (depth, decays), found in sorted(groups.items())
        ]

    def worker(self) -> Tuning:
        """Another that shares all weights."""
        import torch

        twin = copy.copy(self)
        twin.tunable = self.tunable.sharing()
        twin.head = {name: torch.nn.Parameter(p.detach()) for name, p in self.head.items()}
        return twin

    def renew(self, spread: Spread = in_one) -> None:
        """Tell all workers of the weights as they are now."""
        self.tunable.renew(spread)

    def finished_head(self) -> ModelHead:
        """The head as it is now."""
        from graftwork.features.convex import Head as Linear
        from graftwork.model.head import ModelHead

        values = {name: np.array(p.detach().cpu().numpy()) for name, p in self.head.items()}
        weights = [values[f"head.{i}"] for i in range(len(self.readouts))]
        return ModelHead(self.task, self.blocks, Linear(weights, values["head.bias"]))

    def loss(self, rows: np.ndarray) -> Any:
        """The task's loss summed over the rows at `rows`, numbered as `Trainee.views` says."""
        own = rows % len(self.rows)
        weights = None if self.rows.weights is None else self.rows.weights[own]
        return self.task.loss(self._scores(self.rows, rows), self.rows.codes[own], weights)

    def scores(self, rows: TunedRows) -> np.ndarray:
        """float32 (n, outputs) of other rows under the weights as they are."""
        (out,) = self.passes(rows, lambda index: [self._scores(rows, index)])
        return out

    def passes(
        self, rows: TunedRows, work: Callable[[np.ndarray], Sequence[Any]]
    ) -> list[np.ndarray]:
        """Float32 (n, …) arrays of all rows, from what `work` gives of some: tensors (b, …)."""
        import torch

        from graftwork.runtime.batches import plan_batches
        from graftwork.runtime.threads import networks_side_by_side

        batches = plan_batches(rows.lengths, self.device)

        def told(index: np.ndarray) -> list[np.ndarray]:
            with torch.inference_mode():
                return [np.asarray(found.float().cpu().numpy()) for found in work(index)]

        # a fed network holds the states of one batch at a time
        alone = self.device != "cpu" or self.tunable.cached
        found = list(map(told, batches) if alone else networks_side_by_side(told, batches))
        place = np.argsort(np.concatenate(batches))  # every row is in one batch
        return [np.concatenate(parts)[place] for parts in zip(*found, strict=True)]

    def _scores(self, rows: TunedRows, index: np.ndarray) -> Any:
        total = self.head["head.bias"]
        parts = self.raw(rows, index)
        for number, (readout, mixed) in enumerate(zip(self.readouts, parts, strict=True)):
            total = total + readout.standardised(mixed) @ self.head[f"head.{number}"]
        return total

    def raw(self, rows: TunedRows, index: np.ndarray) -> list[Any]:
        """Of each input, a tensor (b, d): what its readout reads, before it is standardised."""
        own = index % len(rows)  # a view has the frozen layers of its row
        found = []
        for readout, column in zip(self.readouts, rows.columns, strict=True):
            layers = [(layer, readout.pooling) for layer in readout.layers]
            wanted = [place for place in layers if place not in column.frozen]
            states = None if column.states is None else column.states.of(index)
            moved = dict(
                zip(
                    wanted,
                    self.tunable.pooled(column.prepared, index, wanted, states),
                    strict=True,
                )
            )
            parts = [
                moved[place] if place in moved else readout.tensor(column.frozen[place][own])
                for place in layers
            ]
            found.append(readout.mixed(parts))
        return found

    def tensors(self) -> dict[str, np.ndarray]:
        """All weights that train, by name, copied."""
        own = {name: np.array(p.detach().cpu().numpy()) for name, p in self.head.items()}
        return own | {f"base.{n}": v for n, v in self.tunable.tensors().items()}

    def put(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Set all weights."""
        import torch

        with torch.no_grad():
            for name, parameter in self.head.items():
                parameter.copy_(torch.from_numpy(tensors[name]))
        prefix = "base."
        self.tunable.put({n[len(prefix) :]: v for n, v in tensors.items() if n.startswith(prefix)})


def blend(
    start: Mapping[str, np.ndarray], end: Mapping[str, np.ndarray], share: float
) -> dict[str, np.ndarray]:
    """Weights `share` of the way from `start` to `end` (WiSE-FT, Wortsman et al. 2022).

    A low-rank change is a product of two factors of which the second begins at 0; that one alone is
    scaled, so that the change itself goes `share` of the way.
    """
    if share == 1.0:
        return dict(end)
    part = np.float32(share)
    return {
        name: value if ".lora_A." in name else start[name] + part * (value - start[name])
        for name, value in end.items()
    }


class _TorchReadout:
    """A fitted readout in torch: the same numbers as `Readout.raw` and `FittedReadout.apply`."""

    def __init__(self, fitted: FittedReadout | None, device: str) -> None:
        import torch

        if fitted is None:
            raise ValueError("only readouts of dense features can be tuned")
        self.readout = fitted.readout
        self.layers, self.pooling = fitted.readout.layers, fitted.readout.pooling
        self.device = device
        self.mean = torch.from_numpy(fitted.mean).to(device)
        self.factor = torch.from_numpy(fitted.factor).to(device)

    def tensor(self, values: np.ndarray) -> Any:
        import torch

        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self.device)

    def standardised(self, mixed: Any) -> Any:
        return (mixed - self.mean) * self.factor

    def mixed(self, parts: Sequence[Any]) -> Any:
        import torch

        from graftwork.features.readout import ROOT

        if self.readout.mix == "concat":
            mixed = torch.cat(list(parts), dim=1)
        else:
            mixed = sum(parts[1:], parts[0]) / len(parts)
        if self.readout.scale == "unit":
            mixed = mixed / mixed.norm(dim=1, keepdim=True).clamp(min=1e-12)
        elif self.readout.scale == "root":
            mixed = mixed.sign() * ((mixed.abs() + ROOT).sqrt() - ROOT**0.5)
        return mixed
