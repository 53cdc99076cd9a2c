"""From a checkpoint directory of an image network to a backbone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graftwork.bases._checkpoint import check_checkpoint
from graftwork.bases._loading import open_network, weights_hash
from graftwork.bases._vision_layers import Anatomy, anatomy, layer_states
from graftwork.bases._vision_pictures import Processor
from graftwork.bases.vision import Vision
from graftwork.errors import BaseModelError, Fault, UnsupportedError
from graftwork.runtime.devices import Placement, place

__all__ = ["load_vision"]

# Architectures whose features would mean something else than they seem to.
_REFUSED = {"vit_mae": "it hides most patches of every picture at random, also when it is used"}


def load_vision(
    folder: Path, *, placement: Placement | None = None, facts: dict[str, Any] | None = None
) -> Vision:
    """Check and open a checkpoint directory (see `Vision.load`)."""
    placement = placement or place()
    config = check_checkpoint(folder, tokenizer=False)
    why = _REFUSED.get(str(config.get("model_type")))
    if why:
        raise BaseModelError(faults=[Fault(why, file=str(folder), field="model_type")])
    processor = Processor(folder)
    network = open_network(folder, placement)
    return Vision(
        network,
        processor,
        folder,
        anatomy=_anatomy(network, processor, folder, placement),
        placement=placement,
        weights_hash=weights_hash(network),
        facts=facts,
    )


def _anatomy(network: Any, processor: Processor, folder: Path, placement: Placement) -> Anatomy:
    """Seen on one picture without content: no config tells what all architectures give."""
    import torch

    size = (processor.height, processor.width)
    pixels = torch.zeros((1, 3, *size), device=placement.device, dtype=placement.dtype)
    try:
        with torch.no_grad():
            output = network(pixel_values=pixels, output_hidden_states=True)
            return anatomy(layer_states(output), network.config, size)
    except (RuntimeError, ValueError, TypeError, AttributeError, UnsupportedError) as error:
        message = f"cannot read pictures of {size[0]} x {size[1]} pixels: {error}"[:400]
        raise BaseModelError(faults=[Fault(message, file=str(folder))]) from error
