"""AdamW over the groups of a trainee, with a state that is kept as plain tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graftwork.errors import IntegrityError
from graftwork.runtime.spread import Spread, even_shares, in_one
from graftwork.training.options import TrainOptions
from graftwork.training.trainee import Weights

__all__ = ["Optimizer"]


class Optimizer:
    """AdamW (Loshchilov & Hutter 2019) with rates by depth.

    Args:
        groups: what trains.
        options: rates and decay.

    Raises:
        ValueError: a parameter stands in two groups.
    """

    def __init__(self, groups: Sequence[Weights], options: TrainOptions) -> None:
        self.names = [name for group in groups for name in group.names]
        self.parameters = [p for group in groups for p in group.parameters]
        self.options = options
        if len(set(map(id, self.parameters))) < len(self.parameters):
            raise ValueError("a parameter stands in two groups: two threads would move it")
        self.parts = [part for group in groups for part in _parts(group, options)]
        self.owners = {p: part.torch for part in self.parts for p in part.parameters}

    def step(self, factor: float, spread: Spread = in_one) -> None:
        """Clip the gradients, then move the weights at `factor` of their rates."""
        self._clip(spread)

        def move(share: list[int]) -> None:
            for i in share:
                self.parts[i].step(factor)

        spread(move, [part.size for part in self.parts])

    def _clip(self, spread: Spread) -> None:
        """As `torch.nn.utils.clip_grad_norm_`, in shares."""
        import torch
        from torch.nn import utils

        moved = [p for p in self.parameters if p.grad is not None]
        if not moved:
            return
        sizes = [p.numel() for p in moved]
        norms: list[Any] = [None] * len(moved)

        def measure(share: list[int]) -> None:
            found = torch._foreach_norm([moved[i].grad for i in share])
            for i, norm in zip(share, found, strict=True):
                norms[i] = norm

        def cut(share: list[int]) -> None:
            utils.clip_grads_with_norm_([moved[i] for i in share], self.options.clip, norm)

        spread(measure, sizes)
        norm = torch.linalg.vector_norm(torch.stack(norms))
        if not float(norm) <= self.options.clip:  # scaling by 1 would read and write all of them
            spread(cut, sizes)

    def state(self) -> dict[str, np.ndarray]:
        """Weights and both moments by name, float32, copied."""
        found: dict[str, np.ndarray] = {}
        for name, parameter in zip(self.names, self.parameters, strict=True):
            found[f"weight.{name}"] = _array(parameter)
            kept = self.owners[parameter].state.get(parameter, {})
            if kept:
                found[f"mean.{name}"] = _array(kept["exp_avg"])
                found[f"square.{name}"] = _array(kept["exp_avg_sq"])
        return found

    def restore(self, state: Mapping[str, np.ndarray], steps: int) -> None:
        """Take up what `state` gave after `steps` steps.

        Raises:
            IntegrityError: it is of other weights.
        """
        import torch

        for name, parameter in zip(self.names, self.parameters, strict=True):
            kept = state.get(f"weight.{name}")
            if kept is None or tuple(kept.shape) != tuple(parameter.shape):
                raise IntegrityError(f"the checkpoint does not fit: weight {name!r}")
            with torch.no_grad():
                parameter.copy_(torch.from_numpy(kept.copy()))
            if steps and f"mean.{name}" in state:
                self.owners[parameter].state[parameter] = {
                    # the fused step counts where the weights are
                    "step": torch.tensor(
                        float(steps), dtype=torch.float32, device=parameter.device
                    ),
                    "exp_avg": _like(state[f"mean.{name}"], parameter),
                    "exp_avg_sq": _like(state[f"square.{name}"], parameter),
                }


@dataclass(frozen=True, eq=False)
class _Part:
    """Some parameters of a group, which move on their own: side by side with others."""

    parameters: list[Any]
    torch: Any
    rate: float
    size: int

    def step(self, factor: float) -> None:
        self.torch.param_groups[0]["lr"] = self.rate * factor
        self.torch.step()
        self.torch.zero_grad(set_to_none=True)


def _parts(group: Weights, options: TrainOptions) -> list[_Part]:
    """A group in two parts of about the same size: one layer alone moves side by side too."""
    import torch

    found = []
    for share in even_shares([p.numel() for p in group.parameters], 2):
        parameters = [group.parameters[i] for i in share]
        made = torch.optim.AdamW(
            parameters,
            weight_decay=options.weight_decay if group.decays else 0.0,
            fused=True,  # one pass over the memory of weights, gradients and moments
        )
        size = sum(p.numel() for p in parameters)
        found.append(_Part(parameters, made, _rate(group, options), size))
    return found


def _rate(group: Weights, options: TrainOptions) -> float:
    if group.depth == 0:
        return options.rate * options.head_rate
    return options.rate * options.layer_decay ** (group.depth - 1)


def _array(tensor: Any) -> np.ndarray:
    return np.array(tensor.detach().cpu().numpy(), dtype=np.float32)


def _like(values: np.ndarray, parameter: Any) -> Any:
    import torch

    return torch.from_numpy(values.copy()).to(parameter.device)
