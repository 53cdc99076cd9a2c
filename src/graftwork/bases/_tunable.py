"""A transformer whose upper layers train, fed with stored states where the lower ones are frozen.

Done once for all architectures: the last frozen layer is replaced by a module that gives the stored
states, those below it by modules that do nothing. Masks, positions and whatever else a network
computes before its layers stay its own.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from graftwork.bases._layers import layer_list
from graftwork.bases._loading import weights_hash, without_hooks
from graftwork.bases.huggingface import HuggingFace, run_network
from graftwork.errors import ParameterError, UnsupportedError
from graftwork.nn.pooling import POOLINGS, real_tokens

if TYPE_CHECKING:
    from graftwork.bases._tokenize import Tokens

__all__ = ["TunableNetwork"]

# Never trained: a pooler feeds no hidden state, and tables of embeddings cost a third of a step
# while most of their rows never occur in the data.
STILL = ("pooler", "embed", "wte", "wpe")


class TunableNetwork:
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

    def __init__(
        self, backbone: HuggingFace, top: int | None = None, *, everything: bool = False
    ) -> None:
        self.backbone = backbone
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
        if backbone.placement.device == "cpu":
            # rows are short: plain products are quicker than the fused kernel, whose way back
            # takes a third of a step, more in half precision
            self.network.set_attn_implementation("eager")
        self._feed: _Feed | None = None
        if self.cached:
            self._lower = _lower_part(backbone.network, self.places, self.boundary)
            self._cut()
        self._set_what_trains()

    def _cut(self) -> None:
        layers = self.places.of(self.network)
        values = _returned_values(self.backbone)
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
            if self.everything or (not self.cached and not any(word in name for word in STILL)):
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

    def parameters(self) -> Sequence[tuple[str, Any, int]]:
        """(name, torch parameter, depth) of all that trains."""
        depths = self._depths()
        return [(n, p, depths[n]) for n, p in self.network.named_parameters() if n in depths]

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs to train it: no hooks, and not the frozen layers."""
        kept = {name: value for name, value in self.__dict__.items() if name != "_lower"}
        return {**kept, "network": without_hooks(self.network), "_feed": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.cached:
            self._feed = self.places.of(self.network)[self.boundary - 1]

    def sharing(self) -> TunableNetwork:
        """Another that shares the memory of all weights, and has gradients of its own."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.network = _sharing_copy(self.network)
        if self.cached:
            twin._feed = self.places.of(twin.network)[self.boundary - 1]
        return twin

    def states(self, prepared: Tokens, index: np.ndarray) -> list[np.ndarray]:
        """float32 (tokens, d) of each row: what enters the first layer that trains."""
        ids, lengths = prepared.padded(index, self.backbone.padding())
        with torch.inference_mode():
            self._lower.network_run(ids, lengths, self.backbone)
            values = self._lower.taken().float().cpu().numpy()
        return [row[:n] for row, n in zip(values, lengths.tolist(), strict=True)]

    def pooled(
        self,
        prepared: Tokens,
        index: np.ndarray,
        wanted: Sequence[tuple[int, int]],
        states: Sequence[np.ndarray] | None,
    ) -> list[Any]:
        """Differentiable float32 (b, d) tensors, one for each (layer, pooling) wanted."""
        ids, lengths = prepared.padded(index, self.backbone.padding())
        if self._feed is not None:
            self._feed.states = self._padded_states(states or (), ids.shape[1])
        with self.backbone.placement.autocast():
            hidden, counts = run_network(self.network, ids, lengths, self.backbone.placement.device)
        if self._feed is not None:
            self._feed.states = None
        count = self.backbone.n_layers
        mask = real_tokens(counts, ids.shape[1])
        return [
            POOLINGS[self.backbone.poolings[pooling]](hidden[layer - count].float(), mask, counts)
            for layer, pooling in wanted
        ]

    def tensors(self) -> dict[str, np.ndarray]:
        """All weights that train, by name, copied."""
        return {n: np.array(p.detach().cpu().numpy()) for n, p, _ in self.parameters()}

    def put(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Set the weights that train."""
        with torch.no_grad():
            for name, parameter, _ in self.parameters():
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(tensors[name])))

    def finished(self) -> HuggingFace:
        """A frozen backbone with the weights as they are now."""
        own = self.backbone
        network = _own_copy(own.network).to(dtype=own.placement.dtype)
        targets = dict(network.named_parameters())
        with torch.no_grad():
            self._write(targets)
        for parameter in network.parameters():
            parameter.requires_grad_(False)
        return HuggingFace(
            network.eval(),
            own.tokenizer,
            own.folder,
            max_length=own.max_length,
            placement=own.placement,
            weights_hash=weights_hash(network),
            facts={**own.facts, "tuned_from": own.fingerprint()},
        )

    def _write(self, targets: dict[str, Any]) -> None:
        """Put what was learnt into the plain network's parameters."""
        for name, parameter, _ in self.parameters():
            targets[name].copy_(parameter)

    def _padded_states(self, states: Sequence[np.ndarray], width: int) -> Any:
        padded = np.zeros((len(states), width, states[0].shape[1]), dtype=np.float32)
        for row, values in enumerate(states):
            padded[row, : len(values)] = values
        return torch.from_numpy(padded).to(self.backbone.placement.device)


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

    def network_run(self, ids: np.ndarray, lengths: np.ndarray, backbone: HuggingFace) -> None:
        run_network(self.network, ids, lengths, backbone.placement.device)

    def taken(self) -> Any:
        return self._local.__dict__.pop("states")


def _lower_part(network: Any, places: Any, boundary: int) -> _LowerPart:
    lower = without_hooks(network)
    layers = places.of(lower)
    kept = list(layers)[:boundary]
    parent, _, name = places.path.rpartition(".")
    setattr(lower.get_submodule(parent), name, nn.ModuleList(kept))
    return _LowerPart(lower, kept[-1])


def _returned_values(backbone: HuggingFace) -> int:
    """How many values a layer returns as a tuple; 0 where it returns a tensor."""
    network = without_hooks(backbone.network)
    found: list[int] = []
    layer = layer_list(network).of(network)[0]
    hook = layer.register_forward_hook(
        lambda _, __, output: found.append(len(output) if isinstance(output, tuple) else 0)
    )
    with torch.inference_mode():
        one = np.full((1, 1), backbone.padding() or 1, dtype=np.int64)
        run_network(network, one, np.ones(1, np.int64), backbone.placement.device)
    hook.remove()
    return found[0]


def _own_copy(network: Any) -> Any:
    """A copy with memory of its own, in float32: small steps would be lost in half precision."""
    return copy.deepcopy(without_hooks(network)).float()


def _sharing_copy(network: Any) -> Any:
    """A copy whose parameters share their memory with the original's, but not their gradients."""
    memo: dict[int, Any] = {id(buffer): buffer for buffer in network.buffers()}
    for parameter in network.parameters():
        memo[id(parameter)] = nn.Parameter(parameter.detach(), parameter.requires_grad)
    return copy.deepcopy(without_hooks(network), memo)
