"""SqueezeNet 1.0 and 1.1: squeezed and expanded by 1×1 and 3×3 side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graftwork.nn.images._inputs import IMAGENET, pictures
from graftwork.registry import declare

if TYPE_CHECKING:
    from graftwork.nn.images._network import ImageNetwork

__all__ = ["squeezenet1_0", "squeezenet1_1"]

# (squeezed channels, channels of each branch) of the eight blocks; "pool" halves the map
_FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))

# Caffe's recipe, where the published weights come from, presses pictures to a square. On clothes
# that does as well as cropping (.832 and .829 in cross-validation); torchvision's saw crops.
_AS_CAFFE = pictures(227, IMAGENET, "squash")


@declare(
    "squeezenet1_0",
    title="SqueezeNet 1.0, 1.2 million weights",
    source="Iandola et al. 2016",
    aliases=("torchvision/squeezenet1_0",),
    input=_AS_CAFFE,
    ends=(1, 5, 10, 12),
    options={},
    torchvision={"input": pictures(224, IMAGENET)},
)
def squeezenet1_0(n_classes: int | None) -> ImageNetwork:
    """The first version: 7×7 first, pools late."""
    return _squeezenet(96, 7, pools=(0, 3, 7), n_classes=n_classes)


@declare(
    "squeezenet1_1",
    title="SqueezeNet 1.1, 1.2 million weights, less than half the work of 1.0",
    source="Iandola et al. 2016",
    aliases=("torchvision/squeezenet1_1",),
    input=_AS_CAFFE,
    ends=(1, 4, 7, 12),
    options={},
    torchvision={"input": pictures(224, IMAGENET)},
)
def squeezenet1_1(n_classes: int | None) -> ImageNetwork:
    """The second version: 3×3 first, pools early."""
    return _squeezenet(64, 3, pools=(0, 2, 4), n_classes=n_classes)


def _squeezenet(
    first: int, kernel: int, *, pools: tuple[int, ...], n_classes: int | None
) -> ImageNetwork:
    """`pools` tells before which blocks the map is halved."""
    from torch import nn

    from graftwork.nn.images._blocks import Fire
    from graftwork.nn.images._network import FeatureNetwork

    parts: list[nn.Module] = [nn.Conv2d(3, first, kernel, stride=2), nn.ReLU(inplace=True)]
    wide = first
    for number, (few, each) in enumerate(_FIRES):
        if number in pools:
            parts.append(nn.MaxPool2d(3, stride=2, ceil_mode=True))
        parts.append(Fire(wide, few, each))
        wide = 2 * each
    classifier = None
    if n_classes is not None:
        classifier = nn.Sequential(
            nn.Dropout(0.5),
            nn.Conv2d(wide, n_classes, 1),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
        )
    return FeatureNetwork(parts, classifier, pooled=False)
