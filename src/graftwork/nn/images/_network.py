"""What every image network is: units that run one after the other, then a classifier."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["FeatureNetwork", "ImageNetwork", "initialised"]


class ImageNetwork(nn.Module):
    """A convolutional network that can be cut between its units.

    What a unit gives is all that the next one needs, so that features can be read after any of
    them, and the upper ones can be fed with what the lower ones gave.
    """

    def units(self) -> list[nn.Module]:
        """The units in order; they share their weights with the network."""
        raise NotImplementedError

    def logits(self, last: Tensor) -> Tensor:
        """Float (b, classes) from the last unit's map (b, c, h, w)."""
        raise NotImplementedError

    def forward(self, pixels: Tensor) -> Tensor:
        """Float (b, classes) from (b, 3, h, w)."""
        for unit in self.units():
            pixels = unit(pixels)
        return self.logits(pixels)


class FeatureNetwork(ImageNetwork):
    """A network whose units are the parts of ``features``, as torchvision names them.

    Args:
        features: the units.
        classifier: what follows; None: the network has no classes of its own.
        pooled: the classifier reads the mean over the map, rather than the map.
    """

    def __init__(
        self, features: Sequence[nn.Module], classifier: nn.Module | None, *, pooled: bool
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(*features)
        self.classifier = classifier
        self.pooled = pooled
        initialised(self)

    def units(self) -> list[nn.Module]:
        """The parts of ``features``."""
        return list(self.features)

    def logits(self, last: Tensor) -> Tensor:
        """Scores of the network's own classes."""
        if self.classifier is None:
            raise ValueError("this network has no classifier")
        return torch.flatten(self.classifier(last.mean((2, 3)) if self.pooled else last), 1)


def initialised(network: nn.Module) -> nn.Module:
    """Draw all weights anew so that signals keep their size on the way up (He et al. 2015).

    Convolutions by their fan-in, biases 0, batch norms the identity.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.01)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
            continue
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    return network
