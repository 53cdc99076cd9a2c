"""The network of `tiny_darknet`."""

from __future__ import annotations

from torch import Tensor, nn

from graftwork.nn.images._network import ImageNetwork, initialised

__all__ = ["Darknet"]

# channels and kernels of the convolutions
_WIDTHS = (16, 32, 16, 128, 16, 128, 32, 256, 32, 256, 64, 512, 64, 512, 128)
_KERNELS = (3, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1)
_HALVED_BEFORE = (1, 2, 6, 10)
_NORM_EPS = 1e-3


class Darknet(ImageNetwork):
    """Units: convolution, batch norm and leaky ReLU, after a pool where the map is halved.

    Args:
        n_classes: of the 1×1 convolution at the end; None: there is none.
    """

    def __init__(self, n_classes: int | None) -> None:
        super().__init__()
        before = (3, *_WIDTHS[:-1])
        self.convs = nn.ModuleList(
            nn.Conv2d(wide, out, kernel, padding=kernel // 2, bias=False)
            for wide, out, kernel in zip(before, _WIDTHS, _KERNELS, strict=True)
        )
        self.bns = nn.ModuleList(nn.BatchNorm2d(out, eps=_NORM_EPS) for out in _WIDTHS)
        self.head = None if n_classes is None else nn.Conv2d(_WIDTHS[-1], n_classes, 1)
        initialised(self)

    def units(self) -> list[nn.Module]:
        """One unit a convolution."""
        found: list[nn.Module] = []
        for number, (conv, norm) in enumerate(zip(self.convs, self.bns, strict=True)):
            pools = [nn.MaxPool2d(2)] if number in _HALVED_BEFORE else []
            found.append(nn.Sequential(*pools, conv, norm, nn.LeakyReLU(0.1, inplace=True)))
        return found

    def logits(self, last: Tensor) -> Tensor:
        """Scores of the network's own classes."""
        if self.head is None:
            raise ValueError("this network has no classifier")
        scores: Tensor = self.head(last).mean((2, 3))
        return scores
