"""Tiny Darknet: fifteen convolutions that take turns in squeezing and widening."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graftwork.nn.images._inputs import PLAIN, pictures
from graftwork.registry import declare

if TYPE_CHECKING:
    from graftwork.nn.images._network import ImageNetwork

__all__ = ["darknet_tiny"]


@declare(
    "darknet_tiny",
    title="Tiny Darknet, 1.0 million weights",
    source="Redmon 2016",
    input=pictures(224, PLAIN),
    ends=(1, 5, 9, 13, 14),
    options={},
)
def darknet_tiny(n_classes: int | None) -> ImageNetwork:
    """The only size there is."""
    from graftwork.nn.images._darknet import Darknet

    return Darknet(n_classes)
