"""Where the list of layers sits in an architecture: rows of data in `layer_lists.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["LayerList", "layer_list"]


@dataclass(frozen=True)
class LayerList:
    """The layers of one network.

    Attributes:
        path: of the list inside the network; None: no list whose layers stand one by one.
        after: modules that come after the last layer (a final norm) and train with it.
        why: the reason where there is no list.
    """

    path: str | None
    after: tuple[str, ...] = ()
    why: str = ""

    def of(self, network: Any) -> Any:
        """The `ModuleList`."""
        return network.get_submodule(self.path)


def layer_list(network: Any) -> LayerList:
    """Where the layers of `network` are.

    An architecture that the data do not name is searched: one list as long as its config says.
    """
    known = _rows().get(network.config.model_type)
    if known is not None:
        found = LayerList(known["layers"], tuple(known.get("after", ())), known.get("why", ""))
    else:
        found = _searched(network)
    if found.path is not None and getattr(getattr(network, "encoder", None), "conv", None):
        return LayerList(None, (), "a convolution beside its first layer reads the embeddings")
    return found


def _searched(network: Any) -> LayerList:
    from torch import nn

    wanted = getattr(network.config, "num_hidden_layers", None)
    found = [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) == wanted
    ]
    if len(found) == 1:
        return LayerList(found[0])
    kind = network.config.model_type
    return LayerList(None, (), f"where the layers of {kind!r} sit is not known")


@cache
def _rows() -> dict[str, dict[str, Any]]:
    text = resources.files("graftwork.bases").joinpath("layer_lists.json").read_text("utf-8")
    rows: dict[str, dict[str, Any]] = json.loads(text)
    return rows
