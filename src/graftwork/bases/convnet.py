"""Convolutional image networks (and others that torchvision or timm build) as frozen backbones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.bases.backbone import Capability, Shape
from graftwork.bases.hints import TuningHints
from graftwork.errors import UnsupportedError
from graftwork.registry import Declaration, declare

if TYPE_CHECKING:
    import numpy as np

    from graftwork.bases._convnet_layers import Chain, Watched
    from graftwork.bases._convnet_pictures import NetworkPictures
    from graftwork.bases._convnet_tunable import TunableConvNet
    from graftwork.data.blob import Blob
    from graftwork.runtime.devices import Placement

__all__ = ["ConvNet"]

SMALL = 10_000_000  # numbers, the classifier's apart
VERSION = 1  # of how pictures are resized and features read; a change makes other features


@declare(
    "convnet",
    title="A convolutional image network, from a directory",
    source="LeCun et al. 1998",
)
class ConvNet:
    """A frozen image network that gives one vector per layer and pooling.

    A layer is a group of units of the network, usually those that share a resolution; what its last
    unit gives is pooled over the picture by the mean and by the greatest value of each channel. A
    network whose last layer is narrow gives a third vector, there the means of a grid of 3 × 3
    fields: on clothing10 that is worth two points to SqueezeNet 1.0, nothing to the wide
    MobileNetV2. Layer 0 is the stem: it stands still when the layers above it are tuned.

    Open one with `graftwork.bases.open_base` or `load`; the constructor takes finished parts.

    Args:
        network: of float32, in evaluation mode, on the CPU.
        config: as in its `config.json`, checked and whole.
        placement: device, precision and threads of the encoding.
        facts: catalog facts for `describe` (licence, source).

    Attributes:
        widths: channels of each layer.
        vector_widths: numbers of each layer's vectors, by pooling.
    """

    declaration: ClassVar[Declaration]
    kind = "convnet"
    modality = "image"
    scales = ("zscore", "root")  # what comes out of a ReLU has a few huge values

    def __init__(
        self,
        network: Any,
        config: Mapping[str, Any],
        *,
        placement: Placement,
        facts: dict[str, Any] | None = None,
    ) -> None:
        from graftwork.bases._convnet_loading import weights_hash
        from graftwork.bases._convnet_pictures import InputSpec
        from graftwork.bases._convnet_plan import plan_of

        self.network = network
        self.config = dict(config)
        self.placement = placement
        self.facts = facts or {}
        self.plan = plan_of(network, config)
        self.spec = InputSpec.of(config["input"])
        self.widths = self.plan.widths
        self.poolings, self.vector_widths = self.plan.vectors()
        self.dim = max(max(layer) for layer in self.vector_widths)
        self.n_layers = len(self.widths)
        self.shapes = frozenset({Shape.POOLED} | ({Shape.MAP} if self._has_map else set()))
        self._weights_hash = weights_hash(network)
        self._reader = self._frozen()

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        placement: Placement | None = None,
        max_length: int | None = None,
        **facts: Any,
    ) -> ConvNet:
        """Open a directory with `config.json` and `model.safetensors`.

        Args:
            folder: the directory.
            placement: device, precision and threads; chosen for this machine when left out.
            max_length: of texts; means nothing to pictures.
            facts: for `describe`.

        Raises:
            BaseModelError: it is damaged, incomplete, or its weights do not fit its config.
            MissingExtraError: the package that builds its architecture is not installed.
        """
        from graftwork.bases._convnet_loading import load_convnet

        return load_convnet(folder, placement=placement, facts=facts)

    def __getstate__(self) -> dict[str, Any]:
        """Without the reader: the same weights once more."""
        return {**self.__dict__, "_reader": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reader = self._frozen()

    def _frozen(self) -> Chain | Watched:
        from graftwork.bases._convnet_fold import frozen_reader

        return frozen_reader(self.plan, self.network, self.placement, self.spec.size)

    @property
    def hints(self) -> TuningHints:
        """The upper stages see small maps: two of MobileNetV2's five cost a fraction of all.

        With thousands of pictures they are as good as the whole network (bench/image_tuning.py);
        with hundreds all layers are better, and quickly tried.

        Both rates are highest ones of AdamW. 1e-3 was the best of those tried for the upper two
        stages of small networks (MobileNetV2, SqueezeNet; trials on clothing10); larger ones are
        usually tuned with less, and were not tried.
        """
        from graftwork.bases._convnet_config import is_head

        if set(self.plan.layouts) != {"map"}:  # torchvision and timm build transformers too
            return TuningHints(views=2)
        named = self.network.named_parameters()
        numbers = sum(p.numel() for name, p in named if not is_head(name))
        rate = 1e-3 if numbers <= SMALL else 3e-4
        return TuningHints(rate=rate, views=2, top_share=0.4, whole_rows=1000)

    @property
    def extras(self) -> tuple[str, ...]:
        """Extras of this package that build its architecture."""
        from graftwork.bases._convnet_config import is_foreign

        return ("vision",) if is_foreign(str(self.config["architecture"])) else ()

    @property
    def _has_map(self) -> bool:
        return self.plan.layouts[-1] != "tokens"

    def fingerprint(self) -> str:
        """SHA-256 over weights, architecture, input, layers and precision."""
        from graftwork.storage.hashing import digest_json

        return digest_json(
            {
                "kind": self.kind,
                "version": VERSION,
                "weights": self._weights_hash,
                "architecture": self.config["architecture"],
                "options": self.config["options"],
                "input": self.config["input"],
                "layers": list(self.plan.ends),
                "precision": self.placement.precision,
                "poolings": list(self.poolings),
            }
        )

    def supports(self, capability: Capability) -> bool:
        """Tuned in whole always; from a boundary where its units run one after the other."""
        if capability == Capability.BOUNDARY:
            return self.plan.chained and set(self.plan.layouts) == {"map"}
        return capability == Capability.TRAIN

    def prepare(self, inputs: Sequence[Blob | None]) -> NetworkPictures:
        """Note which pictures are meant; they are read and decoded batch by batch in `encode`.

        None is a picture without content.
        """
        from graftwork.bases._convnet_pictures import NetworkPictures

        workers = 1 if self.placement.device == "cpu" else self.placement.threads
        return NetworkPictures(inputs, self.spec, workers)

    def encode(self, prepared: NetworkPictures, index: np.ndarray, shape: Shape) -> Any:
        """One batch through the network.

        Returns:
            POOLED: float32 (len(index), layers, poolings, widest vector); narrower ones are filled
            up with zeros at the end.
            MAP: float32 (len(index), c, h, w) of the last layer.

        Raises:
            DataError: a picture is gone or cannot be decoded.
        """
        import torch

        if shape not in self.shapes:
            raise UnsupportedError(f"{self.kind} gives {sorted(self.shapes)}, not {shape}")
        if shape == Shape.MAP:
            return self.maps_at(prepared, index, self.n_layers - 1).contiguous().cpu().numpy()
        with torch.inference_mode():
            return self._pooled(self._pixels(prepared, index))

    def maps_at(self, prepared: NetworkPictures, index: np.ndarray, layer: int) -> Any:
        """What the last unit of a layer gives for those rows: float32 (b, c, h, w), a tensor."""
        import torch

        from graftwork.bases._convnet_layers import channels_first

        found: list[Any] = []

        def read(number: int, output: Any) -> None:
            if number == layer:
                found.append(channels_first(output, self.plan.layouts[layer]).float())

        with torch.inference_mode():
            self._reader(self._pixels(prepared, index), read, layer)
        return found[0]

    def _pixels(self, prepared: NetworkPictures, index: np.ndarray) -> Any:
        import torch

        pixels = torch.from_numpy(prepared.pixels(index))
        return pixels.to(device=self.placement.device, dtype=self.placement.dtype)

    def _pooled(self, pixels: Any) -> np.ndarray:
        import numpy as np

        from graftwork.bases._convnet_layers import layers_of

        shape = (len(pixels), self.n_layers, len(self.poolings), self.dim)
        out = np.zeros(shape, dtype=np.float32)
        for layer, vectors in enumerate(layers_of(self._reader, pixels, self.poolings)):
            for pooling, values in enumerate(vectors):
                out[:, layer, pooling, : values.shape[1]] = values.cpu().numpy()
        return out

    def tunable(self, top: int | None = None, *, everything: bool = False) -> TunableConvNet:
        """A copy whose upper layers train (see `graftwork.bases.tunable.Tunable`).

        Args:
            top: number of upper layers; None: all but the stem.
            everything: the stem trains too (for networks that begin with random weights).

        Raises:
            UnsupportedError: its units do not run one after the other, so that it has no boundary.
            ParameterError: it has not so many layers.
        """
        from graftwork.bases._convnet_tunable import TunableConvNet

        return TunableConvNet(self, top, everything=everything)

    def low_rank(self, rank: int, alpha: float, seed: int) -> Any:
        """Not for image networks.

        Raises:
            UnsupportedError: always.
        """
        raise UnsupportedError(
            f"lora: a {self.kind} has no low-rank adapters; its top layers can be tuned (finetune)"
        )

    def twin(self, seed: int) -> ConvNet:
        """The same architecture with random weights, never trained.

        The control that shows whether pre-training, rather than the architecture, is what helps.
        """
        from graftwork.bases._convnet_loading import random_network

        return ConvNet(
            random_network(self.config, seed),
            {**self.config, "n_classes": None},
            placement=self.placement,
            facts={"name": "random weights"},
        )

    def save(self, folder: Path) -> None:
        """Write `config.json` and `model.safetensors` to an existing empty folder."""
        from graftwork.bases._convnet_loading import save_network

        save_network(self.network, self.config, folder)

    def describe(self) -> dict[str, Any]:
        """Architecture, size and origin as plain values."""
        return {
            "kind": self.kind,
            "modality": self.modality,
            "architecture": self.config["architecture"],
            **self.config["options"],
            "layers": self.n_layers - 1,
            "dimensions": self.dim,
            "widths": list(self.widths),
            "parameters": sum(p.numel() for p in self.network.parameters()),
            "classes": self.config["n_classes"],
            "input": dict(self.config["input"]),
            "poolings": list(self.poolings),
            "precision": self.placement.precision,
            "weights": self._weights_hash,
            **self.facts,
        }
