"""An image network whose upper layers train, fed with stored maps where the lower stand still.

Batch norms keep the statistics that they came with (their scales and shifts do learn): what comes
out then depends neither on who shares a batch nor on how many threads and processes work on it.
A network that begins with random weights has sensible ones too: see `ConvNet.twin`.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from graftwork.bases._convnet_config import is_head
from graftwork.bases._convnet_fold import folds_alike, trained_units
from graftwork.bases._convnet_layers import Chain, pooled, to_rows
from graftwork.bases._convnet_loading import without_head
from graftwork.bases._named_weights import NamedWeights, sharing_copy
from graftwork.bases.backbone import Capability
from graftwork.bases.convnet import ConvNet
from graftwork.errors import ParameterError, UnsupportedError
from graftwork.runtime.spread import Spread, in_one

if TYPE_CHECKING:
    from graftwork.bases._convnet_pictures import NetworkPictures

__all__ = ["TunableConvNet"]


class TunableConvNet(NamedWeights):
    """A `Tunable` of an image network (see there).

    The stem (layer 0) stands still unless `everything` trains: what it finds, edges and colours, is
    the same for all pictures, and its gradients, at the finest resolution, are the dearest.

    Args:
        backbone: frozen; nothing of it is changed.
        top: number of upper layers that train; None: all but the stem.
        everything: the stem trains too.

    Raises:
        UnsupportedError: the architecture has no boundary there.
        ParameterError: it has not so many layers.
    """

    def __init__(
        self, backbone: ConvNet, top: int | None = None, *, everything: bool = False
    ) -> None:
        self.backbone = backbone
        self.plan = backbone.plan
        depth = backbone.n_layers - 1
        if top is not None and not 1 <= top <= depth:
            raise ParameterError(f"{top} top layers were asked for; the base has 1 to {depth}")
        self.boundary = 0 if top is None else depth - top
        self.cached = self.boundary > 0
        if self.cached and not backbone.supports(Capability.BOUNDARY):
            raise UnsupportedError(
                f"base {backbone.facts.get('name', backbone.config['architecture'])!r} has no "
                "boundary between its layers: its parts do not run one after the other; all of it "
                "can be tuned, or a probe fitted"
            )
        self.everything = everything
        # told once, of the weights that it begins with: all copies, and a resumed run, do the same
        units = self.plan.of(backbone.network) if self.plan.chained else []
        self._folds = bool(units) and folds_alike(self.plan, units, backbone.spec.size)
        self.network = copy.deepcopy(backbone.network).eval().to(backbone.placement.device)
        self.network.to(memory_format=torch.channels_last)
        self._set_what_trains()

    def _set_what_trains(self) -> None:
        depths = self._depths()
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(name in depths)
        self._reader = self._made_reader()

    def _made_reader(self) -> Any:
        if not self.plan.chained:
            return self.plan.reader(self.network)
        units: Sequence[nn.Module] = self.plan.of(self.network)
        if self._folds:
            units = trained_units(units)
        return Chain(self.plan, units, self.boundary if self.cached else None)

    def _depths(self) -> dict[str, int]:
        """Depth of every parameter that trains, by name; the layer next to the head has 1."""
        by_id = {
            id(parameter): layer
            for layer, units in enumerate(self._units_by_layer())
            for unit in units
            for parameter in unit.parameters()
        }
        lowest = 0 if self.everything else self.boundary + 1
        count = self.backbone.n_layers
        found = {}
        for name, parameter in self.network.named_parameters():
            # what is no unit (position tables of a network that is only watched) is beneath all
            layer = by_id.get(id(parameter), 0)
            if layer >= lowest and not is_head(name):
                found[name] = count - layer
        return found

    def _units_by_layer(self) -> list[list[nn.Module]]:
        units, groups, start = self.plan.of(self.network), [], 0
        for end in self.plan.ends:
            groups.append(units[start : end + 1])
            start = end + 1
        return groups

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_reader": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reader = self._made_reader()

    def sharing(self) -> TunableConvNet:
        """Another that shares the memory of all weights, and has gradients of its own."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.network = sharing_copy(self.network)
        twin._reader = twin._made_reader()
        return twin

    def renew(self, spread: Spread = in_one) -> None:
        """Nothing to do: copies have the very weights."""

    def states(self, prepared: NetworkPictures, index: np.ndarray) -> list[np.ndarray]:
        """Float32 (h · w, c) of each row: the map that enters the first layer that trains."""
        maps = self.backbone.maps_at(prepared, index, self.boundary)
        return list(to_rows(maps).cpu().numpy())

    def pooled(
        self,
        prepared: NetworkPictures,
        index: np.ndarray,
        wanted: Sequence[tuple[int, int]],
        states: Sequence[np.ndarray] | None,
    ) -> list[Any]:
        """Differentiable float32 (b, widths[layer]), one for each (layer, pooling) wanted."""
        names, layouts = self.backbone.poolings, self.plan.layouts
        found: dict[tuple[int, int], Any] = {}

        def read(layer: int, output: Any) -> None:
            for place in wanted:
                if place[0] == layer:
                    last = layer == len(layouts) - 1
                    found[place] = pooled(output, layouts[layer], names[place[1]], last)

        with self.backbone.placement.autocast():
            self._reader(self._entering(prepared, index, states), read)
        return [found[place] for place in wanted]

    def _entering(
        self, prepared: NetworkPictures, index: np.ndarray, states: Sequence[np.ndarray] | None
    ) -> Any:
        """What enters the first unit that runs: pixels, or the stored maps of a boundary."""
        device = self.backbone.placement.device
        if not self.cached:
            return torch.from_numpy(prepared.pixels(index)).to(device)
        rows = torch.from_numpy(np.stack(list(states or ())))
        side = math.isqrt(rows.shape[1])  # what enters is square, and stays so
        return rows.unflatten(1, (side, side)).permute(0, 3, 1, 2).to(device)

    def finished(self) -> ConvNet:
        """A frozen backbone with the weights as they are now; its old classifier is gone."""
        own = self.backbone
        network = without_head(self.network, own.config)
        return ConvNet(
            network,
            {**own.config, "n_classes": None},
            placement=own.placement,
            facts={**own.facts, "tuned_from": own.fingerprint()},
        )
