"""How batches of pictures go through an image network, whole or in the parts that tuning needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from graftwork.bases._vision_layers import layer_states

if TYPE_CHECKING:
    from graftwork.bases._vision_pictures import Pixels
    from graftwork.bases.vision import Vision

__all__ = ["VisionPasses"]


class VisionPasses:
    """The `Passes` of an image network (see `graftwork.bases._tunable`); a batch is its pixels."""

    attention = None

    def __init__(self, backbone: Vision) -> None:
        self.device = backbone.placement.device
        self.anatomy = backbone.anatomy
        self.size = (backbone.processor.height, backbone.processor.width)
        # the patches' projection stands still (Kumar et al. 2022); a convolutional network's first
        # stage is a stage like others
        tokens = self.anatomy.kept is None
        self.still = ("pooler", "head.", "mask_token", *(("embed",) if tokens else ()))

    def batch(self, prepared: Pixels, index: np.ndarray) -> Any:
        """Float32 (b, 3, height, width) on the device."""
        pixels = torch.from_numpy(prepared.pixels(index)).to(self.device)
        maps = self.anatomy.kept is not None
        return pixels.to(memory_format=torch.channels_last) if maps else pixels

    def smallest(self) -> Any:
        """One picture without content."""
        return torch.zeros((1, 3, *self.size), device=self.device)

    def run(self, network: Any, batch: Any) -> Sequence[Any]:
        """Hidden states of the layers of features."""
        batch = batch.to(next(network.parameters()).dtype)
        with _plain_tensors():
            output = network(pixel_values=batch, output_hidden_states=True)
        return self.anatomy.chosen(layer_states(output))

    def pool(self, states: Any, pooling: int, batch: Any) -> Any:
        """One vector a picture, float32 (b, d)."""
        return self.anatomy.pool(states, pooling)

    def rows(self, states: Any, batch: Any) -> list[np.ndarray]:
        """float32 (tokens, d) of each picture."""
        return list(states.float().cpu().numpy())

    def fed(self, states: Sequence[np.ndarray], batch: Any) -> Any:
        """What `rows` gave: float32 (b, tokens, d)."""
        return torch.from_numpy(np.stack(states).astype(np.float32, copy=False)).to(self.device)


@contextmanager
def _plain_tensors() -> Iterator[None]:
    """No inference mode: some networks keep a tensor that they made, and train with it later."""
    if not torch.is_inference_mode_enabled():
        yield
        return
    with torch.inference_mode(False), torch.no_grad():
        yield
