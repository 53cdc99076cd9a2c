"""MobileNetV1: each channel filtered on its own, then mixed by 1×1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graftwork.nn.images._inputs import CENTRED, pictures
from graftwork.registry import declare

if TYPE_CHECKING:
    from graftwork.nn.images._network import ImageNetwork

__all__ = ["mobilenet_v1", "mobilenet_v1_quarter"]

# (channels that leave, stride) of the thirteen blocks at width 1
_BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)),
    *((512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1)),
)
# As TensorFlow pads and normalises: all known weights of it come from there.
_OPTIONS = {"padding": "tf", "norm_eps": 1e-3}


@declare(
    "mobilenet_v1_1.0",
    title="MobileNetV1, width 1.0, 3.2 million weights",
    source="Howard et al. 2017",
    input=pictures(224, CENTRED),
    ends=(1, 3, 5, 11, 13),
    options=_OPTIONS,
)
def mobilenet_v1(n_classes: int | None, **style: Any) -> ImageNetwork:
    """The full width."""
    return _mobilenet(1.0, n_classes, style)


@declare(
    "mobilenet_v1_0.25",
    title="MobileNetV1, width 0.25, 0.2 million weights",
    source="Howard et al. 2017",
    input=pictures(128, CENTRED),
    ends=(1, 3, 5, 11, 13),
    options=_OPTIONS,
)
def mobilenet_v1_quarter(n_classes: int | None, **style: Any) -> ImageNetwork:
    """A quarter of the channels."""
    return _mobilenet(0.25, n_classes, style)


def _mobilenet(width: float, n_classes: int | None, style: dict[str, Any]) -> ImageNetwork:
    from torch import nn

    from graftwork.nn.images._blocks import conv_norm
    from graftwork.nn.images._network import FeatureNetwork

    wide = int(32 * width)
    parts: list[nn.Module] = [conv_norm(3, wide, 3, stride=2, **style)]
    for channels, stride in _BLOCKS:
        out = int(channels * width)
        filtered = conv_norm(wide, wide, 3, stride=stride, groups=wide, **style)
        parts.append(nn.Sequential(filtered, conv_norm(wide, out, 1, **style)))
        wide = out
    classifier = None
    if n_classes is not None:
        classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(wide, n_classes))
    return FeatureNetwork(parts, classifier, pooled=True)
