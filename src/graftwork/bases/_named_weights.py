"""What networks whose layers train share: their weights by name, and copies that share memory."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

__all__ = ["NamedWeights", "sharing_copy"]


class NamedWeights:
    """The weights of `network` that train: a part of every `Tunable` (see there)."""

    network: Any

    def _depths(self) -> dict[str, int]:
        """Depth of every parameter that trains, by name; the layer next to the head has 1."""
        raise NotImplementedError

    def parameters(self) -> Sequence[tuple[str, Any, int]]:
        """(name, torch parameter, depth) of all that trains."""
        depths = self._depths()
        return [(n, p, depths[n]) for n, p in self.network.named_parameters() if n in depths]

    def tensors(self) -> dict[str, np.ndarray]:
        """All weights that train, by name, copied."""
        return {n: np.array(p.detach().cpu().numpy()) for n, p, _ in self.parameters()}

    def put(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Set the weights that train."""
        with torch.no_grad():
            for name, parameter, _ in self.parameters():
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(tensors[name])))


def sharing_copy(
    original: Any, network: Any | None = None, instead: Sequence[tuple[Any, Any]] = ()
) -> Any:
    """A copy whose parameters share their memory with the original's, but not their gradients.

    Args:
        original: has the memory.
        network: what is copied, where it is another object on the same tensors.
        instead: (parameter of the original, the tensor that the copy gets in place of its memory).
    """
    memo: dict[int, Any] = {id(buffer): buffer for buffer in original.buffers()}
    own = [(parameter, parameter.detach()) for parameter in original.parameters()]
    for parameter, memory in (*own, *instead):
        memo[id(parameter)] = nn.Parameter(memory, parameter.requires_grad)
    return copy.deepcopy(original if network is None else network, memo)
