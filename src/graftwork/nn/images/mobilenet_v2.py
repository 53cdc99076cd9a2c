"""MobileNetV2: shortcuts between narrow maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graftwork.nn.images._inputs import CENTRED, IMAGENET, pictures
from graftwork.registry import declare

if TYPE_CHECKING:
    from graftwork.nn.images._network import ImageNetwork

__all__ = ["mobilenet_v2"]

# (factor of widening, channels that leave, blocks, stride of the first)
_STAGES = (
    *((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)),
    *((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)),
)


@declare(
    "mobilenet_v2",
    title="MobileNetV2, width 1.0, 3.5 million weights",
    source="Sandler et al. 2018",
    aliases=("torchvision/mobilenet_v2",),
    input=pictures(224, CENTRED),
    ends=(1, 3, 6, 13, 17, 18),
    # As TensorFlow pads and normalises; torchvision's own weights want the other.
    options={"padding": "tf", "norm_eps": 1e-3},
    torchvision={
        "input": pictures(224, IMAGENET),
        "options": {"padding": "symmetric", "norm_eps": 1e-5},
    },
)
def mobilenet_v2(n_classes: int | None, **style: Any) -> ImageNetwork:
    """The full width."""
    from torch import nn

    from graftwork.nn.images._blocks import InvertedResidual, conv_norm
    from graftwork.nn.images._network import FeatureNetwork

    wide, last = 32, 1280
    parts: list[nn.Module] = [conv_norm(3, wide, 3, stride=2, **style)]
    for factor, out, blocks, stride in _STAGES:
        for number in range(blocks):
            step = stride if number == 0 else 1
            parts.append(InvertedResidual(wide, out, step, factor, **style))
            wide = out
    parts.append(conv_norm(wide, last, 1, **style))
    classifier = None
    if n_classes is not None:
        classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, n_classes))
    return FeatureNetwork(parts, classifier, pooled=True)
