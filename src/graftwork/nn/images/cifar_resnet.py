"""Residual networks for pictures of 32 × 32 pixels, with shortcuts that have no weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graftwork.nn.images._inputs import IMAGENET, pictures
from graftwork.registry import declare

if TYPE_CHECKING:
    from graftwork.nn.images._network import ImageNetwork

__all__ = ["resnet20_cifar", "resnet32_cifar", "resnet56_cifar"]


@declare(
    "resnet20_cifar",
    title="ResNet-20 for 32 × 32 pixels, 0.3 million weights",
    source="He et al. 2015",
    input=pictures(32, IMAGENET),
    ends=(0, 3, 6, 9),
    options={},
)
def resnet20_cifar(n_classes: int | None) -> ImageNetwork:
    """Three blocks a stage."""
    return _resnet(3, n_classes)


@declare(
    "resnet32_cifar",
    title="ResNet-32 for 32 × 32 pixels, 0.5 million weights",
    source="He et al. 2015",
    input=pictures(32, IMAGENET),
    ends=(0, 5, 10, 15),
    options={},
)
def resnet32_cifar(n_classes: int | None) -> ImageNetwork:
    """Five blocks a stage."""
    return _resnet(5, n_classes)


@declare(
    "resnet56_cifar",
    title="ResNet-56 for 32 × 32 pixels, 0.9 million weights",
    source="He et al. 2015",
    input=pictures(32, IMAGENET),
    ends=(0, 9, 18, 27),
    options={},
)
def resnet56_cifar(n_classes: int | None) -> ImageNetwork:
    """Nine blocks a stage."""
    return _resnet(9, n_classes)


def _resnet(blocks: int, n_classes: int | None) -> ImageNetwork:
    from graftwork.nn.images._staged import StagedNetwork

    return StagedNetwork(blocks, n_classes)
