"""From one vector a token to one vector a text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["POOLINGS", "pool_layers", "real_tokens"]


def _mean(states: Tensor, mask: Tensor, lengths: Tensor) -> Tensor:
    if bool(mask.all()):
        return states.mean(1)
    weights = mask.transpose(1, 2).to(states.dtype) / lengths.clamp(min=1)[:, None, None]
    return (weights @ states).squeeze(
        1
    )  # one read of the states, where (states * mask) takes three


def _first(states: Tensor, mask: Tensor, lengths: Tensor) -> Tensor:
    return states[:, 0]


def _last(states: Tensor, mask: Tensor, lengths: Tensor) -> Tensor:
    import torch

    rows = torch.arange(states.shape[0], device=states.device)
    return states[rows, (lengths - 1).clamp(min=0)]


POOLINGS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "mean": _mean,  # average over the tokens (Reimers & Gurevych 2019)
    "first": _first,  # the classification token (Devlin et al. 2019)
    "last": _last,  # the last token: the only one that saw all, in a decoder
}


def pool_layers(layers: tuple[Tensor, ...], lengths: Tensor, poolings: tuple[str, ...]) -> Tensor:
    """Pool every layer in every way.

    Args:
        layers: hidden states, each (b, t, d), padded on the right.
        lengths: int (b,), real tokens of each row.
        poolings: names out of `POOLINGS`.

    Returns:
        float32 (b, layers, poolings, d).
    """
    import torch

    mask = real_tokens(lengths, layers[0].shape[1])
    pooled = [
        torch.stack([POOLINGS[name](states.float(), mask, lengths) for name in poolings], dim=1)
        for states in layers
    ]
    return torch.stack(pooled, dim=1)


def real_tokens(lengths: Tensor, width: int) -> Tensor:
    """Bool (b, width, 1): which tokens are no padding."""
    import torch

    steps = torch.arange(width, device=lengths.device)
    return (steps[None, :] < lengths[:, None]).unsqueeze(-1)
