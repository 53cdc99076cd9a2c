"""Hugging Face image networks as frozen backbones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.bases.backbone import Capability, Shape
from graftwork.bases.hints import TuningHints
from graftwork.errors import UnsupportedError
from graftwork.registry import declare

if TYPE_CHECKING:
    import numpy as np

    from graftwork.bases._low_rank import LowRankNetwork
    from graftwork.bases._tunable import TunableNetwork
    from graftwork.bases._vision_layers import Anatomy
    from graftwork.bases._vision_passes import VisionPasses
    from graftwork.bases._vision_pictures import Pixels, Processor
    from graftwork.registry import Declaration
    from graftwork.runtime.devices import Placement

__all__ = ["Vision"]


@declare(
    "vision",
    title="A Hugging Face image network, from a directory or by hub name",
    source="Wolf et al. 2020",
)
class Vision:
    """A frozen image network that gives vectors per layer, each layer of its own width.

    Transformers (ViT, DeiT, DINOv2, BEiT, …) are pooled by the mean over patches and by the
    classification token; networks of stages (ResNet, RegNet, ConvNeXt, MobileNet, Swin, …) by mean
    and maximum over all places, the last layer of each resolution counting.

    Open one with `graftwork.bases.open_base` or `load`; the constructor takes finished parts.

    Args:
        network: a transformers model in evaluation mode.
        processor: what makes pixels of a picture.
        folder: where its files lie.
        anatomy: what its layers look like.
        placement: device, precision and threads.
        weights_hash: SHA-256 over its tensors.
        random_seed: set for a twin with random weights (a control), None for the real one.
        facts: catalog facts for `describe` (licence, source).
    """

    declaration: ClassVar[Declaration]
    kind = "vision"
    modality = "image"
    shapes = frozenset({Shape.POOLED})
    hints = TuningHints(views=2)
    loaders = ("AutoModel", "AutoImageProcessor")

    def __init__(
        self,
        network: Any,
        processor: Processor,
        folder: Path,
        *,
        anatomy: Anatomy,
        placement: Placement,
        weights_hash: str,
        random_seed: int | None = None,
        facts: dict[str, Any] | None = None,
    ) -> None:
        if anatomy.kept is not None:  # maps: convolutions are a tenth to a quarter quicker so
            network = _channels_last(network)
        self.network = network
        self.processor = processor
        self.folder = folder
        self.anatomy = anatomy
        self.placement = placement
        self.random_seed = random_seed
        self.facts = facts or {}
        self._weights_hash = weights_hash
        self.config = network.config
        self.widths = anatomy.widths
        self.n_layers = len(anatomy.widths)
        self.dim = max(anatomy.widths)
        self.poolings = anatomy.poolings

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        placement: Placement | None = None,
        max_length: int | None = None,
        **facts: Any,
    ) -> Vision:
        """Open a checkpoint directory; `max_length` means nothing to pictures.

        Raises:
            BaseModelError: it is damaged, incomplete, or its weights do not fit its config.
        """
        from graftwork.bases._vision_loading import load_vision

        return load_vision(folder, placement=placement, facts=facts)

    def __getstate__(self) -> dict[str, Any]:
        """Without the hooks of transformers: not to be pickled, and set anew when needed."""
        from graftwork.bases._loading import without_hooks

        return {**self.__dict__, "network": without_hooks(self.network)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        from graftwork.bases._loading import known_here

        self.__dict__.update(state)
        known_here(self.network)

    def fingerprint(self) -> str:
        """SHA-256 over weights, config, image processor and precision."""
        from graftwork.bases.huggingface import plain_config
        from graftwork.storage.hashing import digest_json

        return digest_json(
            {
                "kind": self.kind,
                "weights": self._weights_hash,
                "config": plain_config(self.config),
                "processor": self.processor.text,
                "precision": self.placement.precision,
                "poolings": list(self.poolings),
                "random_seed": self.random_seed,
            }
        )

    def supports(self, capability: Capability) -> bool:
        """Tuned in whole always; from a boundary where its layers stand one by one."""
        from graftwork.bases._layers import layer_list

        if capability == Capability.TRAIN:
            return True
        if capability == Capability.LORA:
            from graftwork.bases._low_rank import adaptable

            return bool(adaptable(self.network, self.passes().still))
        found = capability == Capability.BOUNDARY and layer_list(self.network).path is not None
        return found and self.anatomy.uniform

    def prepare(self, inputs: Sequence[Any]) -> Pixels:
        """Note the pictures (`Blob`); each is read when its batch runs."""
        from graftwork.bases._vision_pictures import Pixels

        alone = self.placement.device != "cpu"  # then batches come one by one
        return Pixels(inputs, self.processor, self.placement.threads if alone else 1)

    def encode(self, prepared: Pixels, index: np.ndarray, shape: Shape) -> np.ndarray:
        """One batch through the network.

        Returns:
            float32 (len(index), layers, poolings, widest), layer 0 nearest to the pixels, narrower
            layers filled with zeros behind (see `widths`).

        Raises:
            UnsupportedError: another shape than pooled.
            DataError: a file is gone, was changed, or is no picture.
        """
        import numpy as np
        import torch

        if shape not in self.shapes:
            raise UnsupportedError(f"{self.kind} gives {sorted(self.shapes)}, not {shape}")
        passes = self.passes()
        found = np.zeros((len(index), self.n_layers, len(self.poolings), self.dim), np.float32)
        with torch.no_grad():
            batch = passes.batch(prepared, index)
            for layer, states in enumerate(passes.run(self.network, batch)):
                for pooling in range(len(self.poolings)):
                    values = passes.pool(states, pooling, batch)
                    found[:, layer, pooling, : self.widths[layer]] = values.cpu().numpy()
        return found

    def passes(self) -> VisionPasses:
        """How its network is run in parts, for those that tune it."""
        from graftwork.bases._vision_passes import VisionPasses

        return VisionPasses(self)

    def tunable(self, top: int | None = None, *, everything: bool = False) -> TunableNetwork:
        """A copy whose upper layers train (see `graftwork.bases.tunable.Tunable`).

        Args:
            top: number of upper layers; None: all.
            everything: the patches' projection trains too (for random weights).

        Raises:
            UnsupportedError: the architecture has no boundary between layers.
            ParameterError: it has not so many layers.
        """
        from graftwork.bases._tunable import TunableNetwork

        return TunableNetwork(self, top, everything=everything)

    def low_rank(self, rank: int, alpha: float, seed: int) -> LowRankNetwork:
        """A copy whose weights stand still under low-rank adapters that train.

        Raises:
            MissingExtraError: `peft` is not installed.
            UnsupportedError: the network has no linear layers.
        """
        from graftwork.bases._low_rank import LowRankNetwork

        return LowRankNetwork(self, rank, alpha, seed)

    def twin(self, seed: int) -> Vision:
        """The same architecture with random weights, never trained (a control)."""
        from graftwork.bases._loading import random_network

        return self.with_network(
            random_network(self.config, seed, self.placement),
            weights_hash=f"random:{seed}",
            random_seed=seed,
            facts={"name": "random weights"},
        )

    def with_network(self, network: Any, **parts: Any) -> Vision:
        """The same processor and placement before another network of this architecture."""
        return Vision(
            network,
            self.processor,
            self.folder,
            anatomy=self.anatomy,
            placement=self.placement,
            **parts,
        )

    def save(self, folder: Path) -> None:
        """Write config, weights (safetensors) and processor; `transformers` opens the result."""
        from graftwork.bases._checkpoint import PROCESSOR
        from graftwork.bases._loading import quiet

        with quiet():
            self.network.save_pretrained(folder, state_dict=_as_written(self.network))
        (folder / PROCESSOR).write_text(self.processor.text, encoding="utf-8", newline="\n")

    def describe(self) -> dict[str, Any]:
        """Architecture, size and origin as plain values."""
        return {
            "kind": self.kind,
            "modality": self.modality,
            "architecture": type(self.network).__name__,
            "layers": self.n_layers,
            "dimensions": self.dim,
            "widths": list(self.widths),
            "parameters": sum(p.numel() for p in self.network.parameters()),
            "input": [self.processor.height, self.processor.width],
            "poolings": list(self.poolings),
            "precision": self.placement.precision,
            "weights": self._weights_hash,
            **self.facts,
        }


def _channels_last(network: Any) -> Any:
    """The network with its convolutions' weights laid out channels last; the same object."""
    import torch

    return network.to(memory_format=torch.channels_last)


def _as_written(network: Any) -> dict[str, Any]:
    """Its tensors in the layout of the file format."""
    return {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
