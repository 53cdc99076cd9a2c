"""Where the layers of an image network end, and how their features are read.

Most networks are a chain: units that run one after the other. Such a one can be cut, its upper
units fed with what the lower ones gave. Of any other the layers are only watched while it runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

__all__ = ["GRID", "Chain", "Layout", "Plan", "Watched", "channels_first", "pooled", "to_rows"]

Read = Callable[[int, Tensor], None]
GRID = 3  # fields of a side
WIDEST_GRID = 4608  # numbers; of wider layers a head would have more to learn than it gains
Layout = str  # "map" (b, c, h, w), "last" (b, h, w, c) or "tokens" (b, t, c)


@dataclass(frozen=True)
class Plan:
    """The layers of one network.

    Attributes:
        units: dotted names of its units; () where the network tells its units itself.
        ends: number of the unit that ends each layer.
        widths: channels of each layer.
        layouts: how each layer's output lies.
        chained: the units run one after the other.
    """

    units: tuple[str, ...]
    ends: tuple[int, ...]
    widths: tuple[int, ...]
    layouts: tuple[Layout, ...]
    chained: bool

    def of(self, network: Any) -> list[nn.Module]:
        """The units of `network`, sharing its weights."""
        if self.units:
            return [network.get_submodule(name) for name in self.units]
        return list(network.units())

    def vectors(self) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
        """Names of the poolings, and the width of each layer's vector by pooling."""
        fields = GRID * GRID * self.widths[-1]
        if fields > WIDEST_GRID or self.layouts[-1] == "tokens":
            return ("mean", "max"), tuple((width, width) for width in self.widths)
        ends = [*((width,) * 3 for width in self.widths[:-1]), (*(self.widths[-1],) * 2, fields)]
        return ("mean", "max", "grid"), tuple(ends)

    def reader(self, network: Any) -> Chain | Watched:
        """What runs `network` and reads its layers."""
        return Chain(self, self.of(network)) if self.chained else Watched(self, network)


class Chain(nn.Module):
    """Units that run one after the other.

    Args:
        plan: where layers end.
        units: all units of the network.
        after: the layer whose map enters; None: pixels do.
    """

    def __init__(self, plan: Plan, units: Sequence[nn.Module], after: int | None = None) -> None:
        super().__init__()
        self.plan = plan
        self.start = 0 if after is None else plan.ends[after] + 1
        self.units = nn.ModuleList(units[self.start : plan.ends[-1] + 1])

    def forward(self, maps: Tensor, read: Read, last: int | None = None) -> None:
        """Run, telling `read` of each layer as soon as it is there (later units may overwrite it).

        Args:
            maps: what enters.
            read: told the layer's number and what its last unit gave.
            last: the layer after which to stop; None: the network's last.
        """
        layers = {end: layer for layer, end in enumerate(self.plan.ends)}
        for number, unit in enumerate(self.units, self.start):
            maps = unit(maps)
            layer = layers.get(number)
            if layer is not None:
                read(layer, maps)
                if layer == last:
                    return


class Watched(nn.Module):
    """A network that runs its own way; its layers are read as they come by.

    Args:
        plan: where layers end.
        network: gets hooks.
    """

    def __init__(self, plan: Plan, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.plan = plan
        for layer, end in enumerate(plan.ends):
            unit = network.get_submodule(plan.units[end])
            for key, hook in list(unit._forward_hooks.items()):  # a copy has its original's
                if isinstance(hook, _Tell):
                    del unit._forward_hooks[key]
            unit.register_forward_hook(_Tell(layer))

    def forward(self, pixels: Tensor, read: Read, last: int | None = None) -> None:
        """Run all of it, as `Chain.forward`; it cannot stop before its end."""
        _here.read = read
        try:
            self.network(pixels)
        finally:
            _here.read = None


_here = threading.local()  # several threads may run one network


@dataclass(frozen=True)
class _Tell:
    """A hook that can be copied and pickled."""

    layer: int

    def __call__(self, _: Any, __: Any, output: Tensor) -> None:
        if getattr(_here, "read", None) is not None:
            _here.read(self.layer, output)


def channels_first(output: Tensor, layout: Layout) -> Tensor:
    """Float (b, c, h, w), or (b, c, t) of tokens."""
    if layout == "last":
        return output.permute(0, 3, 1, 2)
    return output.transpose(1, 2) if layout == "tokens" else output


def to_rows(output: Tensor) -> Tensor:
    """Float (b, h · w, c) of a map (b, c, h, w)."""
    return output.permute(0, 2, 3, 1).flatten(1, 2)


def pooled(output: Tensor, layout: Layout, pooling: str, last: bool) -> Tensor:
    """Float32 (b, c) of one layer: the mean or the greatest value over all places.

    The pooling ``grid`` is the mean too, but for the last layer the means of a grid of GRID × GRID
    fields, (b, c · GRID²): what is where.
    """
    maps = channels_first(output, layout).float()
    if pooling == "grid" and last:
        return functional.adaptive_avg_pool2d(maps, GRID).flatten(1)
    places = maps.flatten(2)
    return places.amax(2) if pooling == "max" else places.mean(2)


def layers_of(
    reader: Chain | Watched, pixels: Tensor, poolings: Sequence[str]
) -> Iterator[list[Tensor]]:
    """For each layer its pooled values, float32 (b, c) one a pooling."""
    found: dict[int, list[Tensor]] = {}
    layouts = reader.plan.layouts

    def read(layer: int, output: Tensor) -> None:
        last = layer == len(layouts) - 1
        found[layer] = [pooled(output, layouts[layer], name, last) for name in poolings]

    reader(pixels, read)
    return (found[layer] for layer in sorted(found))
