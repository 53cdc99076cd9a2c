"""A transformer whose upper layers train, fed with stored states where the lower ones are frozen.

Done once for all architectures: the last frozen layer is replaced by a module that gives the stored
states, those below it by modules that do nothing. Masks, positions and whatever else a network
computes before its layers stay its own.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from graftwork.bases._layers import layer_list
from graftwork.bases._loading import weights_hash, without_hooks
from graftwork.bases._named_weights import NamedWeights, sharing_copy
from graftwork.errors import ParameterError, UnsupportedError
from graftwork.runtime.spread import Spread, in_one

__all__ = ["Passes", "TunableNetwork"]


class Passes(Protocol):
    """What a backbone knows of running its network in parts; made by its `passes`.

    Attributes:
        still: words in the names of weights that never train, unless everything does.
        attention: the kernel that trains quickest on a CPU; None: as it is.
    """

    still: tuple[str, ...]
    attention: str | None

    def batch(self, prepared: Any, index: np.ndarray) -> Any:
        """Some rows of what `prepare` gave, ready for the network."""
        ...

    def smallest(self) -> Any:
        """The cheapest batch that there can be."""
        ...

    def run(self, network: Any, batch: Any) -> Sequence[Any]:
        """Hidden states of the layers of features, in order; the upper ones where it is cut."""
        ...

    def pool(self, states: Any, pooling: int, batch: Any) -> Any:
        """Float32 (b, d) of one layer's states."""
        ...

    def rows(self, states: Any, batch: Any) -> list[np.ndarray]:
        """Float32 (tokens, d) of each row of a layer's states, to be stored."""
        ...

    def fed(self, states: Sequence[np.ndarray], batch: Any) -> Any:
        """What `rows` gave as one tensor again."""
        ...


class TunableNetwork(NamedWeights):
    """A `Tunable` of a Hugging Face network (see there).

    Dropout is off: what comes out must not depend on how a batch is shared among threads and
    processes, and interpolation towards the start holds the weights back where it is wanted.

    Args:
        backbone: frozen; nothing of it is changed.
        top: number of upper layers that train; None: all.
        everything: embeddings train too (for networks that begin with random weights).

    Raises:
        UnsupportedError: the architecture has no boundary there.
        ParameterError: it has not so many layers.
    """

    def __init__(self, backbone: Any, top: int | None = None, *, everything: bool = False) -> None:
        self.backbone = backbone
        self.passes: Passes = backbone.passes()
        depth = backbone.n_layers - 1
        if top is not None and not 1 <= top <= depth:
            raise ParameterError(f"{top} top layers were asked for; the base has 1 to {depth}")
        self.boundary = 0 if top is None else depth - top
        self.cached = self.boundary > 0
        self.places = layer_list(backbone.network)
        if self.cached and self.places.path is None:
            raise UnsupportedError(
                f"base {backbone.facts.get('name', str(backbone.folder))!r} has no boundary "
                f"between its layers: {self.places.why}; all of it can be tuned, or a probe fitted"
            )
        self.everything = everything
        self.network = _own_copy(backbone.network)
        if backbone.placement.device == "cpu" and self.passes.attention:
            self.network.set_attn_implementation(self.passes.attention)
        self._feed: _Feed | None = None
        self._rounded: list[tuple[Any, Any]] | None = None
        if self.cached:
            self._lower = _lower_part(backbone.network, self.places, self.boundary)
            self._cut()
        self._set_what_trains()

    def _cut(self) -> None:
        layers = self.places.of(self.network)
        values = _returned_values(self.backbone.network, self.passes)
        self._feed = _Feed(layers[self.boundary - 1], values)
        for number in range(self.boundary - 1):
            layers[number] = _Nothing(layers[number], values)
        layers[self.boundary - 1] = self._feed

    def _set_what_trains(self) -> None:
        depths = self._depths()
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(name in depths)

    def _depths(self) -> dict[str, int]:
        """Depth of every parameter that trains, by name."""
        found: dict[str, int] = {}
        count = self.backbone.n_layers - 1
        for name, _ in self.network.named_parameters():
            if "pooler" in name:
                continue
            if self.everything or (
                not self.cached and not any(word in name for word in self.passes.still)
            ):
                found[name] = 1
        if self.places.path is None:
            return found
        for number, layer in enumerate(self.places.of(self.network)):
            for name, _ in layer.named_parameters():
                full = f"{self.places.path}.{number}.{name}"
                if number >= self.boundary:
                    found[full] = count - number
        for name in self.places.after:
            module = self.network.get_submodule(name)
            found |= {f"{name}.{own}": 1 for own, _ in module.named_parameters()}
        return found

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs to train it: no hooks, and not the frozen layers."""
        kept = {name: value for name, value in self.__dict__.items() if name != "_lower"}
        network = without_hooks(self.network)
        return {**kept, "network": network, "_feed": None, "_rounded": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.cached:
            self._feed = self.places.of(self.network)[self.boundary - 1]

    def sharing(self) -> TunableNetwork:
        """Another that shares the memory of all weights, and has gradients of its own."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        if self._rounded is None:
            self._rounded = _rounded(self.network, self.backbone.placement)
        twin.network = sharing_copy(self.network, without_hooks(self.network), self._rounded)
        if self.cached:
            twin._feed = self.places.of(twin.network)[self.boundary - 1]
        return twin

    def renew(self, spread: Spread = in_one) -> None:
        """Round the weights of linear layers anew."""
        moved = [pair for pair in self._rounded or () if pair[0].requires_grad]

        def round_anew(share: list[int]) -> None:
            weights, rounded = map(list, zip(*(moved[i] for i in share), strict=True))
            with torch.no_grad():  # holds for the thread that says it
                torch._foreach_copy_(rounded, weights)

        spread(round_anew, [weight.numel() for weight, _ in moved])

    def states(self, prepared: Any, index: np.ndarray) -> list[np.ndarray]:
        """float32 (tokens, d) of each row: what enters the first layer that trains."""
        batch = self.passes.batch(prepared, index)
        with torch.inference_mode():
            return self.passes.rows(self._lower.states(self.passes, batch), batch)

    def pooled(
        self,
        prepared: Any,
        index: np.ndarray,
        wanted: Sequence[tuple[int, int]],
        states: Sequence[np.ndarray] | None,
    ) -> list[Any]:
        """Differentiable float32 (b, d) tensors, one for each (layer, pooling) wanted."""
        batch = self.passes.batch(prepared, index)
        if self._feed is not None:
            self._feed.states = self.passes.fed(states or (), batch)
        with self.backbone.placement.autocast():
            hidden = self.passes.run(self.network, batch)
        if self._feed is not None:
            self._feed.states = None
        count = self.backbone.n_layers
        return [self.passes.pool(hidden[layer - count], how, batch) for layer, how in wanted]

    def finished(self) -> Any:
        """A frozen backbone with the weights as they are now."""
        own = self.backbone
        network = _own_copy(own.network).to(dtype=own.placement.dtype)
        targets = dict(network.named_parameters())
        with torch.no_grad():
            self._write(targets)
        for parameter in network.parameters():
            parameter.requires_grad_(False)
        facts = {**own.facts, "tuned_from": own.fingerprint()}
        network = network.eval()
        return own.with_network(network, weights_hash=weights_hash(network), facts=facts)

    def _write(self, targets: dict[str, Any]) -> None:
        """Put what was learnt into the plain network's parameters."""
        for name, parameter, _ in self.parameters():
            targets[name].copy_(parameter)


def _rounded(network: Any, placement: Any) -> list[tuple[Any, Any]]:
    """Weights of linear layers, and they in the precision of training, where that is another.

    A product in bfloat16 would else round them in every pass of every copy, and widen their
    gradients: a sixth of a step.
    """
    if placement.device != "cpu" or placement.training == "float32":
        return []
    dtype = getattr(torch, placement.training)
    return [
        (module.weight, module.weight.detach().to(dtype))
        for module in network.modules()
        if isinstance(module, nn.Linear)
    ]


class _Stand(nn.Module):
    """Stands where a layer stood and returns values in the form that it did."""

    def __init__(self, layer: nn.Module, values: int) -> None:
        super().__init__()
        self.values = values
        for name in ("attention_type", "layer_type"):  # read by some networks for their masks
            if hasattr(layer, name):
                setattr(self, name, getattr(layer, name))

    def given(self, hidden: Any) -> Any:
        return hidden if self.values == 0 else (hidden, *[None] * (self.values - 1))


class _Nothing(_Stand):
    """Gives back what it is given."""

    def forward(self, hidden: Any, *_: Any, **__: Any) -> Any:
        return self.given(hidden)


class _Feed(_Stand):
    """Gives the stored states, whatever it is given."""

    states: Any = None

    def forward(self, hidden: Any, *_: Any, **__: Any) -> Any:
        return self.given(self.states)


class _LowerPart:
    """The frozen layers alone, with what the last of them gave; several threads may run it."""

    def __init__(self, network: Any, last: nn.Module) -> None:
        self.network = network
        self._local = threading.local()
        last.register_forward_hook(self._take)

    def _take(self, _: Any, __: Any, output: Any) -> None:
        self._local.states = output[0] if isinstance(output, tuple) else output

    def states(self, passes: Passes, batch: Any) -> Any:
        passes.run(self.network, batch)
        return self._local.__dict__.pop("states")


def _lower_part(network: Any, places: Any, boundary: int) -> _LowerPart:
    lower = without_hooks(network)
    layers = places.of(lower)
    kept = list(layers)[:boundary]
    parent, _, name = places.path.rpartition(".")
    setattr(lower.get_submodule(parent), name, nn.ModuleList(kept))
    return _LowerPart(lower, kept[-1])


def _returned_values(network: Any, passes: Passes) -> int:
    """How many values a layer returns as a tuple; 0 where it returns a tensor."""
    network = without_hooks(network)
    found: list[int] = []
    layer = layer_list(network).of(network)[0]
    hook = layer.register_forward_hook(
        lambda _, __, output: found.append(len(output) if isinstance(output, tuple) else 0)
    )
    with torch.inference_mode():
        passes.run(network, passes.smallest())
    hook.remove()
    return found[0]


def _own_copy(network: Any) -> Any:
    """A copy with memory of its own, in float32: small steps would be lost in half precision."""
    return copy.deepcopy(without_hooks(network)).float()
