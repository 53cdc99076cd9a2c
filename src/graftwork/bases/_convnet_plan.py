"""Finding the units and layers of a network that somebody else built, by running it once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from graftwork.bases._convnet_config import is_foreign, is_head, layer_ends
from graftwork.bases._convnet_layers import Layout, Plan
from graftwork.errors import BaseModelError, Fault

__all__ = ["plan_of"]

_PROBE = 64  # side of the picture that tells the widths of our own networks, in pixels
_QUARTERS = 4  # where all units have one resolution, this many layers are read


@dataclass(frozen=True)
class _Seen:
    """One part of a network and what it gave."""

    name: str
    output: Tensor
    layout: Layout

    @property
    def places(self) -> tuple[int, ...]:
        """Its resolution."""
        shape = self.output.shape
        return {"map": shape[2:], "last": shape[1:3], "tokens": shape[1:2]}[self.layout]

    @property
    def width(self) -> int:
        return int(self.output.shape[1 if self.layout == "map" else -1])


def plan_of(network: Any, config: Mapping[str, Any]) -> Plan:
    """The plan of a network in evaluation mode.

    Our own tell their units, and which of them end a layer. Of others the parts are watched while
    a random picture goes through; a layer ends with the last part of each resolution. Whether the
    parts run one after the other is tried out, not assumed.

    Raises:
        BaseModelError: no part of it gives a map or tokens.
    """
    if not is_foreign(config["architecture"]):
        return _own_plan(network, config)
    generator = torch.Generator().manual_seed(0)
    size = int(config["input"]["size"])
    pixels = torch.randn(1, 3, size, size, generator=generator)
    with torch.inference_mode():
        seen = _up_to_the_head(_watched(network, pixels.clone()))
        if not seen:
            raise BaseModelError(
                f"architecture {config['architecture']!r} gives neither maps nor tokens"
            )
        chained = _is_chain(network, seen, pixels)
    ends = _ends(seen)
    return Plan(
        units=tuple(part.name for part in seen),
        ends=ends,
        widths=tuple(seen[end].width for end in ends),
        layouts=tuple(seen[end].layout for end in ends),
        chained=chained,
    )


def _own_plan(network: Any, config: Mapping[str, Any]) -> Plan:
    ends = layer_ends(config["architecture"])
    size = min(_PROBE, int(config["input"]["size"]))
    maps, widths = torch.zeros(1, 3, size, size), []
    try:
        with torch.inference_mode():
            for number, unit in enumerate(network.units()):
                maps = unit(maps)
                if number in ends:
                    widths.append(int(maps.shape[1]))
    except RuntimeError as error:  # a stage had nothing left to look at
        message = f"{config['architecture']} cannot read pictures of {size} × {size} pixels"
        raise BaseModelError(faults=[Fault(message, field="size")]) from error
    return Plan((), ends, tuple(widths), ("map",) * len(ends), chained=True)


def _watched(network: nn.Module, pixels: Tensor) -> list[_Seen]:
    """Parts of the network in the order in which they ran, those that ran once."""
    found: list[tuple[str, Any]] = []
    hooks = [
        part.register_forward_hook(
            lambda _, __, output, name=name: found.append((name, _copied(output)))
        )
        for name, part in _parts(network)
    ]
    try:
        network(pixels)
    finally:
        for hook in hooks:
            hook.remove()
    names = [name for name, _ in found]
    seen = []
    for name, output in found:
        layout = _layout(output) if names.count(name) == 1 else None
        seen.append(_Seen(name, output, layout or ""))
    return seen


def _copied(output: Any) -> Any:
    return output.clone() if isinstance(output, Tensor) else None  # later parts may overwrite it


def _parts(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Children in order, plain sequences opened; the classifier left out."""
    for name, child in module.named_children():
        full = f"{prefix}{name}"
        if is_head(full):
            continue
        if type(child) is nn.Sequential:
            yield from _parts(child, f"{full}.")
        else:
            yield full, child


def _layout(output: Any) -> Layout | None:
    if not isinstance(output, Tensor) or output.ndim not in (3, 4):
        return None
    if output.ndim == 3:
        return "tokens"
    _, first, second, third = output.shape
    if second == third:
        return "map" if second > 1 else None
    return "last" if first == second > 1 else None


def _up_to_the_head(seen: list[_Seen]) -> list[_Seen]:
    kept = []
    for part in seen:
        if not part.layout:
            break
        kept.append(part)
    return kept


def _is_chain(network: nn.Module, seen: list[_Seen], pixels: Tensor) -> bool:
    maps = pixels.clone()
    try:
        for part in seen:
            maps = network.get_submodule(part.name)(maps)
    except Exception:  # others' code, fed with what it may not expect, may raise anything
        return False
    last = seen[-1].output
    return maps.shape == last.shape and bool(torch.allclose(maps, last, rtol=1e-5, atol=1e-6))


def _ends(seen: list[_Seen]) -> tuple[int, ...]:
    last = {(part.layout, part.places): number for number, part in enumerate(seen)}
    ends = sorted({*last.values(), len(seen) - 1})
    if len({part.places for part in seen}) > 2:
        return tuple(ends)
    steps = {round((len(seen) - 1) * step / _QUARTERS) for step in range(1, _QUARTERS + 1)}
    return tuple(sorted({*ends, *steps}))
