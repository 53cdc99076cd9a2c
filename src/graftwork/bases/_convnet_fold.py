"""Batch norms folded into the convolutions before them.

Once and for all in a network that stands still; anew at every step in one that trains under fixed
statistics, where what is learnt stays the same and some passes over the maps are saved.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from graftwork.bases._convnet_layers import Chain, Plan, layers_of

__all__ = ["folds_alike", "frozen_reader", "trained_units"]

_TOLERANCE = 1e-4  # relative; what folding changes is rounding
_PROBE = 64  # side of the picture that is tried, in pixels


def frozen_reader(plan: Plan, network: Any, placement: Any, size: int) -> Any:
    """The quickest form of a network that only reads features, on its device.

    Args:
        plan: of the network's layers.
        network: float32, in evaluation mode; left as it is.
        placement: device and precision.
        size: side of the pictures, in pixels.
    """
    if plan.chained:
        units = folded(plan.of(network))
        reader: Any = Chain(plan, units).eval()
        if not _the_same(reader, Chain(plan, plan.of(network)).eval(), min(size, _PROBE)):
            reader = Chain(plan, copy.deepcopy(plan.of(network)))
    else:
        reader = plan.reader(copy.deepcopy(network))
    for parameter in reader.parameters():
        parameter.requires_grad_(False)
    reader = reader.eval().to(device=placement.device, dtype=placement.dtype)
    return reader.to(memory_format=torch.channels_last)


def folds_alike(plan: Plan, units: Sequence[nn.Module], size: int) -> bool:
    """Whether `trained_units` of these give what they give.

    Args:
        plan: of the network's layers; its units run one after the other.
        units: in evaluation mode, on the CPU.
        size: side of the pictures, in pixels.
    """
    quick = Chain(plan, trained_units(units))
    return _the_same(quick, Chain(plan, units), min(size, _PROBE))


def trained_units(units: Sequence[nn.Module]) -> nn.ModuleList:
    """Units with the same weights to learn that need fewer passes over the maps.

    Args:
        units: in evaluation mode; left as they are, and their weights shared.
    """
    return _fused(units, _ConvUnderNorm, {id(tensor): tensor for tensor in _tensors(units)})


def folded(units: Sequence[nn.Module]) -> nn.ModuleList:
    """Copies of the units, every batch norm that follows a convolution made part of it."""
    return _fused(units, fuse_conv_bn_eval, {})


def _fused(
    units: Sequence[nn.Module], fuse: Callable[[Any, Any], nn.Module], memo: dict[int, Any]
) -> nn.ModuleList:
    copies = copy.deepcopy(nn.ModuleList(units), memo)
    for module in list(copies.modules()):
        for (before, conv), (after, norm) in pairwise(list(module.named_children())):
            if _folds(conv, norm):
                setattr(module, before, fuse(conv, norm))
                setattr(module, after, nn.Identity())
    return copies


def _tensors(units: Sequence[nn.Module]) -> Iterator[Any]:
    for unit in units:
        yield from unit.parameters()
        yield from unit.buffers()


class _ConvUnderNorm(nn.Module):
    """A convolution whose kernel is scaled as the norm behind it would scale what it gives."""

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.conv, self.norm = conv, norm

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        conv, norm = self.conv, self.norm
        scale = (norm.running_var + norm.eps).rsqrt()  # type: ignore[operator]
        if norm.weight is not None:
            scale = scale * norm.weight
        bias = -norm.running_mean * scale  # type: ignore[operator]
        if conv.bias is not None:
            bias = bias + conv.bias * scale
        if norm.bias is not None:
            bias = bias + norm.bias
        return conv._conv_forward(maps, conv.weight * scale.view(-1, 1, 1, 1), bias)


def _folds(conv: nn.Module, norm: nn.Module) -> bool:
    return (
        isinstance(conv, nn.Conv2d)
        and type(norm) is nn.BatchNorm2d
        and type(conv).forward is nn.Conv2d.forward
        and norm.track_running_stats
        and conv.out_channels == norm.num_features
    )


def _the_same(one: Chain, other: Chain, side: int) -> bool:
    """Whether all layers agree on noise: not every batch norm follows what stands before it."""
    pixels = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    try:
        with torch.inference_mode():
            both = [list(layers_of(chain, pixels.clone(), ("mean",))) for chain in (one, other)]
    except RuntimeError:  # too small a picture for this network
        return False
    return all(
        bool((a - b).abs().max() <= _TOLERANCE * b.abs().max() + 1e-6)
        for (a,), (b,) in zip(*both, strict=True)
    )
