"""Low-rank adapters on every linear layer of a network (LoRA, Hu et al. 2022), by `peft`."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import nn

from graftwork.bases._tunable import TunableNetwork
from graftwork.errors import MissingExtraError, UnsupportedError

__all__ = ["LowRankNetwork", "adaptable"]

ADAPTER = "default"  # peft's own name for the only one


class LowRankNetwork(TunableNetwork):
    """A `Tunable` whose weights stand still, with trained low-rank changes beside them.

    Which modules get an adapter is derived from the architecture: every linear layer of the
    network, embeddings and pooler apart. When finished the changes are added to the weights, so
    that the result is an ordinary backbone.

    Args:
        backbone: frozen; nothing of it is changed.
        rank: of each change.
        alpha: changes are scaled by alpha / rank.
        seed: of the adapters' first weights.

    Raises:
        MissingExtraError: `peft` is not installed.
        UnsupportedError: the network has no linear layers.
    """

    def __init__(self, backbone: Any, rank: int, alpha: float, seed: int) -> None:
        super().__init__(backbone)
        peft = _peft()
        targets = adaptable(self.network, self.passes.still)
        if not targets:
            kind = type(self.network).__name__
            raise UnsupportedError(f"lora: {kind} has no linear layers that could be adapted")
        settings = {
            "r": rank,
            "lora_alpha": alpha,
            "target_modules": targets,
            "fan_in_fan_out": not isinstance(self.network.get_submodule(targets[0]), nn.Linear),
        }
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # peft's advice on architectures that it guesses at
            torch.manual_seed(seed)
            peft.inject_adapter_in_model(peft.LoraConfig(**settings), self.network)
        self._set_what_trains()

    def _depths(self) -> dict[str, int]:
        """Depth of every adapter's weights, by name."""
        count = self.backbone.n_layers - 1
        found = {}
        for name, _ in self.network.named_parameters():
            if ".lora_" in name:
                found[name] = self._depth(name, count)
        return found

    def _depth(self, name: str, count: int) -> int:
        prefix = f"{self.places.path}."
        number = name[len(prefix) :].split(".")[0] if name.startswith(prefix) else ""
        return count - int(number) if number.isdigit() else 1

    def changes(self) -> dict[str, Any]:
        """What to add to each weight, by the weight's name in the plain network."""
        found = {}
        for name, module in self.network.named_modules():
            if hasattr(module, "get_delta_weight"):
                found[f"{name}.weight"] = module.get_delta_weight(ADAPTER).detach()
        return found

    def _write(self, targets: dict[str, Any]) -> None:
        for name, change in self.changes().items():
            targets[name].copy_((targets[name].float() + change).to(targets[name].dtype))


def adaptable(network: Any, still: tuple[str, ...]) -> list[str]:
    """Names of the linear layers of a network, but for those with a word of `still` in them."""
    from transformers.pytorch_utils import Conv1D

    return [
        name
        for name, module in network.named_modules()
        if isinstance(module, (nn.Linear, Conv1D)) and not any(word in name for word in still)
    ]


def _peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise MissingExtraError("peft", "lora") from error
    return peft
