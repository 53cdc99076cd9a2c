"""The network of `cifar_resnet`: a stem, three stages of plain blocks, one linear layer."""

from __future__ import annotations

from torch import Tensor, nn

from graftwork.nn.images._blocks import PlainBlock
from graftwork.nn.images._network import ImageNetwork, initialised

__all__ = ["StagedNetwork"]


class StagedNetwork(ImageNetwork):
    """Units: the stem, then every block.

    Args:
        blocks: in each of the three stages.
        n_classes: of the linear layer; None: there is none.
    """

    def __init__(self, blocks: int, n_classes: int | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _stage(16, 16, blocks, 1)
        self.layer2 = _stage(16, 32, blocks, 2)
        self.layer3 = _stage(32, 64, blocks, 2)
        self.linear = None if n_classes is None else nn.Linear(64, n_classes)
        initialised(self)

    def units(self) -> list[nn.Module]:
        """The stem as one unit, then the blocks."""
        stem = nn.Sequential(self.conv1, self.bn1, nn.ReLU(inplace=True))
        return [stem, *self.layer1, *self.layer2, *self.layer3]

    def logits(self, last: Tensor) -> Tensor:
        """Scores of the network's own classes."""
        if self.linear is None:
            raise ValueError("this network has no classifier")
        scores: Tensor = self.linear(last.mean((2, 3)))
        return scores


def _stage(wide: int, out: int, blocks: int, stride: int) -> nn.Sequential:
    first = PlainBlock(wide, out, stride)
    return nn.Sequential(first, *(PlainBlock(out, out, 1) for _ in range(blocks - 1)))
