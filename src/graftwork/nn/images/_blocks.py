"""The blocks that the image networks are built of."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Fire", "InvertedResidual", "PlainBlock", "SameConv2d", "conv_norm", "convolution"]


class SameConv2d(nn.Conv2d):
    """A convolution that pads as TensorFlow's ``SAME`` does: what is odd goes right and below."""

    def _conv_forward(self, maps: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Float (b, c, ceil(h / stride), ceil(w / stride))."""
        sides: list[int] = []
        for axis in (1, 0):
            size, kernel, stride = maps.shape[2 + axis], self.kernel_size[axis], self.stride[axis]
            whole = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            sides += [whole // 2, whole - whole // 2]
        padded = functional.pad(maps, sides) if any(sides) else maps
        return super()._conv_forward(padded, weight, bias)


def convolution(
    wide: int, out: int, kernel: int, *, stride: int = 1, groups: int = 1, padding: str
) -> nn.Conv2d:
    """A convolution without bias that keeps the size, or halves it.

    Args:
        wide: channels that enter.
        out: channels that leave.
        kernel: odd, in pixels.
        stride: 1 or 2.
        groups: `wide` for a depthwise one.
        padding: ``symmetric``, or ``tf``, which differs where the stride is 2.
    """
    options: dict[str, Any] = {"stride": stride, "groups": groups, "bias": False}
    if padding == "tf" and stride > 1:
        return SameConv2d(wide, out, kernel, **options)
    return nn.Conv2d(wide, out, kernel, padding=kernel // 2, **options)


def conv_norm(
    wide: int,
    out: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    padding: str,
    norm_eps: float,
) -> nn.Sequential:
    """Convolution, batch norm, ReLU6."""
    conv = convolution(wide, out, kernel, stride=stride, groups=groups, padding=padding)
    return nn.Sequential(conv, nn.BatchNorm2d(out, eps=norm_eps), nn.ReLU6(inplace=True))


class Fire(nn.Module):
    """SqueezeNet's block: few channels, then 1×1 and 3×3 side by side (Iandola et al. 2016)."""

    def __init__(self, wide: int, few: int, each: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(wide, few, 1)
        self.expand1x1 = nn.Conv2d(few, each, 1)
        self.expand3x3 = nn.Conv2d(few, each, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """Float (b, 2 · each, h, w)."""
        few = functional.relu(self.squeeze(maps), inplace=True)
        both = torch.cat([self.expand1x1(few), self.expand3x3(few)], 1)
        return functional.relu(both, inplace=True)


class InvertedResidual(nn.Module):
    """MobileNetV2: widen, filter each channel, narrow without ReLU (Sandler et al. 2018)."""

    def __init__(self, wide: int, out: int, stride: int, factor: int, **style: Any) -> None:
        super().__init__()
        inner = wide * factor
        parts: list[nn.Module] = [conv_norm(wide, inner, 1, **style)] if factor > 1 else []
        self.conv = nn.Sequential(
            *parts,
            conv_norm(inner, inner, 3, stride=stride, groups=inner, **style),
            convolution(inner, out, 1, padding=style["padding"]),
            nn.BatchNorm2d(out, eps=style["norm_eps"]),
        )
        self.adds = stride == 1 and wide == out

    def forward(self, maps: Tensor) -> Tensor:
        """Float (b, out, h, w), halved where the stride is 2."""
        changed: Tensor = self.conv(maps)
        return maps + changed if self.adds else changed


class PlainBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut without weights: option A of He et al. (2015).

    Where the block halves the map, the shortcut takes every second pixel and fills the new
    channels, on both sides, with zeros.
    """

    def __init__(self, wide: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(wide, out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.stride = stride
        self.fill = (out - wide) // 2

    def forward(self, maps: Tensor) -> Tensor:
        """Float (b, out, h, w), halved where the stride is 2."""
        changed = functional.relu(self.bn1(self.conv1(maps)), inplace=True)
        changed = self.bn2(self.conv2(changed))
        if self.stride > 1:
            maps = maps[:, :, :: self.stride, :: self.stride]
        if self.fill:
            maps = functional.pad(maps, (0, 0, 0, 0, self.fill, self.fill))
        return functional.relu(maps + changed)
