"""Batch norms folded into the convolutions before them, for networks that stand still."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from graftwork.bases._convnet_layers import Chain, Plan, layers_of

__all__ = ["frozen_reader"]

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


def folded(units: Sequence[nn.Module]) -> nn.ModuleList:
    """Copies of the units, every batch norm that follows a convolution made part of it."""
    copies = copy.deepcopy(nn.ModuleList(units))
    for module in list(copies.modules()):
        for (before, conv), (after, norm) in pairwise(list(module.named_children())):
            if _folds(conv, norm):
                setattr(module, before, fuse_conv_bn_eval(conv, norm))
                setattr(module, after, nn.Identity())
    return copies


def _folds(conv: nn.Module, norm: nn.Module) -> bool:
    return (
        isinstance(conv, nn.Conv2d)
        and type(norm) is nn.BatchNorm2d
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
